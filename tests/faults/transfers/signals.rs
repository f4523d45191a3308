//! TERM and INT in the middle of a transfer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::Signal;

use super::work::{Scene, Work};
use super::{World, mock, runtime};
use crate::support::cli::Cli;
use crate::support::fault::Fault;
use crate::support::proxy::Proxy;
use crate::support::{Output, until};

/// Runs a command whose transfer stops halfway, and ends it by a signal.
async fn ended_by(signal: Signal, work: Work, world: &World) -> (Scene, Proxy, Output) {
    let scene = world.scene(work).await;
    let arrived = Arc::new(AtomicBool::new(false));
    let noted = arrived.clone();
    let proxy = world.proxy(work, move |request| {
        if work.is_upload(&request.key) {
            noted.store(true, Ordering::Relaxed);
            return Fault::Hang;
        }
        if work.is_download(&request.key) { Fault::Stuck } else { Fault::Pass }
    });
    let cli = World::cli(work, &scene, &proxy, Cli::new);
    let running =
        cli.env("CONVOX_STALL_TIMEOUT", "60s").env("CONVOX_CHANGE_TIMEOUT", "60s").start();
    let is_halfway = || {
        let of_download = |record: &crate::support::proxy::Record| {
            work.is_download(&record.request.key) && record.answered.is_some()
        };
        arrived.load(Ordering::Relaxed) || proxy.records().iter().any(of_download)
    };
    tokio::task::block_in_place(|| until("the transfer", || is_halfway().then_some(())));
    running.signal(signal);
    let ran = running.ended().await;
    (scene, proxy, ran)
}

#[test]
fn a_transfer_that_is_ended_by_a_signal_leaves_nothing_half_done() {
    let mock = mock();
    runtime().block_on(async {
        let world = World::create(mock).await;
        for work in Work::ALL {
            for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129), (Signal::INT, 130)] {
                let (scene, _proxy, ran) = ended_by(signal, work, &world).await;
                assert_eq!(ran.code, code, "{ran}");
                assert!(ran.took < super::SOON, "{ran}");
                scene.is_untouched_by(work, &ran);
                if work.changes() {
                    assert!(ran.err.contains("HINT: "), "what became of it is not said: {ran}");
                }
            }
        }
    });
}
