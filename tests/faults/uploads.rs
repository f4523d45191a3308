//! Uploads that start while the source is being packed, and thus without a length.

use std::path::Path;

use crate::support::Output;
use crate::support::cli::Cli;
use crate::support::fault::Fault;
use crate::support::proxy::{Proxy, Received, Setup};
use crate::support::{PASSWORD, TestRack};

const UPLOAD: &str = "POST /apps/APP/objects/KEY";

/// Writes a source that is large enough for its upload to start before it is packed.
fn write_large(directory: &Path, files: usize) {
    crate::support::app::write_source(directory);
    let mut seed: u64 = 0x9E37_79B9_7F4A_7C15;
    for number in 0..files {
        let noise = |_| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed.to_le_bytes()[0]
        };
        let bytes: Vec<u8> = (0..1 << 20).map(noise).collect();
        std::fs::write(directory.join(format!("noise-{number}")), bytes).unwrap();
    }
}

async fn build(rack: &TestRack, app: &str, source: &Path, fault: Fault) -> (Output, Proxy) {
    rack.api.post("/apps", &[("name", app)]).await;
    let once = move |request: &Received| match (request.key.as_str(), request.nth) {
        (UPLOAD, 1) => fault,
        _ => Fault::Pass,
    };
    let proxy = Proxy::start(Setup::new(rack.address, once));
    let source = source.display().to_string();
    let home = tempfile::tempdir().unwrap();
    let cli = Cli::new(&["build", &source, "-a", app], home.path()).at(proxy.address, PASSWORD);
    (cli.run().await, proxy)
}

fn are_chunked(proxy: &Proxy) -> Vec<bool> {
    let records = proxy.records();
    let uploads = records.iter().filter(|record| record.request.key == UPLOAD);
    uploads.map(|record| record.chunked).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_refused_for_its_missing_length_is_repeated_once_with_its_length() {
    let rack = TestRack::temporary();
    let source = tempfile::tempdir().unwrap();
    write_large(source.path(), 24);
    let refusals = [
        (
            "length-required",
            "HTTP/1.1 411 Length Required\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        ),
        ("too-large", "HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"),
        (
            "not-known",
            "HTTP/1.1 501 Not Implemented\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        ),
        ("bad", "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"),
    ];
    for (app, text) in refusals {
        let (ran, proxy) = build(&rack, app, source.path(), Fault::Early(text)).await;
        assert_eq!(ran.code, 0, "{app}: {ran:?}");
        assert_eq!(are_chunked(&proxy), [true, false], "{app}: chunked, then with a length");
        assert_eq!(proxy.carried_out("POST /apps/APP/builds"), 1);
    }
    let (ran, proxy) = build(&rack, "cut", source.path(), Fault::ResetInBody).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(are_chunked(&proxy), [true, false]);
    // A second refusal is final.
    rack.api.post("/apps", &[("name", "again")]).await;
    let always = |request: &Received| match request.key.as_str() {
        UPLOAD => Fault::Early(
            "HTTP/1.1 413 Too Large\r\nserver: nginx\r\ncontent-length: 20\r\nconnection: close\r\n\r\nthat is far too much",
        ),
        _ => Fault::Pass,
    };
    let proxy = Proxy::start(Setup::new(rack.address, always));
    let home = tempfile::tempdir().unwrap();
    let directory = source.path().display().to_string();
    let cli = Cli::new(&["build", &directory, "-a", "again"], home.path());
    let ran = cli.at(proxy.address, PASSWORD).run().await;
    assert_eq!((ran.code, proxy.count(UPLOAD)), (1, 2), "{ran:?}");
    assert!(ran.err.starts_with("ERROR: that is far too much\nHINT: nginx refused a body of 2"));
    assert!(ran.err.contains(" MB\nHINT: leave files out of the source with .dockerignore"));
    assert_eq!(proxy.count("POST /apps/APP/builds"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_shrinks_while_it_is_packed_is_not_built() {
    let rack = TestRack::temporary();
    let source = tempfile::tempdir().unwrap();
    write_large(source.path(), 4);
    // A sparse file that takes seconds to read, and is truncated meanwhile.
    let first = source.path().join("a-hole");
    std::fs::File::create(&first).unwrap().set_len(6 << 30).unwrap();
    rack.api.post("/apps", &[("name", "web")]).await;
    let script = move |request: &Received| match request.key.as_str() {
        UPLOAD => Fault::Watched,
        "IN THE BODY" => {
            let file = std::fs::OpenOptions::new().write(true).open(&first).unwrap();
            file.set_len(1000).unwrap();
            Fault::Pass
        }
        _ => Fault::Pass,
    };
    let proxy = Proxy::start(Setup::new(rack.address, script));
    let home = tempfile::tempdir().unwrap();
    let directory = source.path().display().to_string();
    let cli = Cli::new(&["build", &directory, "-a", "web"], home.path());
    let ran = cli.at(proxy.address, PASSWORD).run().await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.starts_with("ERROR: ") && ran.err.contains("a-hole changed"), "{ran:?}");
    assert_eq!(ran.err.lines().filter(|line| line.starts_with("ERROR: ")).count(), 1);
    assert_eq!(are_chunked(&proxy), [true], "the upload had begun");
    assert_eq!(proxy.carried_out(UPLOAD), 0, "and was not completed");
    assert_eq!(proxy.count("POST /apps/APP/builds"), 0);
    assert_eq!(rack.api.get("/apps/web/builds").await, serde_json::json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_survives_a_rack_that_is_killed_in_the_middle_of_it() {
    let rack = std::sync::Arc::new(crate::support::killable::Killable::begin().await);
    rack.api.post("/apps", &[("name", "web")]).await;
    let source = tempfile::tempdir().unwrap();
    write_large(source.path(), 4);
    let once = move |request: &Received| match (request.key.as_str(), request.nth) {
        (UPLOAD, 1) => Fault::KilledAfter,
        (UPLOAD, 2) => Fault::ResetInBody,
        _ => Fault::Pass,
    };
    let setup = Setup { rack: Some(rack.clone()), ..Setup::new(rack.upstream.clone(), once) };
    let proxy = Proxy::start(setup);
    let home = tempfile::tempdir().unwrap();
    let directory = source.path().display().to_string();
    let cli = Cli::new(&["build", &directory, "-a", "web"], home.path());
    let ran = cli.at(proxy.address, &rack.api.password).run().await;
    assert_eq!((ran.code, proxy.count(UPLOAD)), (0, 3), "{ran:?}");
    assert_eq!(rack.api.get("/apps/web/builds").await.as_array().unwrap().len(), 1);
    rack.stop().await;
}
