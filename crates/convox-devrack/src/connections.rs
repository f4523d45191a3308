//! Accepting connections, so that clients which connect and then say nothing, or only little, can't
//! use up the process's file descriptors.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::auth;
use super::rack::{Lifecycle, Shared};

/// After an error of accept(2), which usually means that there are too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves the connections of `listener` until the rack stops and all of them have ended.
pub(crate) async fn serve(listener: TcpListener, rack: Shared, router: Router) {
    let mut lifecycle = rack.lifecycle.subscribe();
    let strangers = Strangers::new(rack.limits.strangers);
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            _ = lifecycle.wait_for(|lifecycle| *lifecycle == Lifecycle::Stopping) => break,
        };
        match accepted {
            Ok((socket, _)) => {
                let stranger = strangers.admit();
                connections.spawn(connection(socket, rack.clone(), router.clone(), stranger));
            }
            Err(_) => {
                strangers.evict_oldest();
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn connection(socket: TcpStream, rack: Shared, router: Router, stranger: Stranger) {
    // Responses are small: sending them at once matters more than filling packets.
    let _ = socket.set_nodelay(true);
    let evicted = stranger.evicted.clone();
    let mut lifecycle = rack.lifecycle.subscribe();
    let header_limit = rack.limits.headers;
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |request: Request<Incoming>| {
        if auth::check_password(request.headers(), &rack.password).is_ok() {
            stranger.trust();
        }
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
