use super::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Answers every connection with `text` and the data received, at the end of that data.
async fn echo(text: &'static str) -> u16 {
    let listener = TcpListener::bind(loopback(0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut sent = Vec::new();
                socket.read_to_end(&mut sent).await.unwrap();
                socket.write_all(text.as_bytes()).await.unwrap();
                socket.write_all(&sent).await.unwrap();
            });
        }
    });
    port
}

async fn ask(address: SocketAddr, body: &[u8]) -> Vec<u8> {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let (mut read, mut write) = socket.split();
    let mut answer = Vec::new();
    let send = async {
        // Fails if the gateway has no target.
        let _ = write.write_all(body).await;
        let _ = write.shutdown().await;
    };
    let receive = async {
        let _ = read.read_to_end(&mut answer).await;
    };
    tokio::join!(send, receive);
    answer
}

#[tokio::test]
async fn new_connections_go_to_the_newest_process_and_half_closed_ones_are_answered() {
    let gateway = Gateway::bind(None).await.unwrap();
    gateway.route_to(1, [echo("old:").await]);
    assert_eq!(ask(gateway.address(), b"hi").await, b"old:hi");
    gateway.route_to(2, [echo("new:").await]);
    assert_eq!(ask(gateway.address(), b"hi").await, b"new:hi");
}

#[tokio::test]
async fn connections_are_spread_over_the_processes() {
    let gateway = Gateway::bind(None).await.unwrap();
    let (one, two) = (echo("1").await, echo("2").await);
    gateway.route_to(3, [one]);
    gateway.add(3, two);
    gateway.add(2, closed_port().await);
    let mut answers = Vec::new();
    for _ in 0..4 {
        answers.push(ask(gateway.address(), b"").await);
    }
    assert_eq!(answers, [b"1", b"2", b"1", b"2"]);
    gateway.remove(2, two).ended().await;
    gateway.remove(3, one).ended().await;
    assert_eq!(ask(gateway.address(), b"").await, b"2");
    assert_eq!(ask(gateway.address(), b"").await, b"2");
}

#[tokio::test]
async fn a_process_that_cannot_be_reached_is_skipped() {
    let gateway = Gateway::bind(None).await.unwrap();
    gateway.route_to(1, [closed_port().await, echo("up").await]);
    for _ in 0..2 {
        assert_eq!(ask(gateway.address(), b"").await, b"up");
    }
}

#[tokio::test]
async fn an_earlier_promote_cannot_take_the_address_back() {
    let gateway = Gateway::bind(None).await.unwrap();
    gateway.route_to(2, [echo("new:").await]);
    gateway.route_to(1, [echo("old:").await]);
    gateway.route_to(1, []);
    assert_eq!(ask(gateway.address(), b"").await, b"new:");
}

#[tokio::test]
async fn a_connection_is_closed_while_no_process_is_ready() {
    let gateway = Gateway::bind(None).await.unwrap();
    assert_eq!(ask(gateway.address(), b"").await, b"");
    gateway.route_to(1, [closed_port().await]);
    assert_eq!(ask(gateway.address(), b"").await, b"");
}

async fn closed_port() -> u16 {
    TcpListener::bind(loopback(0)).await.unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn connections_to_the_previous_process_can_be_waited_for() {
    let gateway = Gateway::bind(None).await.unwrap();
    gateway.route_to(1, [echo("old:").await]).ended().await;
    let mut socket = TcpStream::connect(gateway.address()).await.unwrap();
    socket.write_all(b"hi").await.unwrap();
    while gateway.target().backends[0].in_use.receiver_count() == 0 {
        tokio::task::yield_now().await;
    }
    let mut ended = Box::pin(gateway.route_to(2, []).ended());
    tokio::select! {
        biased;
        () = &mut ended => panic!("a connection is still open"),
        () = tokio::task::yield_now() => {}
    }
    socket.shutdown().await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer, "old:hi");
    tokio::time::timeout(Duration::from_secs(10), ended).await.unwrap();
    gateway.route_to(1, []).ended().await;
}

/// Sends a text and returns what an echoing process got of it, with `P` for the peer.
async fn echoed(text: &str) -> String {
    let gateway = Gateway::bind(None).await.unwrap();
    gateway.route_to(1, [echo("").await]);
    String::from_utf8(ask(gateway.address(), text.as_bytes()).await).unwrap()
}

#[tokio::test]
async fn every_request_of_a_connection_gets_the_forwarded_headers() {
    let text = "POST / HTTP/1.1\r\nContent-Length: 3\r\nX-FORWARDED-FOR: 6.6.6.6\r\n\r\nabc\
                GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(
        echoed(text).await,
        "POST / HTTP/1.1\r\nContent-Length: 3\r\n\
         X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\n\r\nabc\
         GET /x HTTP/1.1\r\nHost: a\r\n\
         X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\n\r\n"
    );
}

#[tokio::test]
async fn protocols_other_than_http_pass_unchanged() {
    for text in ["", "PING\r\n", "GET", "GET /\r\n\r\n", "\u{16}\u{3}\u{1}\r\n\r\n"] {
        assert_eq!(echoed(text).await, text);
    }
}

#[tokio::test]
async fn large_bodies_pass_completely_both_ways() {
    let gateway = Gateway::bind(None).await.unwrap();
    gateway.route_to(1, [echo("").await]);
    let body: Vec<u8> = (0..8_000_000u32).map(|n| (n % 251) as u8).collect();
    assert!(ask(gateway.address(), &body).await == body);
}

#[tokio::test]
async fn a_process_that_responds_and_reads_no_more_ends_in_order() {
    let listener = TcpListener::bind(loopback(0)).await.unwrap();
    let gateway = Gateway::bind(None).await.unwrap();
    gateway.route_to(1, [listener.local_addr().unwrap().port()]);
    let mut client = TcpStream::connect(gateway.address()).await.unwrap();
    client.write_all(b"PING\r\n").await.unwrap();
    let (mut process, _) = listener.accept().await.unwrap();
    process.read_exact(&mut [0; 6]).await.unwrap();
    process.write_all(b"PONG\r\n").await.unwrap();
    client.read_exact(&mut [0; 6]).await.unwrap();
    drop(process);
    // The gateway can't pass these on.
    for _ in 0..50 {
        client.write_all(b"more").await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(client.read(&mut [0; 6]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_taken_port_is_an_error_and_a_dropped_gateway_frees_its_own() {
    let gateway = Gateway::bind(None).await.unwrap();
    let port = gateway.address().port();
    let error = Gateway::bind(Some(port)).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    drop(gateway);
    let again = async {
        loop {
            match Gateway::bind(Some(port)).await {
                Ok(gateway) => return gateway,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    };
    let gateway = tokio::time::timeout(Duration::from_secs(10), again).await.unwrap();
    assert_eq!(gateway.address().port(), port);
}
