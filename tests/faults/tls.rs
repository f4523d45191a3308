//! Certificates of racks: which are trusted, and how others are refused.

use std::fs::{read, read_to_string};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;

use crate::support::Output;
use crate::support::app;
use crate::support::cli::Cli;
use crate::support::port::Port;
use crate::support::tls::{Certificate, TlsProxy};
use crate::support::{PASSWORD, TestRack};

/// A rack, the port at which it is reached by TLS, and a home directory.
struct Scene {
    rack: TestRack,
    port: Port,
    home: TempDir,
}

impl Scene {
    async fn new() -> Self {
        Self { rack: TestRack::temporary(), port: Port::any(), home: tempfile::tempdir().unwrap() }
    }

    async fn serve(&self, certificate: &Certificate) -> TlsProxy {
        TlsProxy::start(&self.port, certificate, self.rack.address).await
    }

    fn cli(&self, args: &[&str]) -> Cli {
        let url = format!("https://convox:{PASSWORD}@{}", self.port.address);
        Cli::new(args, self.home.path()).env("RACK_URL", &url)
    }

    async fn apps(&self) -> Output {
        self.cli(&["apps"]).run().await
    }

    fn host(&self) -> String {
        self.port.address.to_string()
    }

    async fn pin(&self) -> Output {
        let host = self.host();
        let cli = Cli::new(&["login", &host, "--trust"], self.home.path());
        cli.env("CONVOX_TOKEN", PASSWORD).run().await
    }

    fn settings(&self) -> std::path::PathBuf {
        self.home.path().join(".config/convox")
    }
}

fn assert_refused(ran: &Output, parts: &[&str]) {
    assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{ran:?}");
    let mut lines = ran.err.lines();
    assert!(lines.next().is_some_and(|line| line.starts_with("ERROR: ")), "{ran:?}");
    assert!(lines.all(|line| line.starts_with("HINT: ")), "{ran:?}");
    for part in parts {
        assert!(ran.err.contains(part), "no {part:?} in {ran:?}");
    }
    assert!(!ran.err.contains(PASSWORD));
}

fn assert_trusted(ran: &Output) {
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_certificate_is_refused_without_retries_until_it_is_pinned() {
    let scene = Scene::new().await;
    let certificate = Certificate::of("127.0.0.1");
    let server = scene.serve(&certificate).await;
    let host = scene.host();
    let ran = scene.apps().await;
    let pins = format!("convox login {host} --trust");
    let variable = format!("CONVOX_TRUST={}", certificate.fingerprint);
    let parts = [&*pins, &variable, "CONVOX_CA_CERT=", "not signed by a trusted authority"];
    assert_refused(&ran, &parts);
    assert!(ran.took.as_secs() < 10, "it is not tried again: {ran:?}");

    let ran = scene.pin().await;
    let notice = format!("NOTICE: from now on, {host} is trusted with this certificate only: ");
    assert_eq!((ran.code, ran.err), (0, format!("{notice}{}\n", certificate.fingerprint)));
    let trust = scene.settings().join("trust");
    assert_eq!(std::fs::metadata(&trust).unwrap().permissions().mode() & 0o777, 0o600);
    let kept = read_to_string(&trust).unwrap();
    assert!(kept.contains(&host) && kept.contains(&certificate.fingerprint), "{kept}");
    assert_trusted(&scene.apps().await);

    server.stop().await;
    let other = Certificate::of("127.0.0.1");
    let _server = scene.serve(&other).await;
    let parts = [&*certificate.fingerprint, &other.fingerprint, "has changed", &pins];
    assert_refused(&scene.apps().await, &parts);
    assert_eq!(read_to_string(&trust).unwrap(), kept, "the pin stays");
    assert_eq!(scene.pin().await.code, 0);
    assert_trusted(&scene.apps().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_can_be_trusted_by_variable_for_one_run() {
    let scene = Scene::new().await;
    let certificate = Certificate::of("127.0.0.1");
    let _server = scene.serve(&certificate).await;
    assert_trusted(&scene.cli(&["apps"]).env("CONVOX_TRUST", &certificate.fingerprint).run().await);
    let plain = certificate.fingerprint.replace(':', "").to_lowercase();
    assert_trusted(&scene.cli(&["apps"]).env("CONVOX_TRUST", &plain).run().await);
    let wrong = Certificate::of("127.0.0.1").fingerprint;
    let ran = scene.cli(&["apps"]).env("CONVOX_TRUST", &wrong).run().await;
    let way_out = format!("set CONVOX_TRUST={} or unset it", certificate.fingerprint);
    assert_refused(&ran, &[&wrong, "has changed", &way_out]);
    assert!(!ran.err.contains("--trust"), "a pin would not help: {ran:?}");
    let pem = scene.home.path().join("ca.pem");
    certificate.write(&pem);
    let pem = pem.display().to_string();
    assert_trusted(&scene.cli(&["apps"]).env("CONVOX_CA_CERT", &pem).run().await);
    let ran = scene.cli(&["apps"]).env("CONVOX_CA_CERT", "/nowhere.pem").run().await;
    assert_refused(&ran, &["/nowhere.pem"]);
    assert_refused(&scene.apps().await, &["--trust"]);
    assert!(!scene.settings().join("trust").exists(), "nothing was remembered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_that_a_variable_overrides_gets_a_warning() {
    let scene = Scene::new().await;
    let certificate = Certificate::of("127.0.0.1");
    let _server = scene.serve(&certificate).await;
    let host = scene.host();
    let login = |trusted: &str| {
        let cli = Cli::new(&["login", &host, "--trust"], scene.home.path());
        cli.env("CONVOX_TOKEN", PASSWORD).env("CONVOX_TRUST", trusted).run()
    };
    let ran = login(&Certificate::of("127.0.0.1").fingerprint).await;
    let way_out = format!("HINT: set CONVOX_TRUST={}, or unset it\n", certificate.fingerprint);
    assert!(ran.code == 0 && ran.err.contains("WARNING: CONVOX_TRUST overrides this"), "{ran:?}");
    assert!(ran.err.contains(&way_out), "{ran:?}");
    let ran = login(&certificate.fingerprint).await;
    assert!(ran.code == 0 && !ran.err.contains("WARNING: "), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn insecure_works_warns_each_time_and_is_never_remembered() {
    let scene = Scene::new().await;
    let _server = scene.serve(&Certificate::of("other.example")).await;
    for _ in 0..2 {
        let ran = scene.cli(&["apps", "--insecure"]).run().await;
        assert_eq!(ran.code, 0, "{ran:?}");
        let expected =
            format!("WARNING: the certificate of {} is not verified (--insecure)\n", scene.host());
        assert_eq!(ran.err, expected);
    }
    assert_refused(&scene.apps().await, &["--trust"]);
    assert!(!scene.settings().join("trust").exists());
}

/// Lists apps with the certificate itself as the authority.
async fn with_authority(scene: &Scene, certificate: &Certificate, home: &Path) -> Output {
    let pem = home.join("ca.pem");
    certificate.write(&pem);
    scene.cli(&["apps"]).env("CONVOX_CA_CERT", &pem.display().to_string()).run().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_certificate_and_one_for_another_name_are_refused_with_the_reason() {
    let scene = Scene::new().await;
    for (certificate, words) in [
        (Certificate::expired(), "it has expired"),
        (Certificate::of("other.example"), "it is for another name"),
    ] {
        let server = scene.serve(&certificate).await;
        let ran = with_authority(&scene, &certificate, scene.home.path()).await;
        assert_refused(&ran, &[words, &certificate.fingerprint]);
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_self_signed_authority_is_trusted_if_its_file_is_given() {
    let scene = Scene::new().await;
    let certificate = Certificate::authority("127.0.0.1");
    let server = scene.serve(&certificate).await;
    assert_refused(&scene.apps().await, &["it is self-signed", "CONVOX_CA_CERT="]);
    assert_trusted(&with_authority(&scene, &certificate, scene.home.path()).await);
    let other = Certificate::authority("127.0.0.1");
    let ran = with_authority(&scene, &other, scene.home.path()).await;
    assert_refused(&ran, &["it is self-signed", &certificate.fingerprint]);
    server.stop().await;
    for (certificate, words) in [
        (Certificate::expired_authority(), "it has expired"),
        (Certificate::authority("other.example"), "it is for another name"),
    ] {
        let server = scene.serve(&certificate).await;
        let ran = with_authority(&scene, &certificate, scene.home.path()).await;
        assert_refused(&ran, &[words, &certificate.fingerprint]);
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn websockets_use_the_same_certificate_check() {
    let scene = Scene::new().await;
    let api = &scene.rack.api;
    api.post("/apps", &[("name", "web")]).await;
    let (build, _) = api.build("web", &app::archive(&[("convox.yml", app::IDLE)])).await;
    let certificate = Certificate::of("127.0.0.1");
    let _server = scene.serve(&certificate).await;
    let logs = ["builds", "logs", &build, "-a", "web"];
    assert_refused(&scene.cli(&logs).run().await, &[&certificate.fingerprint, "--trust"]);
    let ran = scene.cli(&logs).env("CONVOX_TRUST", &certificate.fingerprint).run().await;
    assert_trusted(&ran);
    assert_eq!(ran.out, api.build_log("web", &build).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_terminal_login_shows_the_fingerprint_and_asks() {
    for (answer, code) in [("y\r", 0), ("n\r", 1)] {
        let scene = Scene::new().await;
        let certificate = Certificate::of("127.0.0.1");
        let _server = scene.serve(&certificate).await;
        let cli = Cli::new(&["login", &scene.host()], scene.home.path());
        let mut terminal = cli.env("CONVOX_TOKEN", PASSWORD).on_terminal();
        terminal.shows("[y/N]: ").shows(&certificate.fingerprint);
        terminal.types(answer);
        let (ended, seen) = terminal.end();
        assert_eq!(ended, code, "{seen}");
        assert_eq!(scene.settings().join("trust").exists(), code == 0);
        assert_eq!(scene.apps().await.code, code);
        if code == 0 {
            let kept = read(scene.settings().join("auth")).unwrap();
            assert!(String::from_utf8_lossy(&kept).contains(PASSWORD), "the password is kept");
        }
    }
}
