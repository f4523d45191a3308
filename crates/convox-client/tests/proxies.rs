//! Requests and websockets through proxies.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use base64::Engine;
use convox_client::transport::{Client, Endpoint, ProxyCause};
use convox_client::wire::frame::Frame;
use convox_client::{Error, Options, Proxies, Rack, RackUrl, path};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// A host that can be reached only through a proxy.
const RACK: &str = "http://convox:pw@rack.invalid:5000";

fn options(variable: &'static str, value: String) -> Options {
    let proxies = Proxies::from_variables(|name| (name == variable).then(|| value.clone()));
    Options { proxies, ..Options::default() }
}

fn rack(variable: &'static str, value: String) -> Rack {
    Rack::connect_with(&RACK.parse().unwrap(), options(variable, value))
}

/// A server that handles each connection.
async fn serve<F>(handle: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(handle(stream));
        }
    });
    address
}

/// Reads the head of a request.
async fn head(stream: &mut TcpStream) -> String {
    let (mut text, mut lines) = (String::new(), BufReader::new(stream));
    while !text.ends_with("\r\n\r\n") {
        if lines.read_line(&mut text).await.unwrap() == 0 {
            break;
        }
    }
    text
}

async fn respond(stream: &mut TcpStream, status: &str, body: &str) {
    let length = body.len();
    let text =
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
    stream.write_all(text.as_bytes()).await.unwrap();
}

/// Plays a SOCKS5 proxy (RFC 1928) with this user and password, and then the rack behind it.
/// Returns the host and port that were asked for.
async fn socks(stream: &mut TcpStream, login: Option<(&str, &str)>) -> Option<(String, u16)> {
    let mut greeting = [0; 2];
    stream.read_exact(&mut greeting).await.unwrap();
    let mut methods = vec![0; usize::from(greeting[1])];
    stream.read_exact(&mut methods).await.unwrap();
    let method = if login.is_some() { 2 } else { 0 };
    assert_eq!(greeting[0], 5);
    if !methods.contains(&method) {
        stream.write_all(&[5, 0xff]).await.unwrap();
        return None;
    }
    stream.write_all(&[5, method]).await.unwrap();
    if let Some((user, password)) = login {
        let _version = stream.read_u8().await.unwrap();
        let given = (text(stream).await, text(stream).await);
        let accepted = (given.0.as_str(), given.1.as_str()) == (user, password);
        stream.write_all(&[1, u8::from(!accepted)]).await.unwrap();
        if !accepted {
            return None;
        }
    }
    let mut request = [0; 4];
    stream.read_exact(&mut request).await.unwrap();
    assert_eq!(request, [5, 1, 0, 3], "connect to a host name");
    let host = text(stream).await;
    let port = stream.read_u16().await.unwrap();
    stream.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 80]).await.unwrap();
    Some((host, port))
}

async fn text(stream: &mut TcpStream) -> String {
    let mut bytes = vec![0; usize::from(stream.read_u8().await.unwrap())];
    stream.read_exact(&mut bytes).await.unwrap();
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn an_http_rack_is_reached_through_an_http_proxy_with_its_password() {
    let proxy = serve(async |mut stream| {
        let head = head(&mut stream).await;
        assert!(head.starts_with("GET http://rack.invalid:5000/apps HTTP/1.1\r\n"), "{head}");
        let login = base64::engine::general_purpose::STANDARD.encode("me:secret");
        assert!(head.contains(&format!("proxy-authorization: Basic {login}\r\n")), "{head}");
        respond(&mut stream, "200 OK", "[]").await;
    })
    .await;
    let apps = rack("HTTP_PROXY", format!("http://me:secret@{proxy}")).apps().await;
    assert_eq!(apps.unwrap().len(), 0);
}

#[tokio::test]
async fn a_rack_is_reached_through_a_socks_proxy() {
    let proxy = serve(async |mut stream| {
        let to = socks(&mut stream, Some(("me", "secret"))).await;
        assert_eq!(to, Some(("rack.invalid".to_owned(), 5000)));
        let head = head(&mut stream).await;
        assert!(head.starts_with("GET /apps HTTP/1.1\r\n"), "{head}");
        respond(&mut stream, "200 OK", "[]").await;
    })
    .await;
    let apps = rack("ALL_PROXY", format!("socks5h://me:secret@{proxy}")).apps().await;
    assert_eq!(apps.unwrap().len(), 0);
}

#[tokio::test]
async fn a_websocket_goes_through_the_same_socks_proxy() {
    let proxy = serve(async |mut stream| {
        socks(&mut stream, None).await.unwrap();
        let head = head(&mut stream).await;
        let key = head.lines().find_map(|line| line.strip_prefix("sec-websocket-key: ")).unwrap();
        let accept = derive_accept_key(key.as_bytes());
        let upgrade = format!(
            "HTTP/1.1 101 X\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
             sec-websocket-accept: {accept}\r\n\r\n"
        );
        stream.write_all(upgrade.as_bytes()).await.unwrap();
        stream.write_all(b"\x81\x03hi\n\x82\x00").await.unwrap();
        std::future::pending::<()>().await;
    })
    .await;
    let url: RackUrl = RACK.parse().unwrap();
    let options = options("ALL_PROXY", format!("socks5h://{proxy}"));
    let client = Client::new(Endpoint::from(&url), options);
    let path = path!["apps", "web", "logs"];
    let mut socket = client.open(&path, Vec::new, |_| {}).await.unwrap();
    assert_eq!(socket.next().await, Ok(Frame::Data("hi\n".into())));
    assert_eq!(socket.next().await, Ok(Frame::End));
}

#[tokio::test]
async fn a_proxy_that_wants_another_password_is_named_at_once() {
    let tunnel = serve(async |mut stream| {
        head(&mut stream).await;
        respond(&mut stream, "407 Proxy Authentication Required", "").await;
    })
    .await;
    let with_login = serve(async |mut stream| {
        assert_eq!(socks(&mut stream, Some(("me", "secret"))).await, None);
    })
    .await;
    for (variable, value, rack_url) in [
        ("HTTP_PROXY", format!("http://{tunnel}"), RACK),
        ("HTTPS_PROXY", format!("http://{tunnel}"), "https://convox:pw@rack.invalid"),
        ("ALL_PROXY", format!("socks5h://me:wrong@{with_login}"), RACK),
    ] {
        let started = Instant::now();
        let options = options(variable, value);
        let rack = Rack::connect_with(&rack_url.parse().unwrap(), options);
        let error = rack.apps().await.unwrap_err();
        let Error::Proxy { variable: named, cause, .. } = &error else { panic!("{error:?}") };
        assert_eq!((*named, &**cause), (variable, &ProxyCause::Unauthorized), "{error}");
        assert!(started.elapsed() < Duration::from_secs(2), "{variable}");
    }
}

#[tokio::test]
async fn a_proxy_that_cannot_be_reached_is_not_called_the_rack() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = listener.local_addr().unwrap();
    drop(listener);
    for (variable, scheme) in [("HTTP_PROXY", "http"), ("ALL_PROXY", "socks5h")] {
        let rack = rack(variable, format!("{scheme}://{gone}")).without_retries();
        let error = rack.apps().await.unwrap_err().to_string();
        let expected = format!("can't reach the rack through the proxy {gone} ({variable}): ");
        assert!(error.starts_with(&expected), "{error}");
    }
}

#[tokio::test]
async fn a_proxy_variable_that_cannot_be_used_fails_at_once() {
    for value in ["garbage://x", "http://", "socks9://host:1080"] {
        let started = Instant::now();
        let error = rack("HTTP_PROXY", value.to_owned()).apps().await.unwrap_err();
        assert!(error.to_string().starts_with("HTTP_PROXY: "), "{error}");
        assert!(started.elapsed() < Duration::from_secs(2));
    }
}
