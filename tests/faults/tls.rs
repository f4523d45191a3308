//! Racks with certificates: whom the program believes, and what it says where it does not.

use std::fs::{read, read_to_string};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::app;
use crate::support::cli::{Cli, Output};
use crate::support::port::Port;
use crate::support::pty::Pty;
use crate::support::rack::{PASSWORD, Rack};
use crate::support::tls::{Certificate, Front};

/// A rack behind a certificate, and somebody's home folder.
struct Scene {
    rack: Rack,
    port: Port,
    home: TempDir,
}

impl Scene {
    async fn new() -> Self {
        Self { rack: Rack::start().await, port: Port::any(), home: tempfile::tempdir().unwrap() }
    }

    fn front(&self, certificate: &Certificate) -> Front {
        Front::start(&self.port, certificate, self.rack.address)
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

fn is_refused(ran: &Output, parts: &[&str]) {
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{ran:?}");
    let mut lines = ran.err.lines();
    assert!(lines.next().is_some_and(|line| line.starts_with("ERROR: ")), "{ran:?}");
    assert!(lines.all(|line| line.starts_with("HINT: ")), "{ran:?}");
    for part in parts {
        assert!(ran.err.contains(part), "no {part:?} in {ran:?}");
    }
    assert!(!ran.err.contains(PASSWORD));
}

fn is_fine(ran: &Output) {
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_certificate_is_refused_until_it_is_pinned_and_never_asked_twice() {
    let scene = Scene::new().await;
    let certificate = Certificate::of("127.0.0.1");
    let front = scene.front(&certificate);
    let host = scene.host();
    let ran = scene.apps().await;
    let pins = format!("convox login {host} --trust");
    let variable = format!("CONVOX_TRUST={}", certificate.fingerprint);
    let parts = [&*pins, &variable, "CONVOX_CA_CERT=", "not signed by a trusted authority"];
    is_refused(&ran, &parts);
    assert!(ran.took.as_secs() < 10, "it is not tried again: {ran:?}");

    let ran = scene.pin().await;
    let notice = format!("NOTICE: from now on, {host} is trusted with this certificate only: ");
    assert_eq!((ran.code, ran.err), (Some(0), format!("{notice}{}\n", certificate.fingerprint)));
    let trust = scene.settings().join("trust");
    assert_eq!(std::fs::metadata(&trust).unwrap().permissions().mode() & 0o777, 0o600);
    let kept = read_to_string(&trust).unwrap();
    assert!(kept.contains(&host) && kept.contains(&certificate.fingerprint), "{kept}");
    is_fine(&scene.apps().await);

    front.stop().await;
    let other = Certificate::of("127.0.0.1");
    let _front = scene.front(&other);
    let parts = [&*certificate.fingerprint, &other.fingerprint, "has changed", &pins];
    is_refused(&scene.apps().await, &parts);
    assert_eq!(read_to_string(&trust).unwrap(), kept, "the pin stays");
    assert_eq!(scene.pin().await.code, Some(0));
    is_fine(&scene.apps().await);
    scene.rack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_can_be_trusted_by_variable_for_one_run() {
    let scene = Scene::new().await;
    let certificate = Certificate::of("127.0.0.1");
    let _front = scene.front(&certificate);
    is_fine(&scene.cli(&["apps"]).env("CONVOX_TRUST", &certificate.fingerprint).run().await);
    let plain = certificate.fingerprint.replace(':', "").to_lowercase();
    is_fine(&scene.cli(&["apps"]).env("CONVOX_TRUST", &plain).run().await);
    let wrong = Certificate::of("127.0.0.1").fingerprint;
    let ran = scene.cli(&["apps"]).env("CONVOX_TRUST", &wrong).run().await;
    let way_out = format!("set CONVOX_TRUST={} or unset it", certificate.fingerprint);
    is_refused(&ran, &[&wrong, "has changed", &way_out]);
    assert!(!ran.err.contains("--trust"), "a pin would not help: {ran:?}");
    let pem = scene.home.path().join("ca.pem");
    certificate.write(&pem);
    let pem = pem.display().to_string();
    is_fine(&scene.cli(&["apps"]).env("CONVOX_CA_CERT", &pem).run().await);
    let ran = scene.cli(&["apps"]).env("CONVOX_CA_CERT", "/nowhere.pem").run().await;
    is_refused(&ran, &["/nowhere.pem"]);
    is_refused(&scene.apps().await, &["--trust"]);
    assert!(!scene.settings().join("trust").exists(), "nothing was remembered");
    scene.rack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_that_the_variable_beats_is_told_of() {
    let scene = Scene::new().await;
    let certificate = Certificate::of("127.0.0.1");
    let _front = scene.front(&certificate);
    let host = scene.host();
    let login = |trusted: &str| {
        let cli = Cli::new(&["login", &host, "--trust"], scene.home.path());
        cli.env("CONVOX_TOKEN", PASSWORD).env("CONVOX_TRUST", trusted).run()
    };
    let ran = login(&Certificate::of("127.0.0.1").fingerprint).await;
    let way_out = format!("set CONVOX_TRUST={} or unset it\n", certificate.fingerprint);
    assert!(
        ran.code == Some(0) && ran.err.contains("WARNING: CONVOX_TRUST overrides this"),
        "{ran:?}"
    );
    assert!(ran.err.contains(&way_out), "{ran:?}");
    let ran = login(&certificate.fingerprint).await;
    assert!(ran.code == Some(0) && !ran.err.contains("WARNING: "), "{ran:?}");
    scene.rack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn insecure_works_warns_each_time_and_is_never_remembered() {
    let scene = Scene::new().await;
    let _front = scene.front(&Certificate::of("other.example"));
    for _ in 0..2 {
        let ran = scene.cli(&["apps", "--insecure"]).run().await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let expected =
            format!("WARNING: the certificate of {} is not verified (--insecure)\n", scene.host());
        assert_eq!(ran.err, expected);
    }
    is_refused(&scene.apps().await, &["--trust"]);
    assert!(!scene.settings().join("trust").exists());
    scene.rack.stop().await;
}

/// A certificate that its own file vouches for, but for one thing.
async fn with_authority(scene: &Scene, certificate: &Certificate, home: &Path) -> Output {
    let pem = home.join("ca.pem");
    certificate.write(&pem);
    scene.cli(&["apps"]).env("CONVOX_CA_CERT", &pem.display().to_string()).run().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_certificate_and_one_for_another_name_are_refused_in_words() {
    let scene = Scene::new().await;
    for (certificate, words) in [
        (Certificate::expired(), "it has expired"),
        (Certificate::of("other.example"), "it is for another name"),
    ] {
        let front = scene.front(&certificate);
        let ran = with_authority(&scene, &certificate, scene.home.path()).await;
        is_refused(&ran, &[words, &certificate.fingerprint]);
        front.stop().await;
    }
    scene.rack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_its_own_authority_is_good_once_its_file_is_given() {
    let scene = Scene::new().await;
    let certificate = Certificate::authority("127.0.0.1");
    let front = scene.front(&certificate);
    is_refused(&scene.apps().await, &["it is self-signed", "CONVOX_CA_CERT="]);
    is_fine(&with_authority(&scene, &certificate, scene.home.path()).await);
    let other = Certificate::authority("127.0.0.1");
    let ran = with_authority(&scene, &other, scene.home.path()).await;
    is_refused(&ran, &["it is self-signed", &certificate.fingerprint]);
    front.stop().await;
    for (certificate, words) in [
        (Certificate::expired_authority(), "it has expired"),
        (Certificate::authority("other.example"), "it is for another name"),
    ] {
        let front = scene.front(&certificate);
        let ran = with_authority(&scene, &certificate, scene.home.path()).await;
        is_refused(&ran, &[words, &certificate.fingerprint]);
        front.stop().await;
    }
    scene.rack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_are_held_against_the_same_certificate() {
    let scene = Scene::new().await;
    let api = &scene.rack.api;
    api.post("/apps", &[("name", "web")]).await;
    let (build, _) = api.build("web", &app::archive(&[("convox.yml", app::IDLE)])).await;
    let certificate = Certificate::of("127.0.0.1");
    let _front = scene.front(&certificate);
    let logs = ["builds", "logs", &build, "-a", "web"];
    is_refused(&scene.cli(&logs).run().await, &[&certificate.fingerprint, "--trust"]);
    let ran = scene.cli(&logs).env("CONVOX_TRUST", &certificate.fingerprint).run().await;
    is_fine(&ran);
    assert_eq!(ran.out, api.build_log("web", &build).await);
    scene.rack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_terminal_login_shows_the_fingerprint_and_asks() {
    for (answer, code) in [("y\r", 0), ("n\r", 1)] {
        let scene = Scene::new().await;
        let certificate = Certificate::of("127.0.0.1");
        let _front = scene.front(&certificate);
        let pty = Pty::open();
        let cli = Cli::new(&["login", &scene.host()], scene.home.path());
        let mut child = cli.env("CONVOX_TOKEN", PASSWORD).on(&pty);
        let mut ours = tokio::fs::File::from_std(pty.ours.try_clone().unwrap());
        let mut typing = tokio::fs::File::from_std(pty.ours.try_clone().unwrap());
        let mut seen = String::new();
        let asked = async {
            let mut buffer = [0; 4096];
            while !seen.contains("[y/N]: ") {
                let count = ours.read(&mut buffer).await.unwrap();
                seen.push_str(&String::from_utf8_lossy(&buffer[..count]));
            }
        };
        let asked = tokio::time::timeout(crate::support::PATIENCE, asked).await;
        assert!(asked.is_ok() && seen.contains(&certificate.fingerprint), "{seen}");
        typing.write_all(answer.as_bytes()).await.unwrap();
        typing.flush().await.unwrap();
        let status = tokio::time::timeout(crate::support::PATIENCE, child.wait()).await;
        assert_eq!(status.unwrap().unwrap().code(), Some(code), "{seen}");
        assert_eq!(scene.settings().join("trust").exists(), code == 0);
        assert_eq!(scene.apps().await.code, Some(code));
        if code == 0 {
            let kept = read(scene.settings().join("auth")).unwrap();
            assert!(String::from_utf8_lossy(&kept).contains(PASSWORD), "the password is kept");
        }
        scene.rack.stop().await;
    }
}
