//! How long, and how often, requests are repeated.

use std::time::Duration;

use crate::support::Output;
use crate::support::app;
use crate::support::cli::Cli;
use crate::support::fault::Fault;
use crate::support::port::Port;
use crate::support::proxy::{Proxy, Received, Setup};
use crate::support::{PASSWORD, TestRack};

/// Runs a command through a proxy with a fault for every request.
async fn run(
    rack: &TestRack,
    fault: Fault,
    args: &[&str],
    env: &[(&str, &str)],
) -> (Output, Proxy) {
    let proxy = Proxy::start(Setup::new(rack.address, move |_| fault));
    (at(&proxy, args, env).await, proxy)
}

async fn at(proxy: &Proxy, args: &[&str], env: &[(&str, &str)]) -> Output {
    let home = tempfile::tempdir().unwrap();
    let cli = Cli::new(args, home.path()).at(proxy.address, PASSWORD);
    env.iter().fold(cli, |cli, (name, value)| cli.env(name, value)).run().await
}

fn last(ran: &Output) -> &str {
    ran.err.lines().last().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_budget_nothing_is_sent_again() {
    let rack = TestRack::temporary();
    for fault in [Fault::Status(503), Fault::Reset, Fault::Status(429), Fault::Hang] {
        let never = [("CONVOX_RETRY", "0"), ("CONVOX_READ_TIMEOUT", "300ms")];
        let (ran, proxy) = run(&rack, fault, &["apps"], &never).await;
        assert_eq!((ran.code, proxy.records().len()), (1, 1), "{fault}: {ran:?}");
    }
    let port = Port::any();
    let home = tempfile::tempdir().unwrap();
    let cli = Cli::new(&["apps"], home.path()).at(port.address, PASSWORD);
    let ran = cli.env("CONVOX_RETRY", "0").env("CONVOX_DEBUG", "1").run().await;
    assert_eq!(ran.err.matches("connection refused, 0 ms").count(), 1, "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rack_that_was_never_reached_is_given_up_soon() {
    let port = Port::any();
    let home = tempfile::tempdir().unwrap();
    for args in [&["apps"][..], &["builds", "logs", "BX", "-a", "web"]] {
        let cli = Cli::new(args, home.path()).at(port.address, PASSWORD);
        let ran = cli.env("CONVOX_FIRST_CONTACT_TIME", "700ms").run().await;
        assert_eq!(ran.code, 1);
        assert!(ran.took < Duration::from_secs(10), "the budget of 20 s does not count: {ran:?}");
        let expected = format!(
            "ERROR: can't reach the rack at {}: connection refused\n\
             HINT: check that the rack is running, and its address: convox racks\n",
            port.address
        );
        assert_eq!(ran.err, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_ends_when_the_budget_is_spent_and_reports_the_outage_once() {
    let rack = TestRack::temporary();
    let (ran, proxy) = run(&rack, Fault::Status(503), &["apps"], &[("CONVOX_RETRY", "3")]).await;
    assert_eq!(ran.code, 1);
    assert!(ran.took >= Duration::from_millis(1900) && ran.took < Duration::from_secs(20));
    assert!(proxy.records().len() > 3, "{:?}", proxy.records().len());
    let notices = ran.err.lines().filter(|line| line.starts_with("NOTICE: ")).count();
    let errors = ran.err.lines().filter(|line| line.starts_with("ERROR: ")).count();
    assert_eq!((notices, errors), (1, 1), "{ran:?}");
    assert!(ran.err.contains("\nERROR: response status 503\nHINT: the request was GET /apps\n"));
    // A short outage is not reported.
    let once = move |request: &Received| match request.nth {
        1 => Fault::Status(502),
        _ => Fault::Pass,
    };
    let proxy = Proxy::start(Setup::new(rack.address, once));
    let ran = at(&proxy, &["apps"], &[]).await;
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_waits_as_long_as_the_rack_asks_for() {
    let rack = TestRack::temporary();
    let once = move |request: &Received| match request.nth {
        1 => Fault::Status(429),
        _ => Fault::Pass,
    };
    let proxy = Proxy::start(Setup::new(rack.address, once));
    let ran = at(&proxy, &["apps"], &[]).await;
    assert_eq!(ran.code, 0);
    let records = proxy.records();
    let between = records[1].at - records[0].at;
    assert!(between >= Duration::from_millis(990), "Retry-After is 1 s, not {between:?}");
    // A delay beyond the budget is not waited for.
    let (ran, proxy) =
        run(&rack, Fault::Status(429), &["apps"], &[("CONVOX_RETRY", "500ms")]).await;
    assert_eq!((ran.code, proxy.records().len(), last(&ran)), (1, 1, "ERROR: slow down"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_not_repeated_before_its_outcome_was_checked() {
    let rack = TestRack::temporary();
    let api = &rack.api;
    api.post("/apps", &[("name", "web")]).await;
    let (_, release) = api.build("web", &app::archive(&[("convox.yml", app::IDLE)])).await;
    // Every response to the promote is lost, and the app can't be read either.
    let away = move |request: &Received| match (request.key.as_str(), request.nth) {
        ("POST /apps/APP/releases/RELEASE/promote", _) => Fault::Lost,
        ("GET /apps/APP", 2..) => Fault::Reset,
        _ => Fault::Pass,
    };
    let proxy = Proxy::start(Setup::new(rack.address, away));
    let args = ["releases", "promote", &release, "-a", "web"];
    let ran = at(&proxy, &args, &[("CONVOX_RETRY", "1")]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(proxy.count("POST /apps/APP/releases/RELEASE/promote"), 1);
    let expected =
        format!("; it is unknown whether POST /apps/web/releases/{release}/promote took effect\n");
    assert!(ran.err.contains(&expected), "{ran:?}");
    assert!(ran.err.contains("HINT: show the app with: convox apps info -a web\n"), "{ran:?}");
    // Refused without effect: repeated, after a check of the releases, until the budget is spent.
    api.running("web").await;
    let busy = move |request: &Received| match request.key.as_str() {
        "POST /apps/APP/releases" => Fault::Status(503),
        _ => Fault::Pass,
    };
    let proxy = Proxy::start(Setup::new(rack.address, busy));
    let args = ["env", "set", "A=1", "-a", "web"];
    let ran = at(&proxy, &args, &[("CONVOX_RETRY", "2"), ("CONVOX_LOOK_TIME", "600ms")]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    let posts: Vec<_> = proxy
        .records()
        .into_iter()
        .filter(|record| record.request.key == "POST /apps/APP/releases")
        .collect();
    assert!((2..=4).contains(&posts.len()), "{} times", posts.len());
    let apart = posts.windows(2).all(|pair| pair[1].at - pair[0].at >= Duration::from_millis(600));
    assert!(apart, "the rack is checked before each");
    assert_eq!(api.get("/apps/web/releases").await.as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_was_active_before_is_promoted_by_one_request() {
    let rack = TestRack::temporary();
    let api = &rack.api;
    api.post("/apps", &[("name", "web")]).await;
    let (_, release) = api.build("web", &app::archive(&[("convox.yml", app::IDLE)])).await;
    api.promote("web", &release).await;
    let lost = move |request: &Received| match request.key.as_str() {
        "POST /apps/APP/releases/RELEASE/promote" => Fault::Lost,
        _ => Fault::Pass,
    };
    let proxy = Proxy::start(Setup::new(rack.address, lost));
    let args = ["releases", "promote", &release, "--force", "--wait", "-a", "web"];
    let ran = at(&proxy, &args, &[]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(proxy.count("POST /apps/APP/releases/RELEASE/promote"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_timeout_of_a_wait_holds_when_the_rack_hangs_or_is_unavailable() {
    let rack = TestRack::temporary();
    let api = &rack.api;
    api.post("/apps", &[("name", "web")]).await;
    let (_, release) = api.build("web", &app::archive(&[("convox.yml", app::IDLE)])).await;
    for fault in [Fault::Hang, Fault::Status(500), Fault::Reset] {
        api.running("web").await;
        let away = move |request: &Received| match (request.key.as_str(), request.nth) {
            ("GET /apps/APP", 2..) => fault,
            _ => Fault::Pass,
        };
        let proxy = Proxy::start(Setup::new(rack.address, away));
        let args =
            ["releases", "promote", &release, "--force", "--wait-timeout", "4s", "-a", "web"];
        let ran = at(&proxy, &args, &[("CONVOX_READ_TIMEOUT", "30s")]).await;
        assert_eq!(ran.code, 124, "{fault}: {ran:?}");
        assert!(ran.took < Duration::from_secs(15), "{fault}: {ran:?}");
        let notices = ran.err.lines().filter(|line| line.starts_with("NOTICE: ")).count();
        assert_eq!(notices, usize::from(fault != Fault::Hang), "{fault}: {ran:?}");
        assert!(last(&ran).contains("convox apps info web"), "{ran:?}");
    }
}
