//! Packing: one thread walks and cuts, the others read and compress, and the blocks are written
//! in order.
//!
//! Each block becomes a gzip member of its own (RFC 1952 allows several), so blocks need nothing
//! from each other. Memory is bounded by the number of workers: each holds one block and its
//! compressed form, and a worker that is too far ahead waits.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use libdeflater::{CompressionLvl, Compressor};
use rustix::fs::{Mode, OFlags};
use tokio::sync::watch;

use super::block::{Block, Cutter};
use super::error::{PackageError, Warning};
use super::source::Source;
use super::spool::{Interest, Packed, Progress, Spool, Times};
use super::walk::walk;

/// libdeflate's levels. On source trees the first gives the size of `gzip -6`; the second takes a
/// seventh less time and gives 3 to 4 % more. One block of three at the first stays below 3 % more.
const SMALLER: i32 = 5;
const QUICKER: i32 = 4;

/// More workers than this would cost more memory than they save time.
const MOST_WORKERS: usize = 8;

/// Blocks that may wait for one before them.
const MOST_WAITING: usize = 8;

/// Starts to pack `source` and returns at once; the spool grows meanwhile.
///
/// # Errors
/// The root cannot be opened, or there is no temporary file or thread to be had. What goes wrong
/// later is told by the spool.
pub fn spool(source: &Source, times: Times) -> Result<Spool, PackageError> {
    let root = open_root(source)?;
    let file = Arc::new(tempfile::tempfile().map_err(PackageError::spooling)?);
    let (publish, progress) = watch::channel(Progress::default());
    let packing = Arc::new(Packing {
        source: source.clone(),
        root,
        file: Arc::clone(&file),
        publish,
        order: Mutex::default(),
        turned: Condvar::new(),
    });
    start(&packing, times)?;
    let interest = Interest::new(move || packing.stop());
    Ok(Spool::new(file, progress, interest))
}

fn open_root(source: &Source) -> Result<OwnedFd, PackageError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(source.root(), flags, Mode::empty())
        .map_err(|e| PackageError::reading(source.root(), e))
}

fn start(packing: &Arc<Packing>, times: Times) -> Result<(), PackageError> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    // more workers than cores: while some wait for the disk, the others compress
    let workers = (cores + 1).min(MOST_WORKERS);
    let (sender, blocks) = sync_channel(workers);
    let blocks = Arc::new(Mutex::new(blocks));
    for _ in 0..workers {
        let blocks = Arc::clone(&blocks);
        packing.spawn("packer", move |packing| packing.work(&blocks))?;
    }
    packing.spawn("walker", move |packing| {
        let mut cutter = Cutter::new(|block| match sender.send(block) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        });
        let root = packing.root.as_fd();
        let warnings = walk(&packing.source, root, times, |entry| cutter.add(entry))?;
        let (blocks, entries) = cutter.finish();
        packing.walked(Walked { blocks, entries, warnings });
        Ok(())
    })
}

/// What the threads of one packing share.
struct Packing {
    source: Source,
    root: OwnedFd,
    file: Arc<File>,
    publish: watch::Sender<Progress>,
    order: Mutex<Order>,
    /// Signalled whenever `order` moves on.
    turned: Condvar,
}

/// Which blocks are written, and which wait for one before them.
#[derive(Default)]
struct Order {
    next: u64,
    written: u64,
    waiting: BTreeMap<u64, Vec<u8>>,
    walked: Option<Walked>,
    stopped: bool,
}

/// The walk's end: what there is to be written.
struct Walked {
    blocks: u64,
    entries: u64,
    warnings: Vec<Warning>,
}

impl Packing {
    /// Runs `work` on a thread; its error, or its crash, ends the packing.
    fn spawn(
        self: &Arc<Self>,
        name: &str,
        work: impl FnOnce(&Self) -> Result<(), PackageError> + Send + 'static,
    ) -> Result<(), PackageError> {
        let alarm = Alarm(Arc::clone(self));
        let run = move || {
            let packing = &alarm.0;
            work(packing).unwrap_or_else(|e| packing.fail(e));
        };
        match thread::Builder::new().name(name.to_owned()).spawn(run) {
            Ok(_) => Ok(()),
            Err(e) => {
                self.stop();
                Err(self.broke_off(e))
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
            block.fill(&mut archive, self.root.as_fd(), self.source.root())?;
            let compressor = if block.number % 3 == 0 { &mut smaller } else { &mut quicker };
            let room = compressor.gzip_compress_bound(archive.len());
            member.resize(room.max(member.len()), 0);
            let length = compressor
                .gzip_compress(&archive, &mut member)
                .map_err(|e| self.broke_off(io::Error::other(e)))?;
            self.deliver(block.number, &member[..length])?;
        }
        Ok(())
    }

    /// Writes a member when its turn comes.
    fn deliver(&self, number: u64, member: &[u8]) -> Result<(), PackageError> {
        let too_early = |order: &mut Order| {
            order.next != number && order.waiting.len() >= MOST_WAITING && !order.stopped
        };
        let order = self.turned.wait_while(self.order(), too_early);
        let mut order = order.unwrap_or_else(PoisonError::into_inner);
        if order.next != number {
            order.waiting.insert(number, member.to_vec());
            return Ok(());
        }
        self.write(&mut order, member)?;
        while let Some(member) = order.take_next() {
            self.write(&mut order, &member)?;
        }
        self.turned.notify_all();
        self.publish(&mut order);
        Ok(())
    }

    fn write(&self, order: &mut Order, member: &[u8]) -> Result<(), PackageError> {
        self.file.write_all_at(member, order.written).map_err(PackageError::spooling)?;
        order.written += member.len() as u64;
        order.next += 1;
        Ok(())
    }

    fn walked(&self, walked: Walked) {
        let mut order = self.order();
        order.walked = Some(walked);
        self.publish(&mut order);
    }

    /// Tells the readers how far it is, and that it is done when the last block is written.
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

    /// Ends the packing with an error; the first one counts.
    fn fail(&self, e: PackageError) {
        self.publish.send_modify(|progress| {
            progress.outcome.get_or_insert(Err(e));
        });
        self.stop();
    }

    /// Lets the threads end after what they have in hand.
    fn stop(&self) {
        self.order().stopped = true;
        self.turned.notify_all();
    }

    fn order(&self) -> MutexGuard<'_, Order> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn broke_off(&self, e: io::Error) -> PackageError {
        PackageError::BrokeOff { root: self.source.root().to_owned(), source: Arc::new(e) }
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

/// Makes a thread's crash an error for the readers, who would wait for ever otherwise.
struct Alarm(Arc<Packing>);

impl Drop for Alarm {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.fail(self.0.broke_off(io::Error::other("a packing thread crashed")));
        }
    }
}
