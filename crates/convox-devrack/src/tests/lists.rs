use super::support::*;
use reqwest::Method;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

#[tokio::test(flavor = "multi_thread")]
async fn builds_queue_for_a_slot_and_are_listed_before_they_are_answered() {
    let data = tempfile::tempdir().unwrap();
    let rack = TestRack::start_with(data.path(), |limits| limits.builds = 1).await;
    let client = &rack.client;
    client.create("web").await;
    let flag = data.path().join("go");
    let manifest = format!(
        "services:\n  job:\n    command: sleep 60\n    x-dev:\n      build: sh -c \"while [ ! -e {} ]; do sleep 0.05; done\"\n",
        flag.display()
    );
    let slow = archive(&[("convox.yml", manifest.as_str())]);
    let first = client.start_build("web", slow.clone()).await;
    assert_eq!(first["status"], "running");
    let second = client.start_build("web", slow).await;
    assert_eq!(second["status"], "created");
    let list = client.get("/apps/web/builds").await;
    assert_eq!((&list[0]["id"], &list[1]["id"]), (&second["id"], &first["id"]));
    assert_eq!(client.get("/apps/web/builds?limit=1").await.as_array().unwrap().len(), 1);
    std::fs::write(&flag, "").unwrap();
    let path = format!("/apps/web/builds/{}", second["id"].as_str().unwrap());
    let log = client.read_socket(&format!("{path}/logs"), &[]).await;
    assert!(log.text.starts_with("Waiting for other builds to finish\n"), "{log:?}");
    assert_eq!(client.get(&path).await["status"], "complete");
    rack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_interrupted_by_a_stop_has_failed() {
    let data = tempfile::tempdir().unwrap();
    let rack = TestRack::start(data.path()).await;
    rack.client.create("web").await;
    let manifest = "services:\n  job:\n    command: sleep 60\n    x-dev:\n      build: sleep 60\n";
    let build = rack.client.start_build("web", archive(&[("convox.yml", manifest)])).await;
    let path = format!("/apps/web/builds/{}", build["id"].as_str().unwrap());
    rack.stop().await;
    let rack = TestRack::start(data.path()).await;
    let build = rack.client.get(&path).await;
    assert_eq!(build["status"], "failed");
    let log = rack.client.read_socket(&format!("{path}/logs"), &[]).await.text;
    let end = format!("Build failed: {}\n", build["reason"].as_str().unwrap());
    assert!(log.ends_with(&end), "{log}");
    rack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_upload_leaves_no_file() {
    let data = tempfile::tempdir().unwrap();
    let rack = TestRack::start(data.path()).await;
    let client = &rack.client;
    client.create("web").await;
    let mut socket = TcpStream::connect(("127.0.0.1", client.port())).await.unwrap();
    let head = "POST /apps/web/objects/tmp/x HTTP/1.1\r\nHost: localhost\r\n\
                Authorization: Basic YzpzZWNyZXQ=\r\nContent-Length: 1000000\r\n\r\nhalf";
    socket.write_all(head.as_bytes()).await.unwrap();
    let dir = rack.data.join("apps/web/objects");
    let files = || std::fs::read_dir(&dir).unwrap().count();
    let deadline = tokio::time::Instant::now() + TEST_TIMEOUT;
    let wait_for = async |count| {
        while files() != count {
            assert!(tokio::time::Instant::now() < deadline, "{} files", files());
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    wait_for(1).await;
    drop(socket);
    wait_for(0).await;
    let answer = client.request(Method::GET, "/apps/web/objects/tmp/x").send().await.unwrap();
    assert_eq!(answer.status(), 404);
    rack.stop().await;
}
