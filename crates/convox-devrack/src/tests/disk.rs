use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;

use super::support::*;
use crate::Limits;

fn app(text: &str) -> Vec<u8> {
    let manifest = "services:\n  job:\n    command: sleep 600\n";
    archive(&[("convox.yml", manifest), ("data", &"unchanged ".repeat(100_000)), ("new", text)])
}

fn source(rack: &TestRack, build: &serde_json::Value) -> PathBuf {
    rack.data.join("apps/web/sources").join(build["id"].as_str().unwrap())
}

/// The archive of a build is removed after its end was stored.
async fn until_no_uploads(client: &Client) {
    client.until("/apps/web/objects?prefix=tmp/", |keys| keys.as_array().unwrap().is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unchanged_files_are_shared_between_sources_which_stay_whole() {
    let data = tempfile::tempdir().unwrap();
    let rack = TestRack::start(data.path()).await;
    rack.client.create("web").await;
    let (first, _) = rack.client.build("web", app("one")).await;
    let before = crate::daemon::disk_usage(&rack.data);
    let (second, _) = rack.client.build("web", app("two")).await;
    // Stops wait for builds, and so for what follows them.
    rack.stop().await;
    let rack = TestRack::start(data.path()).await;
    let files = |name: &str| (source(&rack, &first).join(name), source(&rack, &second).join(name));
    let (old, new) = files("data");
    let (old, new) = (std::fs::metadata(old).unwrap(), std::fs::metadata(new).unwrap());
    let shared = old.ino() == new.ino();
    if shared {
        let grown = crate::daemon::disk_usage(&rack.data) - before;
        assert!(grown < 500_000, "{grown}");
    } else {
        // A file system with reflinks, which keep the inodes apart.
        assert_eq!(old.len(), new.len());
    }
    let (old, new) = files("new");
    let text = |path| std::fs::read_to_string(path).unwrap();
    assert_eq!((text(old), text(new)), ("one".into(), "two".into()));
    rack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_build_keeps_neither_source_nor_archive() {
    let data = tempfile::tempdir().unwrap();
    let rack = TestRack::start(data.path()).await;
    rack.client.create("web").await;
    let manifest = "services:\n  job:\n    command: sleep 60\n    x-dev:\n      build: exit 3\n";
    let (build, log) = rack.client.build("web", archive(&[("convox.yml", manifest)])).await;
    assert_eq!(build["status"], "failed", "{log}");
    until_no_uploads(&rack.client).await;
    assert!(!source(&rack, &build).exists());
    rack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pruning_frees_archives_and_old_releases_but_nothing_that_runs() {
    let data = tempfile::tempdir().unwrap();
    let few = |limits: &mut Limits| (limits.releases, limits.release_age) = (1, Duration::ZERO);
    let rack = TestRack::start_with(data.path(), few).await;
    let client = &rack.client;
    client.create("web").await;
    let active = client.release("web", app("active")).await;
    client.promoted("web", &active).await;
    let (old, _) = client.build("web", app("old")).await;
    client.release("web", app("newest")).await;
    let (status, pruned) = client.post("/system/prune", &[]).await;
    assert_eq!(status, 200);
    assert!(pruned["freed"].as_u64().unwrap() > 0, "{pruned}");
    assert_eq!(client.get("/apps/web/objects?prefix=tmp/").await, serde_json::json!([]));
    assert!(!source(&rack, &old).exists());
    assert_eq!(client.get("/apps/web/releases").await.as_array().unwrap().len(), 2);
    assert_eq!(client.promoted("web", &active).await["release"], active.as_str());
    rack.stop().await;
    assert_eq!(
        crate::daemon::prune(data.path()).await.unwrap(),
        0,
        "a stopped rack, pruned before"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn releases_made_at_once_are_all_there_to_be_promoted() {
    let data = tempfile::tempdir().unwrap();
    let rack = TestRack::start_with(data.path(), |limits| limits.releases = 2).await;
    let client = &rack.client;
    client.create("web").await;
    let first = client.release("web", app("one")).await;
    let mut made = Vec::new();
    for number in 0..8 {
        let (_, release) =
            client.post("/apps/web/releases", &[("env", &format!("A={number}"))]).await;
        made.push(release["id"].as_str().unwrap().to_owned());
    }
    client.promoted("web", &first).await;
    for release in &made {
        assert_eq!(client.promoted("web", release).await["release"], release.as_str());
    }
    rack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_whose_log_is_lost_ends_all_the_same() {
    let data = tempfile::tempdir().unwrap();
    let rack = TestRack::start(data.path()).await;
    rack.client.create("web").await;
    let (go, gone) = (data.path().join("go"), data.path().join("gone"));
    let step =
        format!("until test -e {}; do sleep 0.1; done; touch {}", go.display(), gone.display());
    let manifest =
        format!("services:\n  job:\n    command: sleep 60\n    x-dev:\n      build: {step}\n");
    let build = rack.client.start_build("web", archive(&[("convox.yml", &manifest)])).await;
    let id = build["id"].as_str().unwrap();
    std::fs::remove_file(rack.data.join("apps/web/build-logs").join(id)).unwrap();
    std::fs::write(go, "").unwrap();
    let path = format!("/apps/web/builds/{id}");
    let build = rack.client.until(&path, |build| build["status"] != "running").await;
    assert_eq!(build["status"], "complete", "{build}");
    assert!(gone.exists());
    rack.stop().await;
}
