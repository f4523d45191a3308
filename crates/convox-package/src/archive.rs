//! Packing: one thread walks the directory and splits it into blocks, the others read and compress
//! them, and the results are written in order.
//!
//! Each block becomes a gzip member of its own (RFC 1952 allows several), so blocks are independent
//! of each other. Memory is bounded by the number of workers: each holds one block and its
//! compressed form, and workers that are too far ahead wait.

use std::collections::BTreeMap;
use std::io;
use std::ops::ControlFlow;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use libdeflater::{CompressionLvl, Compressor};
use rustix::fs::{Mode, OFlags};
use tokio::sync::watch;

use super::block::{Block, BlockSplitter};
use super::error::{PackageError, Role, Warning};
use super::source::Source;
use super::spool::{CancelOnDrop, Counters, Packed, Progress, Spool, SpoolFile, Times};
use super::walk::walk;

/// libdeflate's compression levels. On source trees, `SMALLER` gives the size of `gzip -6`;
/// `QUICKER` takes a seventh less time and gives 3 to 4 % more. With `SMALLER` for one block of
/// three, the archive stays below 3 % more.
const SMALLER: i32 = 5;
const QUICKER: i32 = 4;

/// The number of workers beyond which memory grows more than time shrinks.
const MAX_WORKERS: usize = 8;

/// The number of compressed blocks that may wait for an earlier one.
const MAX_WAITING: usize = 8;

/// Starts packing `source` in the background and returns at once; the spool grows meanwhile.
///
/// The archive is kept in a file without a name in `temp_dir`, usually [`std::env::temp_dir`].
///
/// # Errors
/// Fails if the root cannot be opened, or if no temporary file or thread can be created. Later
/// errors are reported by the [`Spool`].
pub fn spool(source: &Source, times: Times, temp_dir: &Path) -> Result<Spool, PackageError> {
    let root = open_root(source)?;
    let file = tempfile::tempfile_in(temp_dir).map_err(|e| PackageError::spooling(temp_dir, e))?;
    let file = Arc::new(SpoolFile { file, dir: temp_dir.to_owned() });
    let (publish, progress) = watch::channel(Progress::default());
    let counters = Arc::new(Counters::default());
    let packing = Arc::new(Packing {
        source: source.clone(),
        root,
        file: Arc::clone(&file),
        publish,
        counters: Arc::clone(&counters),
        order: Mutex::default(),
        advanced: Condvar::new(),
    });
    start(&packing, times)?;
    let cancel = CancelOnDrop::new(move || packing.stop());
    Ok(Spool::new(file, progress, counters, cancel))
}

/// Opens the root directory of a source.
pub(super) fn open_root(source: &Source) -> Result<OwnedFd, PackageError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(source.root(), flags, Mode::empty())
        .map_err(|e| PackageError::reading(source.root(), Role::Required, e))
}

fn start(packing: &Arc<Packing>, times: Times) -> Result<(), PackageError> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    // one worker more than cores: while one waits for the disk, the others compress
    let workers = (cores + 1).min(MAX_WORKERS);
    let (sender, blocks) = sync_channel(workers);
    let blocks = Arc::new(Mutex::new(blocks));
    for _ in 0..workers {
        let blocks = Arc::clone(&blocks);
        packing.spawn("packer", move |packing| packing.work(&blocks))?;
    }
    packing.spawn("walker", move |packing| {
        let mut splitter = BlockSplitter::new(|block| match sender.send(block) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        });
        let root = packing.root.as_fd();
        let warnings = walk(&packing.source, root, times, |entry| {
            packing.counters.entries.fetch_add(1, Ordering::Relaxed);
            splitter.add(entry)
        })?;
        let (blocks, entries) = splitter.finish();
        packing.walked(Walked { blocks, entries, warnings });
        Ok(())
    })
}

/// The state that the threads of one packing share.
struct Packing {
    source: Source,
    root: OwnedFd,
    file: Arc<SpoolFile>,
    publish: watch::Sender<Progress>,
    counters: Arc<Counters>,
    order: Mutex<Order>,
    /// Notified whenever `order` advances.
    advanced: Condvar,
}

/// Which blocks have been written, and which wait for an earlier one.
#[derive(Default)]
struct Order {
    next: u64,
    written: u64,
    waiting: BTreeMap<u64, Vec<u8>>,
    walked: Option<Walked>,
    stopped: bool,
}

/// The result of the walk.
struct Walked {
    blocks: u64,
    entries: u64,
    warnings: Vec<Warning>,
}

impl Packing {
    /// Runs `work` on a thread. If it fails or panics, the packing ends.
    fn spawn(
        self: &Arc<Self>,
        name: &str,
        work: impl FnOnce(&Self) -> Result<(), PackageError> + Send + 'static,
    ) -> Result<(), PackageError> {
        let guard = PanicGuard(Arc::clone(self));
        let run = move || {
            let packing = &guard.0;
            work(packing).unwrap_or_else(|e| packing.fail(e));
        };
        match thread::Builder::new().name(name.to_owned()).spawn(run) {
            Ok(_) => Ok(()),
            Err(e) => {
                self.stop();
                Err(self.aborted(e))
            }
        }
    }

    fn work(&self, blocks: &Mutex<Receiver<Block>>) -> Result<(), PackageError> {
        let level = |level| CompressionLvl::new(level).unwrap_or_default();
        let mut smaller = Compressor::new(level(SMALLER));
        let mut quicker = Compressor::new(level(QUICKER));
        let (mut archive, mut member) = (Vec::new(), Vec::new());
        while let Some(block) = next(blocks) {
            if self.order().stopped {
                break;
            }
            block.fill(&mut archive, self.root.as_fd(), &self.source)?;
            self.counters.bytes.fetch_add(archive.len() as u64, Ordering::Relaxed);
            let compressor = if block.number % 3 == 0 { &mut smaller } else { &mut quicker };
            let bound = compressor.gzip_compress_bound(archive.len());
            member.resize(bound.max(member.len()), 0);
            let length = compressor
                .gzip_compress(&archive, &mut member)
                .map_err(|e| self.aborted(io::Error::other(e)))?;
            self.deliver(block.number, &member[..length])?;
        }
        Ok(())
    }

    /// Writes a member, or keeps it until the ones before it are written.
    fn deliver(&self, number: u64, member: &[u8]) -> Result<(), PackageError> {
        let too_early = |order: &mut Order| {
            order.next != number && order.waiting.len() >= MAX_WAITING && !order.stopped
        };
        let order = self.advanced.wait_while(self.order(), too_early);
        let mut order = order.unwrap_or_else(PoisonError::into_inner);
        if order.next != number {
            order.waiting.insert(number, member.to_vec());
            return Ok(());
        }
        self.write(&mut order, member)?;
        while let Some(member) = order.take_next() {
            self.write(&mut order, &member)?;
        }
        self.advanced.notify_all();
        self.publish(&mut order);
        Ok(())
    }

    fn write(&self, order: &mut Order, member: &[u8]) -> Result<(), PackageError> {
        self.file.write_at(member, order.written)?;
        order.written += member.len() as u64;
        order.next += 1;
        Ok(())
    }

    fn walked(&self, walked: Walked) {
        let mut order = self.order();
        order.walked = Some(walked);
        self.publish(&mut order);
    }

    /// Publishes the progress to the readers; after the last block, the outcome too.
    fn publish(&self, order: &mut Order) {
        let length = order.written;
        let last = order.walked.take_if(|walked| walked.blocks == order.next);
        let packed =
            last.map(|Walked { entries, warnings, .. }| Packed { length, entries, warnings });
        self.publish.send_modify(|progress| {
            progress.written = length;
            if let (Some(packed), None) = (packed, &progress.outcome) {
                progress.outcome = Some(Ok(packed));
            }
        });
    }

    /// Ends the packing with an error, unless there was one before.
    fn fail(&self, e: PackageError) {
        self.publish.send_modify(|progress| {
            progress.outcome.get_or_insert(Err(e));
        });
        self.stop();
    }

    /// Makes the threads end after their current block.
    fn stop(&self) {
        self.order().stopped = true;
        self.advanced.notify_all();
    }

    fn order(&self) -> MutexGuard<'_, Order> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn aborted(&self, e: io::Error) -> PackageError {
        PackageError::Aborted { root: self.source.root().to_owned(), source: e.into() }
    }
}

impl Order {
    fn take_next(&mut self) -> Option<Vec<u8>> {
        self.waiting.remove(&self.next)
    }
}

fn next(blocks: &Mutex<Receiver<Block>>) -> Option<Block> {
    blocks.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

/// Turns a thread's panic into an error for the readers, which would otherwise wait forever.
struct PanicGuard(Arc<Packing>);

impl Drop for PanicGuard {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.fail(self.0.aborted(io::Error::other("a packing thread panicked")));
        }
    }
}
