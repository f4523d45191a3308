use super::support::*;
use reqwest::Method;

async fn text(client: &Client, method: Method, path: &str) -> (u16, String) {
    let answer = client.request(method, path).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_have_the_statuses_and_messages_of_v3_racks() {
    let data = tempfile::tempdir().unwrap();
    let rack = TestRack::start(data.path()).await;
    let client = &rack.client;
    client.create("web").await;
    let missing = |noun: &str| (500, format!("{noun}.convox.com \"xyz\" not found\n"));
    for (method, path, expected) in [
        (Method::GET, "/nowhere", (404, String::new())),
        (Method::GET, "/apps/", (404, String::new())),
        (Method::GET, "/apps/web/nowhere", (404, String::new())),
        (Method::GET, "/apps/web/logs", (404, String::new())),
        (Method::PATCH, "/apps", (405, String::new())),
        (Method::GET, "/apps/nope", (404, "app not found: nope\n".into())),
        (Method::GET, "/apps/nope/builds", (404, "app not found: nope\n".into())),
        (Method::GET, "/apps/web/builds/XYZ", missing("builds")),
        (Method::GET, "/apps/nope/builds/XYZ", missing("builds")),
        (Method::GET, "/apps/web/releases/XYZ", missing("releases")),
        (Method::POST, "/apps/web/releases/XYZ/promote", missing("releases")),
        (Method::POST, "/apps/nope/releases/XYZ/promote", (404, "app not found: nope\n".into())),
        (Method::POST, "/apps/web/cancel", (403, "app is not updating\n".into())),
        (Method::GET, "/apps/web/objects/tmp/x", (404, "object not found: tmp/x\n".into())),
        (Method::GET, "/apps/web/objects/a%2F..%2Fx", (400, "invalid object key\n".into())),
        (Method::GET, "/apps/web/processes/p", (404, "process not found: p\n".into())),
        (Method::GET, "/apps/web/configs/x", (404, "app config not found: x\n".into())),
        (
            Method::GET,
            "/apps/web/builds?limit=x",
            (500, "strconv.Atoi: parsing \"x\": invalid syntax\n".into()),
        ),
    ] {
        assert_eq!(text(client, method, path).await, expected, "{path}");
    }
    let (status, message) = client.post("/apps", &[("name", "web")]).await;
    assert_eq!((status.as_u16(), message), (409, "app already exists: web\n".into()));
    let (status, message) = client.post("/apps/web/releases", &[("env", "A=1")]).await;
    assert_eq!(status, 200);
    let path = format!("/apps/web/releases/{}/promote", message["id"].as_str().unwrap());
    let empty = "can not promote a release with an empty manifest\n".to_owned();
    assert_eq!(text(client, Method::POST, &path).await, (400, empty));
    rack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_json_if_the_client_accepts_json() {
    let data = tempfile::tempdir().unwrap();
    let rack = TestRack::start(data.path()).await;
    let request =
        rack.client.request(Method::GET, "/apps/nope").header("accept", "application/json");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/json");
    assert_eq!(answer.text().await.unwrap(), "{\"error\":\"app not found: nope\"}\n");
    rack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_but_check_requires_the_password() {
    let data = tempfile::tempdir().unwrap();
    let rack = TestRack::start(data.path()).await;
    let client = &rack.client;
    assert_eq!(text(client, Method::GET, "/auth").await, (200, "ok".into()));
    for path in ["/auth", "/apps", "/system", "/apps/web/objects/x"] {
        let answer = client.with_password("wrong").request(Method::GET, path);
        let answer = answer.header("upgrade", "websocket").header("connection", "upgrade");
        let answer = answer.send().await.unwrap();
        assert_eq!(answer.status(), 401, "{path}");
        assert_eq!(answer.headers()["www-authenticate"], "Basic realm=\"convox\"");
        assert_eq!(answer.text().await.unwrap(), "invalid authentication\n");
    }
    let port = client.port();
    let check =
        format!("GET /check HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n");
    assert!(client.raw(&check).await.ends_with("\r\n\r\nok"));
    rack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_hosts_and_origins_are_refused() {
    let data = tempfile::tempdir().unwrap();
    let rack = TestRack::start(data.path()).await;
    let client = &rack.client;
    let rebound = "GET /check HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    assert!(client.raw(rebound).await.starts_with("HTTP/1.1 403 "));
    let page = client.request(Method::GET, "/system").header("origin", "http://evil.example");
    assert_eq!(page.send().await.unwrap().status(), 403);
    rack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn responses_are_indented_json_with_a_request_id() {
    let data = tempfile::tempdir().unwrap();
    let rack = TestRack::start(data.path()).await;
    let client = &rack.client;
    let answer = client.request(Method::GET, "/system").send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/json");
    let id = answer.headers()["request-id"].to_str().unwrap().to_owned();
    assert!(id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    let body = answer.text().await.unwrap();
    assert!(body.starts_with("{\n  \"count\": 0,\n") && body.ends_with("}\n"), "{body}");
    let system: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(system["provider"], "dev");
    assert_eq!(system["version"], "3.24.6-dev");
    assert_eq!(system["status"], "running");
    let unknown = client.request(Method::GET, "/nowhere").send().await.unwrap();
    assert!(!unknown.headers().contains_key("request-id"));

    let (_, app) = client.post("/apps", &[("name", "web")]).await;
    assert_eq!(app["generation"], "3");
    assert_eq!(app["status"], "running");
    assert_eq!(app["release"], "");
    let names: Vec<String> = {
        client.create("api").await;
        let apps = client.get("/apps").await;
        apps.as_array().unwrap().iter().map(|app| app["name"].to_string()).collect()
    };
    assert_eq!(names, ["\"api\"", "\"web\""]);
    rack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_round_trip_within_the_size_limit() {
    let data = tempfile::tempdir().unwrap();
    let rack = TestRack::start_with(data.path(), |limits| limits.object = 10_000_000).await;
    let client = &rack.client;
    client.create("web").await;
    let bytes: Vec<u8> = (0..7_000_000u32).map(|n| (n % 251) as u8).collect();
    let chunks: Vec<Result<Vec<u8>, std::io::Error>> =
        bytes.chunks(100_000).map(|chunk| Ok(chunk.to_vec())).collect();
    let path = "/apps/web/objects/tmp/big.tgz";
    let chunked = reqwest::Body::wrap_stream(futures_util::stream::iter(chunks));
    let answer = client.request(Method::POST, path).body(chunked).send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "{\n  \"Url\": \"object://web/tmp/big.tgz\"\n}\n");
    let answer = client.request(Method::GET, path).send().await.unwrap();
    assert_eq!(answer.content_length(), Some(7_000_000));
    assert!(answer.bytes().await.unwrap() == bytes);
    for (path, length) in [(path, "5"), ("/apps/web/objects/tmp/none", "6")] {
        let answer = client.request(Method::HEAD, path).send().await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["content-length"]),
            (200, &length.parse().unwrap())
        );
    }
    let keyless = client.request(Method::POST, "/apps/web/objects/").body("x");
    assert!(keyless.send().await.unwrap().text().await.unwrap().contains("object://web/tmp/"));
    let keys = client.get("/apps/web/objects?prefix=tmp/big").await;
    assert_eq!(keys, serde_json::json!(["tmp/big.tgz"]));
    let large = client.request(Method::POST, path).body(vec![0; 10_000_001]).send().await;
    // The response may arrive before the whole body is sent, which then fails.
    assert!(large.is_err() || large.unwrap().status() == 413);
    for _ in 0..2 {
        assert_eq!(client.delete(path).await.1, "ok\n");
    }
    assert_eq!(text(client, Method::GET, path).await.0, 404);
    rack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_masked_variables_is_stored() {
    let data = tempfile::tempdir().unwrap();
    let rack = TestRack::start(data.path()).await;
    let client = &rack.client;
    client.create("web").await;
    let path = "/apps/web/configs/cli-env-mask";
    assert_eq!(client.put(path, &[("value", "%%")]).await.0, 400);
    assert_eq!(client.put(path, &[("value", "QSxC")]).await.1, "ok\n");
    let config = serde_json::json!({"name": "cli-env-mask", "value": "A,B"});
    assert_eq!(client.get(path).await, config);
    assert_eq!(client.get("/apps/web/configs").await, serde_json::json!([config]));
    rack.stop().await;
}
