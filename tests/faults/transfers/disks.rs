//! Disks that are full in the middle of an export or a copy.

use super::work::Work;
use super::{World, mock, runtime};
use crate::support::cli::Cli;
use crate::support::fault::Fault;

#[test]
fn a_disk_that_is_full_in_the_middle_leaves_what_was_there() {
    let mock = mock();
    runtime().block_on(async {
        let world = World::create(mock).await;
        for work in [Work::CopyFrom, Work::ExportBuild, Work::ExportApp, Work::ExportResource] {
            let scene = world.scene(work).await;
            let proxy = world.proxy(work, |_| Fault::Pass);
            let ran = World::cli(work, &scene, &proxy, Cli::on_full_disk).run().await;
            assert_eq!(ran.code, 1, "{ran}");
            let errors: Vec<&str> =
                ran.err.lines().filter(|line| line.starts_with("ERROR: ")).collect();
            assert!(
                matches!(errors[..], [error] if error.to_lowercase().contains("file too large")),
                "{ran}"
            );
            assert!(ran.err.contains("\nHINT: "), "{ran}");
            scene.is_untouched_by(work, &ran);
        }
    });
}
