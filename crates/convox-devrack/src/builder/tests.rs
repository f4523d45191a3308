use std::io::Write;
use std::sync::{Mutex, PoisonError};

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

use super::*;
use crate::runner::tests::support::{MemoryStore, base, is_running, until};

struct TestBuild {
    root: TempDir,
    log: Arc<Mutex<Vec<String>>>,
    store: Arc<MemoryStore>,
    stop: CancellationToken,
}

impl TestBuild {
    fn new() -> Self {
        Self {
            root: tempfile::tempdir().unwrap(),
            log: Arc::default(),
            store: Arc::default(),
            stop: CancellationToken::new(),
        }
    }

    fn job(&self, archive: &[u8]) -> BuildJob {
        let path = self.root.path().join("upload.tgz");
        std::fs::write(&path, archive).unwrap();
        BuildJob {
            archive: path,
            data: self.root.path().to_owned(),
            source: self.root.path().join("source"),
            earlier: None,
            manifest_name: None,
            app: "shop".parse().unwrap(),
            build: "BXFGHCQLZGQ".parse().unwrap(),
            environment: Environment::default(),
            base: base(),
            store: Arc::<MemoryStore>::clone(&self.store),
            stop: self.stop.clone(),
        }
    }

    async fn run(&self, job: BuildJob) -> Result<BuiltManifest, BuildError> {
        let log = Arc::clone(&self.log);
        let built =
            build(job, Arc::new(move |line: &str| log.lock().unwrap().push(line.to_owned()))).await;
        assert_eq!(built.is_ok(), self.root.path().join("source").exists());
        assert!(self.store.records.lock().unwrap().is_empty());
        built
    }

    async fn fails(&self, archive: &[u8]) -> String {
        self.run(self.job(archive)).await.unwrap_err().to_string()
    }

    fn lines(&self) -> Vec<String> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn pack(files: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o6755);
        header.set_size(text.len() as u64);
        // Set directly, as the builder refuses names outside of the archive.
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        archive.append(&header, text.as_bytes()).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

fn with_step(step: &str) -> Vec<u8> {
    let manifest =
        format!("services:\n  web:\n    command: bin/web\n    x-dev:\n      build: {step:?}\n");
    pack(&[("convox.yml", &manifest)])
}

#[tokio::test]
async fn a_good_upload_is_unpacked_checked_and_built() {
    let test = TestBuild::new();
    let manifest = "services:\n  web:\n    command: bin/web\n    sticky: true\n    x-dev:\n      build: echo made in $PWD; echo oops >&2; echo $SECRET-$HOME > made\n";
    let built =
        test.run(test.job(&pack(&[("convox.yml", manifest), ("bin/web", "#!")]))).await.unwrap();
    assert_eq!(built.text, manifest);
    assert_eq!(built.manifest.services.len(), 1);
    let source = test.root.path().join("source");
    let made = std::fs::read_to_string(source.join("made")).unwrap();
    assert_eq!(made, format!("-{}\n", base().home.to_str().unwrap()));
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(source.join("bin/web")).unwrap().permissions(),
    );
    assert_eq!(mode & 0o7111, 0o111);

    let mut lines = test.lines();
    lines[5..7].sort();
    assert_eq!(lines[0], "Building shop (BXFGHCQLZGQ)");
    assert!(lines[1].starts_with("Unpacked 2 entries, "), "{lines:?}");
    assert_eq!(lines[2], "Reading convox.yml");
    assert_eq!(
        lines[3],
        "WARNING: convox.yml line 4: services.web.sticky: the development rack does not do this: ignored"
    );
    assert_eq!(lines[4], "Running: echo made in $PWD; echo oops >&2; echo $SECRET-$HOME > made");
    assert!(lines[5].starts_with("made in ") && lines[5].ends_with("/source"), "{lines:?}");
    assert_eq!(lines[6], "oops");
    assert_eq!(lines.len(), 7);
}

#[tokio::test]
async fn variables_of_the_release_are_used_in_the_manifest_and_must_be_declared() {
    let test = TestBuild::new();
    let manifest = "services:\n  web:\n    command: ${COMMAND}\n    environment: [GIVEN]\n";
    let environment = Environment::parse("COMMAND=bin/web\nGIVEN=1\nOTHER=2");
    let job = BuildJob { environment, ..test.job(&pack(&[("convox.yml", manifest)])) };
    let built = test.run(job).await.unwrap();
    assert_eq!(built.manifest.services[0].command, ["bin/web"]);
    assert_eq!(built.text, manifest, "the text is kept for other environments");
    assert_eq!(
        test.lines().last().unwrap(),
        "WARNING: convox.yml: variables of the release that no service declares, and so none gets: COMMAND, OTHER"
    );
}

#[tokio::test]
async fn build_steps_inherit_the_variables_of_toolchains() {
    let test = TestBuild::new();
    let mut job = test.job(&with_step("echo $CARGO_HOME"));
    job.base.build = vec![("CARGO_HOME".into(), "/opt/cargo".into())];
    test.run(job).await.unwrap();
    assert_eq!(test.lines().last().unwrap(), "/opt/cargo");
}

fn with_cache(step: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let manifest = format!(
        "services:\n  web:\n    command: x\n    x-dev:\n      build: {step:?}\n      cache: [deps, sub/deps]\n"
    );
    pack(&[&[("convox.yml", manifest.as_str())], more].concat())
}

#[tokio::test]
async fn cached_directories_are_carried_over_and_the_earlier_source_stays_as_it_is() {
    let test = TestBuild::new();
    let earlier = test.root.path().join("earlier");
    std::fs::create_dir_all(earlier.join("deps/inner")).unwrap();
    std::fs::write(earlier.join("deps/inner/one"), "1\n").unwrap();
    std::os::unix::fs::symlink("inner/one", earlier.join("deps/link")).unwrap();
    let step = "cat deps/link; echo more >> deps/inner/one; ls sub/deps || echo none";
    let earlier = EarlierBuild { build: "BEARLIERONE".parse().unwrap(), source: earlier };
    let job = || BuildJob { earlier: Some(earlier.clone()), ..test.job(&with_cache(step, &[])) };
    test.run(job()).await.unwrap();
    let lines = test.lines();
    assert!(lines.contains(&"Restored deps from BEARLIERONE".to_owned()), "{lines:?}");
    assert!(lines.contains(&"1".to_owned()) && lines.contains(&"none".to_owned()), "{lines:?}");
    assert_eq!(std::fs::read_to_string(earlier.source.join("deps/inner/one")).unwrap(), "1\n");

    let own = with_cache("cat deps/own", &[("deps/own", "of the source\n")]);
    test.run(BuildJob { earlier: Some(earlier.clone()), ..test.job(&own) }).await.unwrap();
    assert_eq!(test.lines().last().unwrap(), "of the source");
}

#[tokio::test]
async fn a_cache_never_leaves_the_source() {
    let test = TestBuild::new();
    let earlier = test.root.path().join("earlier");
    std::fs::create_dir_all(earlier.join("sub/deps")).unwrap();
    let outside = test.root.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::os::unix::fs::symlink(&outside, earlier.join("deps")).unwrap();
    let earlier = EarlierBuild { build: "BEARLIERONE".parse().unwrap(), source: earlier };
    let step = format!("ln -s {} sub", outside.display());
    let manifest = format!(
        "services:\n  one: {{command: x, x-dev: {{build: {step:?}}}}}\n  two: {{command: x, x-dev: {{build: 'true', cache: [sub/deps, deps]}}}}\n"
    );
    let archive = pack(&[("convox.yml", manifest.as_str())]);
    let job = BuildJob { earlier: Some(earlier), ..test.job(&archive) };
    test.run(job).await.unwrap();
    assert!(!outside.join("deps").exists(), "{:?}", test.lines());
    for name in ["../x", "/etc", ".", "", "a/../b"] {
        let manifest = format!(
            "services: {{web: {{command: x, x-dev: {{build: 'true', cache: ['{name}']}}}}}}"
        );
        let error = test.fails(&pack(&[("convox.yml", &manifest)])).await;
        assert!(error.contains("is not a directory in the source"), "{name}: {error}");
    }
}

#[tokio::test]
async fn a_bad_manifest_fails_with_file_line_and_reason() {
    let test = TestBuild::new();
    let error = test
        .fails(&pack(&[("convox.yml", "services:\n  web:\n    command: x\n    port: web\n")]))
        .await;
    assert!(
        error.starts_with("convox.yml line 4: services.web.port: \"web\" is not a port"),
        "{error}"
    );
    let error = test.fails(&pack(&[("convox.yml", "")])).await;
    assert!(error.starts_with("convox.yml: services: missing"), "{error}");
}

#[tokio::test]
async fn a_missing_manifest_or_a_compose_file_is_refused() {
    let test = TestBuild::new();
    assert_eq!(test.fails(&pack(&[("a", "b")])).await, "no convox.yml in the source");
    let error = test.fails(&pack(&[("docker-compose.yml", "web: {}")])).await;
    assert!(error.contains("does not read docker-compose.yml"), "{error}");
    let job = BuildJob { manifest_name: Some("docker-compose.yml".into()), ..test.job(&pack(&[])) };
    let error = test.run(job).await.unwrap_err().to_string();
    assert!(error.contains("the development rack reads convox.yml"), "{error}");
}

#[tokio::test]
async fn another_manifest_can_be_named_if_it_is_in_the_source() {
    let test = TestBuild::new();
    let archive = pack(&[("dev/other.yml", "services: {web: {command: x}}\n")]);
    let job = BuildJob { manifest_name: Some("dev/other.yml".into()), ..test.job(&archive) };
    assert!(test.run(job).await.is_ok());
    for name in ["../upload.tgz", "/etc/passwd", "", "dev"] {
        let job = BuildJob { manifest_name: Some(name.into()), ..test.job(&archive) };
        let error = test.run(job).await.unwrap_err().to_string();
        assert!(error.contains("in the source"), "{name}: {error}");
    }
}

#[tokio::test]
async fn a_step_that_fails_fails_the_build_with_its_exit_code() {
    let test = TestBuild::new();
    let error = test.fails(&with_step("echo working; exit 4")).await;
    assert_eq!(error, "services.web.x-dev.build: echo working; exit 4 ended with exit code 4");
    assert_eq!(test.lines().last().unwrap(), "working");
    let manifest = "services: {web: {command: x, x-dev: {build: [no-such-program]}}}";
    let error = test.fails(&pack(&[("convox.yml", manifest)])).await;
    assert!(
        error.starts_with("services.web.x-dev.build: can't start no-such-program: "),
        "{error}"
    );
}

#[tokio::test]
async fn background_processes_of_a_step_are_stopped_with_it() {
    let test = TestBuild::new();
    test.run(test.job(&with_step("sleep 600 & echo $!"))).await.unwrap();
    let pid: i32 = test.lines().last().unwrap().parse().unwrap();
    assert!(!is_running(pid));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn processes_that_leave_the_group_of_a_step_are_stopped_with_it() {
    let test = TestBuild::new();
    test.run(test.job(&with_step("setsid sleep 600 >&- 2>&- & echo $!"))).await.unwrap();
    let pid: i32 = test.lines().last().unwrap().parse().unwrap();
    assert!(!is_running(pid));
}

#[tokio::test]
async fn a_canceled_build_stops_its_step() {
    let test = TestBuild::new();
    let cancel = async {
        until("the step", async || {
            test.lines().last().is_some_and(|line| line.parse::<i32>().is_ok())
        })
        .await;
        test.stop.cancel();
    };
    let (built, ()) =
        tokio::join!(test.run(test.job(&with_step("sleep 600 & echo $!; wait"))), cancel);
    assert!(matches!(built, Err(BuildError::Canceled)));
    assert!(!is_running(test.lines().last().unwrap().parse().unwrap()));
    let again = test.run(test.job(&with_step("true"))).await;
    assert!(matches!(again, Err(BuildError::Canceled)));
}

#[tokio::test]
async fn a_hostile_or_broken_archive_is_refused_and_writes_nothing_outside() {
    let test = TestBuild::new();
    let error = test.fails(&pack(&[("../evil", "x"), ("convox.yml", "")])).await;
    assert!(error.starts_with("can't unpack the upload: "), "{error}");
    assert!(error.contains("evil"), "{error}");
    assert!(!test.root.path().join("evil").exists());
    assert!(test.fails(b"<html>").await.starts_with("can't unpack the upload: "));
    let whole = pack(&[("convox.yml", &"x".repeat(100_000))]);
    assert!(test.fails(&whole[..whole.len() / 2]).await.starts_with("can't unpack the upload: "));
    let mut job = test.job(b"");
    job.archive = test.root.path().join("absent");
    assert!(matches!(test.run(job).await, Err(BuildError::Archive(_))));
}

#[tokio::test]
async fn a_manifest_that_is_not_text_or_not_a_file_is_refused() {
    let test = TestBuild::new();
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let mut header = tar::Header::new_gnu();
    header.set_size(2);
    header.set_mode(0o644);
    archive.append_data(&mut header, "convox.yml", &b"\xff\xfe"[..]).unwrap();
    let bytes = archive.into_inner().unwrap().finish().unwrap();
    assert_eq!(test.fails(&bytes).await, "convox.yml: not UTF-8 text");

    let mut link = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    link.append_link(&mut header, "convox.yml", "/etc/hostname").unwrap();
    let mut gzip = link.into_inner().unwrap();
    gzip.flush().unwrap();
    let error = test.fails(&gzip.finish().unwrap()).await;
    assert!(error.contains("convox.yml"), "{error}");
}

#[test]
fn sizes_have_units() {
    assert_eq!(source::size(0), "0 B");
    assert_eq!(source::size(1023), "1023 B");
    assert_eq!(source::size(1720), "1.68 KB");
    assert_eq!(source::size(5 << 30), "5.00 GB");
}
