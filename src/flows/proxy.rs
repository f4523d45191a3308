//! Makes ports in a rack's network available on this machine.

use std::fmt;
use std::io;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use crate::context::{Context, Severity, Ui};
use crate::error::CommandError;
use convox_client::rack::{Rack, TunnelError};

/// Waiting time after the system could not accept a connection, for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// `[PORT:]HOST:PORT`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) local: u16,
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl FromStr for Target {
    type Err = CommandError;

    fn from_str(text: &str) -> Result<Self, CommandError> {
        let invalid = || CommandError::new(format!("invalid argument: {text}"));
        let no_address = || invalid().hint("an address is HOST:PORT, or PORT:HOST:PORT");
        let number = |port: &str| {
            let port = port.parse().ok().filter(|port| *port > 0);
            port.ok_or_else(|| invalid().hint("a port is a number from 1 to 65535"))
        };
        let (rest, port) = text.rsplit_once(':').ok_or_else(no_address)?;
        let port = number(port)?;
        let (local, host) = match rest.split_once(':') {
            // An IPv6 address has colons of its own, and brackets around it.
            Some((local, host)) if !rest.starts_with('[') => (number(local)?, host),
            _ => (port, rest),
        };
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = bare.unwrap_or(host);
        if host.is_empty() || (bare.is_none() && host.contains(':')) {
            return Err(no_address());
        }
        Ok(Self { local, host: host.to_owned(), port })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// Serves the targets until the run is interrupted.
///
/// # Errors
/// A local port is not available: then none is served.
pub(crate) async fn serve(
    cx: &Context,
    rack: &Rack,
    targets: Vec<Target>,
) -> Result<(), CommandError> {
    let mut listeners = Vec::new();
    for target in targets {
        let listener = TcpListener::bind(("127.0.0.1", target.local)).await;
        let listener = listener.map_err(|error| unavailable(target.local, error))?;
        cx.ui.print(&format!("proxying localhost:{} to {target}\n", target.local))?;
        listeners.push((listener, target));
    }
    cx.ui.flush()?;
    let serving = listeners.into_iter().map(|(listener, target)| {
        let proxy = Proxy { rack: rack.clone(), ui: cx.ui.clone(), target };
        Arc::new(proxy).serve(listener)
    });
    futures_util::future::join_all(serving).await;
    Ok(())
}

fn unavailable(port: u16, error: io::Error) -> CommandError {
    CommandError::while_doing(format!("can't listen on 127.0.0.1:{port}"), error)
        .hint(format!("choose another local port, such as {}", alternative(port)))
}

fn alternative(port: u16) -> u16 {
    port.checked_add(10_000).unwrap_or(port - 10_000)
}

struct Proxy {
    rack: Rack,
    ui: Ui,
    target: Target,
}

impl Proxy {
    async fn serve(self: Arc<Self>, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((connection, _)) => {
                    let proxy = self.clone();
                    tokio::spawn(async move { proxy.connect(connection).await });
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            }
        }
    }

    async fn connect(&self, mut connection: TcpStream) {
        // Serving goes on without a reader of this.
        let _ = self.ui.print(&format!("connect: {}\n", self.target.local));
        let _ = self.ui.flush();
        // Small messages are not held back for more to come.
        let _ = connection.set_nodelay(true);
        let failed = match self.rack.proxy(&self.target.host, self.target.port).await {
            Ok(tunnel) => match tunnel.carry(&mut connection).await {
                // A local program may end its connection at any time.
                Ok(_) | Err(TunnelError::Local(_)) => return,
                Err(error) => error.to_string(),
            },
            Err(error) => error.to_string(),
        };
        // A reset, so that nobody takes what has come through for the whole.
        let _ = connection.set_zero_linger();
        self.ui.notice(Severity::Warning, &format!("{}: {failed}", self.target), &[]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_local_port_is_the_remote_one_unless_it_is_given() {
        let target = |local, host: &str, port| Target { local, host: host.into(), port };
        for (text, expected) in [
            ("db.internal:5432", target(5432, "db.internal", 5432)),
            ("1:db.internal:5432", target(1, "db.internal", 5432)),
            ("[fd00::1]:5432", target(5432, "fd00::1", 5432)),
            ("1:[fd00::1]:5432", target(1, "fd00::1", 5432)),
        ] {
            assert_eq!(text.parse::<Target>().unwrap(), expected);
        }
        assert_eq!(target(1, "fd00::1", 5432).to_string(), "[fd00::1]:5432");
    }

    #[test]
    fn what_is_not_an_address_is_quoted() {
        for text in
            ["onlyhost", "host:notaport", "host:0", "host:65536", "x:host:1", ":1", "fd00::1:5"]
        {
            let error = text.parse::<Target>().unwrap_err();
            assert_eq!(error.message(), format!("invalid argument: {text}"));
        }
    }
}
