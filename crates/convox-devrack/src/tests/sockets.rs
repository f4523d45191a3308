use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::support::*;
use crate::sockets::{Socket, Source};
use crate::{Limits, lifecycle};
use tokio_tungstenite::tungstenite::Error;

const ALL: [(&str, &str); 2] = [("Prefix", "true"), ("Since", "1h")];

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_sent_on_the_open_websocket_which_is_then_closed() {
    let data = tempfile::tempdir().unwrap();
    let rack = TestRack::start(data.path()).await;
    let client = &rack.client;
    client.create("web").await;
    for (path, header, message) in [
        ("/apps/web/logs", ("Authorization", "Basic eDp5"), "invalid authentication"),
        ("/apps/nope/logs", ALL[0], "app not found: nope"),
        ("/apps/web/logs", ("Since", "zzz"), "time: invalid duration \"zzz\""),
        ("/apps/web/builds/XYZ/logs", ALL[0], "builds.convox.com \"xyz\" not found"),
        ("/apps/web/processes/p/logs", ALL[0], "process not found: p"),
    ] {
        let received = client.read_socket(path, &[header]).await;
        let text = format!("ERROR: {message}\n");
        assert_eq!(received, Received { text, ended: true, closed: Some(1000) }, "{path}");
    }
    rack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_origin_and_a_misspelled_upgrade_fail_the_handshake() {
    let data = tempfile::tempdir().unwrap();
    let rack = TestRack::start(data.path()).await;
    let client = &rack.client;
    for (header, status) in
        [(("Origin", "http://evil.example"), 403), (("Upgrade", "WebSocket"), 404)]
    {
        match client.try_open("/system/logs", &[header]).await {
            Err(Error::Http(answer)) => assert_eq!(answer.status().as_u16(), status),
            Ok(_) => panic!("it was opened"),
            Err(other) => panic!("{other:?}"),
        }
    }
    rack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_log_is_followed_filtered_and_resumed_exactly() {
    let data = tempfile::tempdir().unwrap();
    let rack = TestRack::start(data.path()).await;
    let client = &rack.client;
    client.create("jobs").await;
    let count = "i=0; while [ $i -lt 200 ]; do i=$((i+1)); echo line $i; done; echo done; sleep 60";
    let release = client.release("jobs", script(count)).await;
    let mut early = client.open("/apps/jobs/logs", &ALL).await;
    client.promote("jobs", &release).await;
    let all = |text: &str| text.contains(" done\n");
    let received = read_until(&mut early, all).await.text;
    let late = read_until(&mut client.open("/apps/jobs/logs", &ALL).await, all).await.text;
    let lines = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| line.contains(" line "));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(lines(&received).len(), 200);
    assert_eq!(lines(&received), lines(&late), "stored lines are the live ones");
    let mut times: Vec<&str> =
        received.lines().map(|line| line.split_once(' ').unwrap().0).collect();
    assert!(times.iter().all(|time| time.len() == "2026-01-01T00:00:00.000000000Z".len()));
    times.dedup();
    assert_eq!(times.len(), received.lines().count(), "no time is there twice");

    let bare = [("Follow", "false"), ("Since", "1h"), ("Filter", "line 20")];
    assert_eq!(client.read_socket("/apps/jobs/logs", &bare).await.text, "line 20\nline 200\n");
    let tail = [("Follow", "false"), ("Tail", "2"), ("Prefix", "false"), ("Since", "1h")];
    let of_service = client.read_socket("/apps/jobs/services/job/logs", &tail).await;
    assert_eq!((of_service.text.as_str(), of_service.ended), ("line 200\ndone\n", true));
    let now = [("Follow", "false"), ("Since", "0s")];
    assert_eq!(client.read_socket("/apps/jobs/logs", &now).await.text, "");
    rack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_log_ends_with_its_process_and_the_service_restarts() {
    let data = tempfile::tempdir().unwrap();
    let rack = TestRack::start(data.path()).await;
    let client = &rack.client;
    client.create("jobs").await;
    let release = client.release("jobs", script("echo at work; exec sleep 60")).await;
    client.promoted("jobs", &release).await;
    let processes = client.get("/apps/jobs/processes?service=job").await;
    let pid = processes[0]["id"].as_str().unwrap();
    assert_eq!(client.get("/apps/jobs/processes?service=none").await, serde_json::json!([]));
    assert_eq!(client.get(&format!("/apps/jobs/processes/{pid}")).await["status"], "running");
    let mut socket = client.open(&format!("/apps/jobs/processes/{pid}/logs"), &ALL).await;
    assert_eq!(client.delete(&format!("/apps/jobs/processes/{pid}")).await.1, "ok\n");
    let received = read_until(&mut socket, |_| false).await;
    assert!(received.ended && received.text.contains(" at work\n"), "{received:?}");
    let other = |list: &serde_json::Value| {
        list.as_array().unwrap().iter().any(|one| one["id"] != pid && one["status"] == "running")
    };
    client.until("/apps/jobs/processes", other).await;
    rack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_rack_closes_followed_logs_with_restart() {
    let data = tempfile::tempdir().unwrap();
    let rack = TestRack::start(data.path()).await;
    let client = rack.client.clone();
    client.create("web").await;
    let mut socket = client.open("/apps/web/logs", &[]).await;
    let mut system = client.open("/system/logs", &ALL).await;
    read_until(&mut system, |text| text.contains("web: created")).await;
    rack.stop().await;
    let received = read_until(&mut socket, |_| false).await;
    assert_eq!((received.ended, received.closed), (false, Some(1012)));
}

/// A source that never yields, and reports when it is dropped.
struct Silence {
    _dropped: oneshot::Sender<()>,
}

impl Source for Silence {
    async fn next(&mut self) -> std::io::Result<Option<String>> {
        std::future::pending().await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disconnected_peer_is_noticed_while_there_is_nothing_to_send() {
    let data = tempfile::tempdir().unwrap();
    let options = options(data.path(), Limits::default());
    let rack = lifecycle::open(options).unwrap();
    let (dropped, noticed) = oneshot::channel();
    let silence = Arc::new(Mutex::new(Some(Silence { _dropped: dropped })));
    let opened = |socket: Socket| async move {
        let silence = silence.lock().unwrap().take().unwrap();
        socket.send(|_, _| Ok(silence))
    };
    let router = Router::new().route("/silence", get(opened)).with_state(rack);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(axum::serve(listener, router).into_future());
    let client = Client::new(port);
    drop(client.open("/silence", &[]).await);
    let noticed = tokio::time::timeout(TEST_TIMEOUT, noticed).await;
    assert!(noticed.unwrap().is_err(), "dropped without a word");
}
