//! Accepting connections, so that clients which connect and then say nothing, or only little, can't
//! use up the process's file descriptors.

use std::collections::BTreeMap;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::http::HeaderMap;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use secrecy::SecretString;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::rack::{Lifecycle, Shared};
use super::{auth, local_socket};

/// After an error of accept(2), which usually means that there are too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Where the rack listens.
pub(crate) struct Listeners {
    /// For clients that send the password.
    pub(crate) tcp: Option<TcpListener>,
    /// For this user's processes; see [`local_socket`].
    pub(crate) unix: Option<UnixListener>,
}

/// Serves the connections of the listeners until the rack stops and all of them have ended.
pub(crate) async fn serve(listeners: Listeners, rack: Shared, router: Router) {
    let mut lifecycle = rack.lifecycle.subscribe();
    let strangers = Strangers::new(rack.limits.strangers);
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listeners) => accepted,
            Some(_) = connections.join_next() => continue,
            _ = lifecycle.wait_for(|lifecycle| *lifecycle == Lifecycle::Stopping) => break,
        };
        match accepted {
            Ok(Peer::Tcp(socket)) => {
                // Responses are small: sending them at once matters more than filling packets.
                let _ = socket.set_nodelay(true);
                let trust = Trust::Stranger(strangers.admit());
                connections.spawn(connection(socket, rack.clone(), router.clone(), trust));
            }
            Ok(Peer::Unix(socket)) if local_socket::is_own(&socket) => {
                connections.spawn(connection(socket, rack.clone(), router.clone(), Trust::Own));
            }
            Ok(Peer::Unix(_)) => (),
            Err(_) => {
                strangers.evict_oldest();
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listeners);
    while connections.join_next().await.is_some() {}
}

enum Peer {
    Tcp(TcpStream),
    Unix(UnixStream),
}

async fn accept(listeners: &Listeners) -> io::Result<Peer> {
    let tcp = async {
        match &listeners.tcp {
            Some(tcp) => tcp.accept().await,
            None => std::future::pending().await,
        }
    };
    let unix = async {
        match &listeners.unix {
            Some(unix) => unix.accept().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        accepted = tcp => accepted.map(|(socket, _)| Peer::Tcp(socket)),
        accepted = unix => accepted.map(|(socket, _)| Peer::Unix(socket)),
    }
}

/// How a connection is authenticated.
enum Trust {
    /// By the password, which each request contains.
    Stranger(Stranger),
    /// By the operating system: the peer is this user's process.
    Own,
}

impl Trust {
    /// Records whether the request has the password. Adds it where none is needed.
    fn authenticate(&self, headers: &mut HeaderMap, password: &SecretString) {
        match self {
            Self::Stranger(stranger) => {
                if auth::check_password(headers, password).is_ok() {
                    stranger.trust();
                }
            }
            Self::Own => auth::set_password(headers, password),
        }
    }

    fn evicted(&self) -> CancellationToken {
        match self {
            Self::Stranger(stranger) => stranger.evicted.clone(),
            Self::Own => CancellationToken::new(),
        }
    }
}

async fn connection(
    socket: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    rack: Shared,
    router: Router,
    trust: Trust,
) {
    let evicted = trust.evicted();
    let mut lifecycle = rack.lifecycle.subscribe();
    let header_limit = rack.limits.headers;
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        trust.authenticate(request.headers_mut(), &rack.password);
        router.call(request)
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(header_limit);
    let serving = http.serve_connection(TokioIo::new(socket), service).with_upgrades();
    let mut serving = pin!(serving);
    tokio::select! {
        // An error ends the connection, which the client sees.
        _ = serving.as_mut() => return,
        () = evicted.cancelled() => return,
        _ = lifecycle.wait_for(|lifecycle| *lifecycle == Lifecycle::Stopping) => (),
    }
    serving.as_mut().graceful_shutdown();
    let _ = serving.await;
}

/// The connections that have not sent the password, by age. Beyond a number the oldest is closed:
/// a client that knows the password has sent it by then.
#[derive(Clone)]
struct Strangers(Arc<Inner>);

struct Inner {
    max: usize,
    next: AtomicU64,
    waiting: Mutex<BTreeMap<u64, CancellationToken>>,
}

impl Strangers {
    fn new(max: usize) -> Self {
        Self(Arc::new(Inner { max, next: AtomicU64::new(0), waiting: Mutex::default() }))
    }

    fn admit(&self) -> Stranger {
        let number = self.0.next.fetch_add(1, Ordering::Relaxed);
        let evicted = CancellationToken::new();
        let count = {
            let mut waiting = self.waiting();
            waiting.insert(number, evicted.clone());
            waiting.len()
        };
        if count > self.0.max {
            self.evict_oldest();
        }
        Stranger { strangers: self.clone(), number, evicted }
    }

    fn evict_oldest(&self) {
        if let Some((_, evicted)) = self.waiting().pop_first() {
            evicted.cancel();
        }
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<u64, CancellationToken>> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection among the [`Strangers`], until it is trusted or closed.
struct Stranger {
    strangers: Strangers,
    number: u64,
    evicted: CancellationToken,
}

impl Stranger {
    fn trust(&self) {
        self.strangers.waiting().remove(&self.number);
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.trust();
    }
}
