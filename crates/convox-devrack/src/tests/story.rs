use super::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn an_app_is_deployed_changed_rolled_back_and_restarted_with_the_rack() {
    let data = tempfile::tempdir().unwrap();
    let rack = TestRack::start(data.path()).await;
    let client = &rack.client;
    client.create("guide").await;
    assert_eq!(client.get("/apps/guide/services").await, serde_json::json!([]));

    let (build, log) = client.build("guide", web("Hello World!")).await;
    assert_eq!(build["status"], "complete", "{log}");
    assert_eq!(build["description"], "test build");
    assert_eq!(build["git-sha"], "abc");
    let old = build["release"].as_str().unwrap();
    assert_eq!(client.promoted("guide", old).await["release"], old);
    let address = client.address("guide", "web").await;
    assert!(log.ends_with(&format!("web: http://{address}\n")), "{log}");
    let id = build["id"].as_str().unwrap();
    let again = client.read_socket(&format!("/apps/guide/builds/{id}/logs"), &[]).await;
    assert_eq!(again.text, log, "a stored log is the live one, byte for byte");
    assert_eq!(client.get(&format!("/apps/guide/objects/build/{id}/logs")).await, log);
    assert_eq!(build["logs"], format!("object://guide/build/{id}/logs"));
    let services = client.get("/apps/guide/services").await;
    assert_eq!(services[0]["ports"][0]["balancer"], address.port());
    assert_eq!(services[0]["ports"][0]["container"], 3000);
    assert_eq!(client.curl(address).await, "Hello World!\n");

    let form = [("env", "GREETING= and you"), ("description", "env add:GREETING")];
    let (_, made) = client.post("/apps/guide/releases", &form).await;
    assert_eq!(made["build"], id, "the build is inherited");
    client.promoted("guide", made["id"].as_str().unwrap()).await;
    assert_eq!(client.curl(address).await, "Hello World! and you\n");

    let new = client.release("guide", web("Greetings, Earthlings!")).await;
    let shown = client.get(&format!("/apps/guide/releases/{new}")).await;
    assert_eq!(shown["env"], "GREETING= and you", "the environment is inherited");
    client.promoted("guide", &new).await;
    assert_eq!(client.curl(address).await, "Greetings, Earthlings! and you\n");

    assert_eq!(client.promoted("guide", old).await["release"], old);
    assert_eq!(client.curl(address).await, "Hello World!\n");
    let text = client.log("guide").await;
    assert!(text.contains(" service/web/") && text.contains(" answered /\n"), "{text}");
    assert!(text.lines().is_sorted(), "{text}");

    let releases = client.get("/apps/guide/releases").await;
    rack.stop().await;
    let rack = TestRack::start(data.path()).await;
    let client = &rack.client;
    assert_eq!(client.get("/apps/guide/releases").await, releases);
    assert_eq!(client.running("guide").await["release"], old);
    assert_eq!(client.address("guide", "web").await, address, "the address is kept");
    assert_eq!(client.curl(address).await, "Hello World!\n");
    let processes = client.get("/apps/guide/processes").await;
    assert_eq!(processes.as_array().unwrap().len(), 1);
    assert_eq!(processes[0]["release"], old);
    rack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_manifest_fails_the_build_and_its_log_says_why() {
    let data = tempfile::tempdir().unwrap();
    let rack = TestRack::start(data.path()).await;
    let client = &rack.client;
    client.create("web").await;
    let bad = archive(&[("convox.yml", "services:\n  web:\n    port: http\n")]);
    let (build, log) = client.build("web", bad).await;
    assert_eq!(build["status"], "failed");
    let reason = build["reason"].as_str().unwrap();
    assert!(reason.contains("line 3"), "{reason}");
    assert!(log.ends_with(&format!("Build failed: {reason}\n")), "{log}");
    assert_eq!(build["release"], "");
    assert_eq!(client.get("/apps/web/releases").await, serde_json::json!([]));

    let url = [("url", "object://web/tmp/missing.tgz")];
    let (_, build) = client.post("/apps/web/builds", &url).await;
    let path = format!("/apps/web/builds/{}", build["id"].as_str().unwrap());
    let log = client.read_socket(&format!("{path}/logs"), &[]).await;
    assert!(log.text.contains("was not uploaded"), "{log:?}");
    assert_eq!(client.get(&path).await["status"], "failed");
    rack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_an_app_removes_its_processes_and_files() {
    let data = tempfile::tempdir().unwrap();
    let rack = TestRack::start(data.path()).await;
    let client = &rack.client;
    client.create("web").await;
    let release = client.release("web", web("Hi")).await;
    client.promoted("web", &release).await;
    let mut socket = client.open("/apps/web/logs", &[]).await;
    client.put("/apps/web", &[("lock", "true")]).await;
    let refused = client.delete("/apps/web").await;
    assert_eq!((refused.0.as_u16(), refused.1), (409, "app is locked: web\n".into()));
    client.put("/apps/web", &[("lock", "false")]).await;
    assert_eq!(client.delete("/apps/web").await.1, "ok\n");
    client.until("/apps/web", |answer| answer == "app not found: web\n").await;
    assert!(read_until(&mut socket, |_| false).await.ended, "followers of its log come to an end");
    assert!(!rack.data.join("apps/web").exists());
    client.create("web").await;
    assert_eq!(client.get("/apps/web/releases").await, serde_json::json!([]));
    assert_eq!(client.get("/apps/web/processes").await, serde_json::json!([]));
    rack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_is_deleted_while_uploads_run_and_they_are_refused() {
    let data = tempfile::tempdir().unwrap();
    let rack = TestRack::start(data.path()).await;
    let client = &rack.client;
    client.create("web").await;
    let upload = |client: Client, worker: usize| async move {
        for number in 0.. {
            let path = format!("/apps/web/objects/tmp/{worker}-{number}");
            let request = client.request(reqwest::Method::POST, &path).body("x".repeat(1000));
            let answer = request.send().await.unwrap();
            if answer.status() != 200 {
                return (answer.status().as_u16(), answer.text().await.unwrap());
            }
        }
        unreachable!()
    };
    let uploads: Vec<_> =
        (0..8).map(|worker| tokio::spawn(upload(client.clone(), worker))).collect();
    let many = |keys: &serde_json::Value| keys.as_array().unwrap().len() > 50;
    client.until("/apps/web/objects?prefix=tmp/", many).await;
    assert_eq!(client.delete("/apps/web").await.1, "ok\n");
    for upload in uploads {
        let (status, message) = upload.await.unwrap();
        let expected = ["app is being deleted: web\n", "app not found: web\n"];
        assert!(expected.contains(&message.as_str()), "{status} {message}");
    }
    client.until("/apps/web", |answer| answer == "app not found: web\n").await;
    client.create("web").await;
    assert_eq!(client.get("/apps/web/objects?prefix=").await, serde_json::json!([]));
    let deadline = tokio::time::Instant::now() + TEST_TIMEOUT;
    while std::fs::read_dir(rack.data.join("deleted")).unwrap().count() > 0 {
        assert!(tokio::time::Instant::now() < deadline, "files are left");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    rack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_fails_at_first_is_repeated() {
    let data = tempfile::tempdir().unwrap();
    let rack = TestRack::start(data.path()).await;
    let client = &rack.client;
    client.create("web").await;
    // A file where a directory is to be made: nothing can be moved there.
    std::fs::write(rack.data.join("deleted"), "").unwrap();
    client.delete("/apps/web").await;
    assert_eq!(client.get("/apps/web").await["status"], "deleting");
    let mut log = client.open("/system/logs", &[("Since", "1h")]).await;
    read_until(&mut log, |text| text.contains("web: can't be deleted yet")).await;
    std::fs::remove_file(rack.data.join("deleted")).unwrap();
    client.until("/apps/web", |answer| answer == "app not found: web\n").await;
    rack.stop().await;
}
