//! A console for tests in front of a development rack.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

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
        variables(self.address)
    }
}

fn variables(address: SocketAddr) -> [(&'static str, String); 3] {
    [
        ("X_DEV_ALLOW_HTTP", "true".to_owned()),
        ("CONVOX_HOST", address.to_string()),
        ("CONVOX_PASSWORD", TOKEN.to_owned()),
    ]
}

/// The console in a process of its own. It is killed when this is dropped.
pub(crate) struct ConsoleProcess {
    process: Child,
    pub(crate) address: SocketAddr,
}

impl ConsoleProcess {
    /// Starts it in front of a rack, which is also the machine `acme/web`. Cargo builds it, unless
    /// that is done.
    #[allow(clippy::disallowed_methods)] // the environment of this test
    pub(crate) fn start(rack: &TestRack, options: &[&str]) -> Self {
        let url = format!("http://convox:{PASSWORD}@{}", rack.address);
        let mut cargo = Command::new(env!("CARGO"));
        // What cargo says of this test would have it build other crates again.
        let is_of_test =
            |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(is_of_test) {
                cargo.env_remove(name);
            }
        }
        let mut process = cargo
            .args(["run", "--quiet", "--offline", "--example", "console", "--"])
            .args(options)
            .args([format!("{RACK}={url}"), "--machine".to_owned(), format!("acme/web={url}")])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env("CONVOX_PASSWORD", TOKEN)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().rsplit(' ').next().unwrap().parse().expect(&line);
        Self { process, address }
    }

    pub(crate) fn variables(&self) -> [(&'static str, String); 3] {
        variables(self.address)
    }
}

impl Drop for ConsoleProcess {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// A browser that follows the redirect of the console's page.
pub(crate) const BROWSER: &str = "curl -sL -o \"$HOME/page\" \"$1\"";
