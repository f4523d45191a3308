//! A console for tests in front of a development rack.

use std::net::SocketAddr;

use convox_devrack::console::{Console, Fault, Target};
use tokio::net::TcpListener;

use super::rack::{PASSWORD, TestRack, runtime};

/// The password of consoles in the tests; no output may ever contain it.
pub(crate) const TOKEN: &str = "console-token-of-the-tests";

/// The racks of the console: two names of the same rack.
pub(crate) const RACK: &str = "acme/production";
const OTHER: &str = "beta/production";

/// A console that serves until the test process ends.
pub(crate) struct TestConsole {
    pub(crate) console: Console,
    pub(crate) address: SocketAddr,
}

impl TestConsole {
    pub(crate) fn start(rack: &TestRack) -> Self {
        Self::with(rack, |_| Fault::Pass)
    }

    /// The same with a script that is called for each request.
    pub(crate) fn with(
        rack: &TestRack,
        script: impl Fn(&str) -> Fault + Send + Sync + 'static,
    ) -> Self {
        let target = |name: &str| Target {
            name: name.to_owned(),
            address: rack.address,
            password: PASSWORD.into(),
        };
        let racks = vec![target(RACK), target(OTHER)];
        let console = Console::new(TOKEN, racks, vec![target("acme/web")], script);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let served = console.clone();
        runtime()
            .spawn(async move { served.serve(TcpListener::from_std(listener).unwrap()).await });
        Self { console, address }
    }

    /// The variables of a command that uses it.
    pub(crate) fn variables(&self) -> [(&'static str, String); 3] {
        [
            ("X_DEV_ALLOW_HTTP", "true".to_owned()),
            ("CONVOX_HOST", self.address.to_string()),
            ("CONVOX_PASSWORD", TOKEN.to_owned()),
        ]
    }
}

/// A browser that follows the redirect of the console's page.
pub(crate) const BROWSER: &str = "curl -sL -o \"$HOME/page\" \"$1\"";
