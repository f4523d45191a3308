use super::support::*;
use crate::Limits;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_does_not_start_is_rolled_back_and_the_log_says_why() {
    let data = tempfile::tempdir().unwrap();
    let rack = TestRack::start(data.path()).await;
    let client = &rack.client;
    client.create("web").await;
    let broken = || {
        let manifest = "services:\n  web:\n    command: sh broken.sh\n    port: 3000\n";
        archive(&[("convox.yml", manifest), ("broken.sh", "echo no database; exit 3")])
    };
    let first = client.release("web", broken()).await;
    let app = client.promoted("web", &first).await;
    assert_eq!(app["release"], "", "there is none to go back to");

    let good = client.release("web", web("Good")).await;
    client.promoted("web", &good).await;
    let address = client.address("web", "web").await;
    let bad = client.release("web", broken()).await;
    client.promote("web", &bad).await;
    let shown = client.until("/apps/web", |app| app["status"] == "rollback").await;
    assert_eq!(shown["release"], good.as_str());
    assert_eq!(client.running("web").await["release"], good.as_str());
    assert_eq!(client.curl(address).await, "Good\n");
    let log = client.log("web").await;
    assert!(log.contains("no database"), "{log}");
    assert!(log.contains("exit code 3"), "{log}");
    assert!(
        log.contains(&format!(" system/rack/web rolled back: release {good} is still running\n")),
        "{log}"
    );
    rack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn required_variables_must_be_set_before_a_promote() {
    let data = tempfile::tempdir().unwrap();
    let rack = TestRack::start(data.path()).await;
    let client = &rack.client;
    client.create("web").await;
    let manifest = "environment:\n  - TOKEN\nservices:\n  job:\n    command: sleep 60\n    environment:\n      - KEY\n";
    let release = client.release("web", archive(&[("convox.yml", manifest)])).await;
    let (status, message) = client.promote("web", &release).await;
    let message = message.as_str().unwrap();
    assert_eq!(status, 400);
    assert_eq!(message.trim(), "required env: KEY, TOKEN");
    assert_eq!(client.get("/apps/web").await["status"], "running");
    let (_, made) = client.post("/apps/web/releases", &[("env", "KEY=1\nTOKEN=2")]).await;
    assert_eq!(client.promoted("web", made["id"].as_str().unwrap()).await["release"], made["id"]);
    let (_, child) = client.post("/apps/web/releases", &[("parent-release", &release)]).await;
    assert_eq!(child["env"], "", "a parent's environment, not the newest release's");
    let (status, _) = client.post("/apps/web/releases", &[("parent-release", "RX")]).await;
    assert_eq!(status, 500);
    rack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_promote_is_refused_unless_forced() {
    let data = tempfile::tempdir().unwrap();
    let rack = TestRack::start(data.path()).await;
    let client = &rack.client;
    client.create("web").await;
    let never_ready =
        archive(&[("convox.yml", "services:\n  web:\n    command: sleep 60\n    port: 3000\n")]);
    let slow = client.release("web", never_ready).await;
    let good = client.release("web", web("Good")).await;
    client.promote("web", &slow).await;
    let app = client.get("/apps/web").await;
    assert_eq!((&app["status"], &app["release"]), (&"updating".into(), &slow.as_str().into()));
    let (status, message) = client.promote("web", &good).await;
    assert_eq!((status.as_u16(), message), (403, "app is currently updating\n".into()));
    let (status, _) = client.promote("web", "RUNKNOWN").await;
    assert_eq!(status, 403, "a busy app is refused first");
    let path = format!("/apps/web/releases/{good}/promote");
    assert_eq!(client.post(&path, &[("force", "true")]).await.1, "ok\n");
    assert_eq!(client.running("web").await["release"], good.as_str());
    let log = client.log("web").await;
    assert!(log.contains(&format!("promoting release {slow} was canceled: superseded by {good}")));

    client.promote("web", &slow).await;
    assert_eq!(client.post("/apps/web/cancel", &[]).await.1, "ok\n");
    assert_eq!(client.running("web").await["release"], good.as_str());
    rack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_promote_is_finished_by_the_next_rack() {
    let data = tempfile::tempdir().unwrap();
    let rack = TestRack::start(data.path()).await;
    rack.client.create("web").await;
    // The service is ready once the file exists.
    let manifest = "services:\n  web:\n    command: sh wait.sh\n    port: 3000\n";
    let flag = data.path().join("go");
    let wait = format!(
        "while [ ! -e {} ]; do sleep 0.05; done; exec python3 -m http.server --bind 127.0.0.1 $PORT",
        flag.display()
    );
    let waiting = archive(&[("convox.yml", manifest), ("wait.sh", &wait)]);
    let release = rack.client.release("web", waiting).await;
    rack.client.promote("web", &release).await;
    rack.stop().await;

    let rack = TestRack::start(data.path()).await;
    let app = rack.client.get("/apps/web").await;
    assert_eq!((&app["status"], &app["release"]), (&"updating".into(), &release.as_str().into()));
    std::fs::write(&flag, "").unwrap();
    assert_eq!(rack.client.running("web").await["release"], release.as_str());
    rack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn old_releases_are_removed_but_never_the_active_one() {
    let data = tempfile::tempdir().unwrap();
    let few = |limits: &mut Limits| (limits.releases, limits.release_age) = (2, Duration::ZERO);
    let rack = TestRack::start_with(data.path(), few).await;
    let client = &rack.client;
    client.create("jobs").await;
    let mut releases = Vec::new();
    for number in 0..5 {
        releases.push(client.release("jobs", script(&format!("echo {number}; sleep 60"))).await);
    }
    client.promoted("jobs", &releases[1]).await;
    let listed = || async {
        let list = client.get("/apps/jobs/releases").await;
        let list =
            list.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned());
        list.collect::<Vec<String>>()
    };
    let expected = [&releases[4], &releases[3], &releases[1]];
    client
        .until("/apps/jobs/releases", |list| list.as_array().unwrap().len() == expected.len())
        .await;
    assert_eq!(listed().await.iter().collect::<Vec<_>>(), expected);
    let (status, message) = client.promote("jobs", &releases[0]).await;
    assert_eq!(status, 400);
    assert!(message.as_str().unwrap().contains("was removed"), "{message}");
    let sources = || std::fs::read_dir(rack.data.join("apps/jobs/sources")).unwrap().count();
    let deadline = tokio::time::Instant::now() + TEST_TIMEOUT;
    while sources() > 3 {
        assert!(tokio::time::Instant::now() < deadline, "{} sources are left", sources());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(client.promoted("jobs", &releases[1]).await["release"], releases[1].as_str());
    rack.stop().await;
}
