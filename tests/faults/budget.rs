//! How long, and how often, a request is repeated.

use std::time::Duration;

use crate::support::app;
use crate::support::cli::{Cli, Output};
use crate::support::fault::Fault;
use crate::support::port::Port;
use crate::support::proxy::{Proxy, Setup};
use crate::support::rack::{PASSWORD, Rack};

/// Runs a command through a proxy that does this to every request.
async fn run(rack: &Rack, fault: Fault, args: &[&str], env: &[(&str, &str)]) -> (Output, Proxy) {
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
    let rack = Rack::start().await;
    for fault in [Fault::Status(503), Fault::Reset, Fault::Status(429), Fault::Hang] {
        let never = [("CONVOX_RETRY", "0"), ("CONVOX_READ_TIMEOUT", "300ms")];
        let (ran, proxy) = run(&rack, fault, &["apps"], &never).await;
        assert_eq!((ran.code, proxy.records().len()), (Some(1), 1), "{fault}: {ran:?}");
    }
    let port = Port::any();
    let home = tempfile::tempdir().unwrap();
    let cli = Cli::new(&["apps"], home.path()).at(port.address, PASSWORD);
    let ran = cli.env("CONVOX_RETRY", "0").env("CONVOX_DEBUG", "1").run().await;
    assert_eq!(ran.err.matches("connection refused, 0 ms").count(), 1, "{ran:?}");
    rack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rack_that_was_never_there_is_given_up_soon() {
    let port = Port::any();
    let home = tempfile::tempdir().unwrap();
    for args in [&["apps"][..], &["builds", "logs", "BX", "-a", "web"]] {
        let cli = Cli::new(args, home.path()).at(port.address, PASSWORD);
        let ran = cli.env("CONVOX_FIRST_CONTACT_TIME", "700ms").run().await;
        assert_eq!(ran.code, Some(1));
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
async fn a_budget_that_is_spent_ends_the_command_and_one_notice_says_that_it_goes_on() {
    let rack = Rack::start().await;
    let (ran, proxy) = run(&rack, Fault::Status(503), &["apps"], &[("CONVOX_RETRY", "3")]).await;
    assert_eq!(ran.code, Some(1));
    assert!(ran.took >= Duration::from_millis(1900) && ran.took < Duration::from_secs(20));
    assert!(proxy.records().len() > 3, "{:?}", proxy.records().len());
    let notices = ran.err.lines().filter(|line| line.starts_with("NOTICE: ")).count();
    let errors = ran.err.lines().filter(|line| line.starts_with("ERROR: ")).count();
    assert_eq!((notices, errors), (1, 1), "{ran:?}");
    assert!(ran.err.contains("\nERROR: response status 503\nHINT: the request was GET /apps\n"));
    // What passes sooner is worth no word.
    let once = move |asked: &crate::support::proxy::Asked| match asked.nth {
        1 => Fault::Status(502),
        _ => Fault::Pass,
    };
    let proxy = Proxy::start(Setup::new(rack.address, once));
    let ran = at(&proxy, &["apps"], &[]).await;
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    rack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rack_that_asks_for_time_gets_it() {
    let rack = Rack::start().await;
    let once = move |asked: &crate::support::proxy::Asked| match asked.nth {
        1 => Fault::Status(429),
        _ => Fault::Pass,
    };
    let proxy = Proxy::start(Setup::new(rack.address, once));
    let ran = at(&proxy, &["apps"], &[]).await;
    assert_eq!(ran.code, Some(0));
    let records = proxy.records();
    let between = records[1].at - records[0].at;
    assert!(between >= Duration::from_millis(990), "Retry-After is 1 s, not {between:?}");
    // More than the budget is not waited for.
    let (ran, proxy) =
        run(&rack, Fault::Status(429), &["apps"], &[("CONVOX_RETRY", "500ms")]).await;
    assert_eq!((ran.code, proxy.records().len(), last(&ran)), (Some(1), 1, "ERROR: slow down"));
    rack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_starts_or_makes_something_is_never_sent_twice_blindly() {
    let rack = Rack::start().await;
    let api = &rack.api;
    api.post("/apps", &[("name", "web")]).await;
    let (_, release) = api.build("web", &app::archive(&[("convox.yml", app::IDLE)])).await;
    // Every answer to the promote is lost, and so is every look.
    let away = move |asked: &crate::support::proxy::Asked| match (asked.key.as_str(), asked.nth) {
        ("POST /apps/APP/releases/RELEASE/promote", _) => Fault::Lost,
        ("GET /apps/APP", 2..) => Fault::Reset,
        _ => Fault::Pass,
    };
    let proxy = Proxy::start(Setup::new(rack.address, away));
    let args = ["releases", "promote", &release, "-a", "web"];
    let ran = at(&proxy, &args, &[("CONVOX_RETRY", "1")]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert_eq!(proxy.asked("POST /apps/APP/releases/RELEASE/promote"), 1);
    let expected =
        format!("; it is unknown whether POST /apps/web/releases/{release}/promote took effect\n");
    assert!(ran.err.contains(&expected), "{ran:?}");
    assert!(ran.err.contains("HINT: show the app with: convox apps info -a web\n"), "{ran:?}");
    // Refused, and nothing has happened: again, once looking has shown it, until the budget ends.
    api.running("web").await;
    let busy = move |asked: &crate::support::proxy::Asked| match asked.key.as_str() {
        "POST /apps/APP/releases" => Fault::Status(503),
        _ => Fault::Pass,
    };
    let proxy = Proxy::start(Setup::new(rack.address, busy));
    let args = ["env", "set", "A=1", "-a", "web"];
    let ran = at(&proxy, &args, &[("CONVOX_RETRY", "2"), ("CONVOX_LOOK_TIME", "600ms")]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let posts: Vec<_> = proxy
        .records()
        .into_iter()
        .filter(|record| record.asked.key == "POST /apps/APP/releases")
        .collect();
    assert!((2..=4).contains(&posts.len()), "{} times", posts.len());
    let apart = posts.windows(2).all(|pair| pair[1].at - pair[0].at >= Duration::from_millis(600));
    assert!(apart, "the rack is looked at before each");
    assert_eq!(api.get("/apps/web/releases").await.as_array().unwrap().len(), 1);
    rack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_was_active_before_is_promoted_by_one_request() {
    let rack = Rack::start().await;
    let api = &rack.api;
    api.post("/apps", &[("name", "web")]).await;
    let (_, release) = api.build("web", &app::archive(&[("convox.yml", app::IDLE)])).await;
    api.promote("web", &release).await;
    let lost = move |asked: &crate::support::proxy::Asked| match asked.key.as_str() {
        "POST /apps/APP/releases/RELEASE/promote" => Fault::Lost,
        _ => Fault::Pass,
    };
    let proxy = Proxy::start(Setup::new(rack.address, lost));
    let args = ["releases", "promote", &release, "--force", "--wait", "-a", "web"];
    let ran = at(&proxy, &args, &[]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(proxy.asked("POST /apps/APP/releases/RELEASE/promote"), 1);
    rack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_is_no_longer_than_it_may_be_when_the_rack_hangs_or_is_away() {
    let rack = Rack::start().await;
    let api = &rack.api;
    api.post("/apps", &[("name", "web")]).await;
    let (_, release) = api.build("web", &app::archive(&[("convox.yml", app::IDLE)])).await;
    for fault in [Fault::Hang, Fault::Status(500), Fault::Reset] {
        api.running("web").await;
        let away = move |asked: &crate::support::proxy::Asked| match (asked.key.as_str(), asked.nth)
        {
            ("GET /apps/APP", 2..) => fault,
            _ => Fault::Pass,
        };
        let proxy = Proxy::start(Setup::new(rack.address, away));
        let args =
            ["releases", "promote", &release, "--force", "--wait-timeout", "4s", "-a", "web"];
        let ran = at(&proxy, &args, &[("CONVOX_READ_TIMEOUT", "30s")]).await;
        assert_eq!(ran.code, Some(124), "{fault}: {ran:?}");
        assert!(ran.took < Duration::from_secs(15), "{fault}: {ran:?}");
        let notices = ran.err.lines().filter(|line| line.starts_with("NOTICE: ")).count();
        assert_eq!(notices, usize::from(fault != Fault::Hang), "{fault}: {ran:?}");
        assert!(last(&ran).contains("convox apps info web"), "{ran:?}");
    }
    rack.stop().await;
}
