//! Addresses to listen on besides the socket.

use secrecy::ExposeSecret;

use super::super::*;
use super::{TestDir, options};
use crate::gateway::loopback;
use crate::tests::support::Client;

/// Runs a rack in this process that listens on `address`; returns where, and a client's way in.
async fn with_listener(
    dir: &TestDir,
    address: &str,
    then: impl AsyncFnOnce(Address),
) -> Result<(), DaemonError> {
    let (ready, is_ready) = tokio::sync::oneshot::channel();
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let ready = |address: Option<&Address>| ready.send(address.unwrap().clone()).unwrap();
    let shutdown = async move { ended.await.unwrap() };
    let options = options(Some(address.parse().unwrap()));
    let using = async {
        if let Ok(address) = is_ready.await {
            then(address).await;
            end.send(()).unwrap();
        }
    };
    tokio::join!(run(dir.path(), options, ready, shutdown), using).0
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_listened_on_if_that_is_requested_with_a_new_password_each_time() {
    let dir = TestDir::new();
    let mut passwords = std::collections::BTreeSet::new();
    for _ in 0..2 {
        let used = async |address: Address| {
            let port = address.socket.port();
            assert_eq!(address.url(), format!("http://127.0.0.1:{port}"));
            let password = address.password.expose_secret();
            assert!(password.len() >= 32);
            let client = Client::new(port).with_password(password);
            assert_eq!(client.get("/apps").await, serde_json::json!([]));
            assert!(passwords.insert(password.to_owned()));
            let Status::Running { address: Some(found), .. } = status(dir.path()).await.unwrap()
            else {
                panic!("not running")
            };
            assert_eq!((found.socket, found.password.expose_secret()), (address.socket, password));
        };
        with_listener(&dir, "127.0.0.1:0", used).await.unwrap();
    }
    let record = std::fs::read_to_string(dir.path().join("rack.json")).unwrap();
    assert!(!passwords.iter().any(|password| record.contains(password)), "{record}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_taken_or_not_a_loopback_address_is_an_error() {
    let dir = TestDir::new();
    let taken = std::net::TcpListener::bind(loopback(0)).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refused = with_listener(&dir, &address, async |_| ()).await;
    assert!(matches!(refused, Err(DaemonError::Listen(..))), "{refused:?}");
    let refused = with_listener(&dir, "0.0.0.0:0", async |_| ()).await;
    let Err(DaemonError::Rack(RackError::NotLoopback(_))) = refused else { panic!("{refused:?}") };
    assert!(matches!(status(dir.path()).await.unwrap(), Status::Stopped));
}
