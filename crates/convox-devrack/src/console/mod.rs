//! A console for tests: racks of several organizations behind one address, sessions that end when
//! a test wants it, and a second factor whose page signs by itself.
//!
//! It is not a console to work with. It keeps everything in memory and checks one password.

mod proxy;
mod routes;
mod sessions;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secrecy::SecretString;
use tokio::net::TcpListener;

use sessions::Sessions;

/// What a console asks for before it responds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Required {
    /// The password alone.
    #[default]
    Password,
    /// A session as well.
    Session,
    /// A session that is given for a second factor.
    SecondFactor,
}

/// What happens to a request before it is responded to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    #[default]
    Pass,
    /// All sessions end, and from now on this is required.
    Expire(Required),
    /// The response is a 502.
    BadGateway,
}

/// A rack, or the apps of a machine.
#[derive(Debug, Clone)]
pub struct Target {
    /// `organization/name`.
    pub name: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// Its own password, which clients of the console never learn.
    pub password: SecretString,
}

type Script = Arc<dyn Fn(&str) -> Fault + Send + Sync>;

/// A console for tests. Clones are the same console.
#[derive(Clone)]
pub struct Console(Arc<State>);

struct State {
    password: SecretString,
    racks: Vec<Target>,
    machines: Vec<Target>,
    /// Called for each request but those of sessions, with its method and path.
    script: Script,
    sessions: Mutex<Sessions>,
    /// Runs of workflows and changes of racks: method, path and form.
    changes: Mutex<Vec<String>>,
}

impl Console {
    /// A console with this password in front of racks and machines. `script` is called for each
    /// request but those that create a session, with its method and path.
    pub fn new(
        password: impl Into<SecretString>,
        racks: Vec<Target>,
        machines: Vec<Target>,
        script: impl Fn(&str) -> Fault + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(State {
            password: password.into(),
            racks,
            machines,
            script: Arc::new(script),
            sessions: Mutex::default(),
            changes: Mutex::default(),
        }))
    }

    /// From now on there is no page for the second factor, as at consoles that expect a key at a USB
    /// port.
    pub fn close_page(&self) {
        self.sessions().has_no_page = true;
    }

    /// Ends all sessions; from now on this is required.
    pub fn require(&self, required: Required) {
        self.sessions().expire(required);
    }

    /// The page of the second factor signs wrongly this many times from now on.
    pub fn sign_wrongly(&self, times: u32) {
        self.sessions().wrong = times;
    }

    /// The number of sessions that were given.
    pub fn given(&self) -> usize {
        self.sessions().given
    }

    /// The number of times that the page of the second factor was opened.
    pub fn signed(&self) -> usize {
        self.sessions().signed
    }

    /// The changes that were made at the console itself: method, path and form.
    pub fn changes(&self) -> Vec<String> {
        self.0.changes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Serves until the future is dropped.
    ///
    /// # Errors
    /// The listener fails.
    pub async fn serve(self, listener: TcpListener) -> std::io::Result<()> {
        axum::serve(listener, routes::router(self)).await
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.0.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_change(&self, change: String) {
        self.0.changes.lock().unwrap_or_else(PoisonError::into_inner).push(change);
    }
}
