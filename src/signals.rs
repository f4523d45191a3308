//! Signals that ask a run to end: Ctrl-C (INT), TERM and HUP.
//!
//! A signal that was ignored when the program started stays ignored: `nohup` relies on it for HUP,
//! and shells for the INT of background jobs.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;

/// A signal that ends a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EndSignal {
    /// INT, as Ctrl-C sends it.
    Interrupt,
    /// TERM.
    Terminate,
    /// HUP: the terminal is gone.
    HangUp,
}

impl EndSignal {
    const ALL: [Self; 3] = [Self::Interrupt, Self::Terminate, Self::HangUp];

    /// What has happened to the run, in a word.
    pub(crate) fn participle(self) -> &'static str {
        match self {
            Self::Interrupt => "interrupted",
            Self::Terminate => "terminated",
            Self::HangUp => "hung up",
        }
    }

    fn kind(self) -> SignalKind {
        match self {
            Self::Interrupt => SignalKind::interrupt(),
            Self::Terminate => SignalKind::terminate(),
            Self::HangUp => SignalKind::hangup(),
        }
    }

    /// A stream of this signal. A system that refuses it leaves the default: the run just ends.
    fn listen(self) -> Option<Signal> {
        let is_ignored = ignored_at_start() & (1 << (self.kind().as_raw_value() - 1)) != 0;
        if is_ignored { None } else { signal(self.kind()).ok() }
    }
}

/// The signals that are ignored, as a bit mask (proc(5), `SigIgn`). Nothing is known to be ignored
/// on systems without /proc. From the first time that a signal is listened for, it is not ignored.
fn ignored_at_start() -> u64 {
    static MASK: std::sync::OnceLock<u64> = std::sync::OnceLock::new();
    *MASK.get_or_init(|| {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
    })
}

static CLAIMS: AtomicUsize = AtomicUsize::new(0);

/// As long as this lives, a signal does not end the run from outside: its holder listens for it,
/// and has something to clean up before it ends the run.
#[derive(Debug)]
pub(crate) struct Claim(());

impl Claim {
    /// Ends the claim, together with the signals that arrived during it: they were for another
    /// program, whose end may be noticed first.
    pub(crate) async fn release(self) {
        // In the first turn the runtime notices a signal, in the second whoever listens gets it.
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
    }
}

/// Claims the signals for the caller.
pub(crate) fn claim() -> Claim {
    CLAIMS.fetch_add(1, Ordering::Relaxed);
    Claim(())
}

/// Returns whether a command ends itself after a signal.
pub(crate) fn are_claimed() -> bool {
    CLAIMS.load(Ordering::Relaxed) > 0
}

impl Drop for Claim {
    fn drop(&mut self) {
        CLAIMS.fetch_sub(1, Ordering::Relaxed);
    }
}

static LISTENED_FOR: Notify = Notify::const_new();

/// Waits for one of the signals. From the first use on, they no longer end the process by
/// themselves: the caller has to end the run.
pub(crate) async fn received() -> EndSignal {
    LISTENED_FOR.notify_one();
    first_of(EndSignal::ALL.map(EndSignal::listen)).await
}

/// Waits for one of the signals, or QUIT: all of them shut the development rack down, which is then
/// the command's ordinary end.
pub(crate) async fn shutdown_requested() {
    let quit = signal(SignalKind::quit()).ok();
    tokio::select! {
        _ = first_of(EndSignal::ALL.map(EndSignal::listen)) => (),
        () = next(quit) => (),
    }
}

/// Waits for a signal while nothing else handles it. Once the program has listened for a signal,
/// its default action no longer ends the program.
pub(crate) async fn unhandled() -> EndSignal {
    LISTENED_FOR.notified().await;
    first_of(EndSignal::ALL.map(EndSignal::listen)).await
}

async fn first_of([interrupt, terminate, hang_up]: [Option<Signal>; 3]) -> EndSignal {
    tokio::select! {
        () = next(interrupt) => EndSignal::Interrupt,
        () = next(terminate) => EndSignal::Terminate,
        () = next(hang_up) => EndSignal::HangUp,
    }
}

async fn next(stream: Option<Signal>) {
    match stream {
        Some(mut stream) => {
            stream.recv().await;
        }
        None => std::future::pending().await,
    }
}
