//! Uploads: without a length while the source is being packed, and what comes of it.

use std::path::Path;

use crate::support::cli::{Cli, Output};
use crate::support::fault::Fault;
use crate::support::proxy::{Asked, Proxy, Setup};
use crate::support::rack::{PASSWORD, Rack};

const UPLOAD: &str = "POST /apps/APP/objects/KEY";

/// Enough that the upload begins before it is packed.
fn write_large(folder: &Path, files: usize) {
    crate::support::app::write_source(folder);
    let mut seed: u64 = 0x9E37_79B9_7F4A_7C15;
    for number in 0..files {
        let noise = |_| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed.to_le_bytes()[0]
        };
        let bytes: Vec<u8> = (0..1 << 20).map(noise).collect();
        std::fs::write(folder.join(format!("noise-{number}")), bytes).unwrap();
    }
}

async fn build(rack: &Rack, app: &str, source: &Path, fault: Fault) -> (Output, Proxy) {
    rack.api.post("/apps", &[("name", app)]).await;
    let once = move |asked: &Asked| match (asked.key.as_str(), asked.nth) {
        (UPLOAD, 1) => fault,
        _ => Fault::Pass,
    };
    let proxy = Proxy::start(Setup::new(rack.address, once));
    let source = source.display().to_string();
    let home = tempfile::tempdir().unwrap();
    let cli = Cli::new(&["build", &source, "-a", app], home.path()).at(proxy.address, PASSWORD);
    (cli.run().await, proxy)
}

fn ways(proxy: &Proxy) -> Vec<bool> {
    let records = proxy.records();
    let uploads = records.iter().filter(|record| record.asked.key == UPLOAD);
    uploads.map(|record| record.chunked).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_refused_for_its_missing_length_goes_once_more_with_it() {
    let rack = Rack::start().await;
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
        assert_eq!(ran.code, Some(0), "{app}: {ran:?}");
        assert_eq!(ways(&proxy), [true, false], "{app}: chunked, then with a length");
        assert_eq!(proxy.carried_out("POST /apps/APP/builds"), 1);
    }
    let (ran, proxy) = build(&rack, "cut", source.path(), Fault::ResetInBody).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ways(&proxy), [true, false]);
    // A second refusal is the rack's word.
    rack.api.post("/apps", &[("name", "again")]).await;
    let always = |asked: &Asked| match asked.key.as_str() {
        UPLOAD => Fault::Early(
            "HTTP/1.1 413 Too Large\r\ncontent-length: 20\r\nconnection: close\r\n\r\nthat is far too much",
        ),
        _ => Fault::Pass,
    };
    let proxy = Proxy::start(Setup::new(rack.address, always));
    let home = tempfile::tempdir().unwrap();
    let folder = source.path().display().to_string();
    let cli = Cli::new(&["build", &folder, "-a", "again"], home.path());
    let ran = cli.at(proxy.address, PASSWORD).run().await;
    assert_eq!((ran.code, proxy.asked(UPLOAD)), (Some(1), 2), "{ran:?}");
    assert_eq!(proxy.asked("POST /apps/APP/builds"), 0);
    rack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_shrinks_while_it_is_packed_is_not_built() {
    let rack = Rack::start().await;
    let source = tempfile::tempdir().unwrap();
    write_large(source.path(), 4);
    // Its holes take seconds to read, and it shrinks while they are.
    let first = source.path().join("a-hole");
    std::fs::File::create(&first).unwrap().set_len(6 << 30).unwrap();
    rack.api.post("/apps", &[("name", "web")]).await;
    let script = move |asked: &Asked| match asked.key.as_str() {
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
    let folder = source.path().display().to_string();
    let cli = Cli::new(&["build", &folder, "-a", "web"], home.path());
    let ran = cli.at(proxy.address, PASSWORD).run().await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.starts_with("ERROR: ") && ran.err.contains("a-hole changed"), "{ran:?}");
    assert_eq!(ran.err.lines().filter(|line| line.starts_with("ERROR: ")).count(), 1);
    assert_eq!(ways(&proxy), [true], "the upload had begun");
    assert_eq!(proxy.carried_out(UPLOAD), 0, "and was not completed");
    assert_eq!(proxy.asked("POST /apps/APP/builds"), 0);
    assert_eq!(rack.api.get("/apps/web/builds").await, serde_json::json!([]));
    rack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_survives_a_rack_that_is_killed_in_the_middle_of_it() {
    let rack = std::sync::Arc::new(crate::support::rack::Killable::begin().await);
    rack.api.post("/apps", &[("name", "web")]).await;
    let source = tempfile::tempdir().unwrap();
    write_large(source.path(), 4);
    let once = move |asked: &Asked| match (asked.key.as_str(), asked.nth) {
        (UPLOAD, 1) => Fault::KilledAfter,
        (UPLOAD, 2) => Fault::ResetInBody,
        _ => Fault::Pass,
    };
    let setup = Setup { rack: Some(rack.clone()), ..Setup::new(rack.address, once) };
    let proxy = Proxy::start(setup);
    let home = tempfile::tempdir().unwrap();
    let folder = source.path().display().to_string();
    let cli = Cli::new(&["build", &folder, "-a", "web"], home.path());
    let ran = cli.at(proxy.address, &rack.api.password).run().await;
    assert_eq!((ran.code, proxy.asked(UPLOAD)), (Some(0), 3), "{ran:?}");
    assert_eq!(rack.api.get("/apps/web/builds").await.as_array().unwrap().len(), 1);
    rack.stop().await;
}
