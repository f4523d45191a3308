//! Tunnels to what the rack runs.

use std::net::SocketAddr;

use axum::http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::duplex::{Incoming, Receiver, Sender, Service};
use crate::error::Refusal;
use crate::gateway::loopback;
use crate::rack::Shared;
use crate::store;
use convox_wire::{AppName, Process, ServiceName};

/// The size of one read, in bytes.
const STEP: usize = 32 << 10;

/// A connection to make for a client.
pub(crate) struct Tunnel {
    to: SocketAddr,
}

impl Tunnel {
    /// Finds what a client calls `host:port`. Real racks lead to anything in their network; this
    /// one leads to what it runs: `127.0.0.1` with the port of a service, process or resource, and the
    /// manifest's port of `SERVICE.APP` or a process id.
    pub(crate) fn find(rack: &Shared, host: &str, port: &str) -> Result<Self, Refusal> {
        let port: u16 = port.parse().ok().filter(|port| *port > 0).ok_or_else(invalid_port)?;
        let apps = rack.store.read(store::all_apps)?;
        let found = apps.iter().find_map(|app| {
            let processes = rack.runner.processes(&app.name);
            match host {
                "127.0.0.1" | "localhost" => {
                    let is_ours = processes.iter().any(|process| outer_port(process, port))
                        || services(&processes).any(|name| {
                            gateway(rack, &app.name, &name).is_some_and(|at| at.port() == port)
                        })
                        || rack.resources.has_port(&app.name, port);
                    is_ours.then(|| loopback(port))
                }
                _ => in_app(rack, &app.name, &processes, host, port),
            }
        });
        let to = found.ok_or_else(|| Refusal::bad_request("invalid proxy host"))?;
        Ok(Self { to })
    }
}

fn invalid_port() -> Refusal {
    Refusal::bad_request("invalid proxy port")
}

fn in_app(
    rack: &Shared,
    app: &AppName,
    processes: &[Process],
    host: &str,
    port: u16,
) -> Option<SocketAddr> {
    if let Some(process) = processes.iter().find(|process| process.id.as_str() == host) {
        return inner_port(process, port).map(loopback);
    }
    let name = host.strip_suffix(app.as_str())?.strip_suffix('.')?;
    let mut of_service = processes.iter().filter(|process| process.name == name);
    of_service.find_map(|process| inner_port(process, port))?;
    gateway(rack, app, &ServiceName::from_rack(name))
}

fn services(processes: &[Process]) -> impl Iterator<Item = ServiceName> {
    processes.iter().map(|process| ServiceName::from_rack(process.name.clone()))
}

fn gateway(rack: &Shared, app: &AppName, service: &ServiceName) -> Option<SocketAddr> {
    rack.runner.address(app, service)
}

/// A process's ports as they are shown: `PORT:MANIFEST-PORT`.
fn ports(process: &Process) -> impl Iterator<Item = (u16, u16)> {
    process.ports.iter().filter_map(|pair| {
        let (outer, inner) = pair.split_once(':')?;
        Some((outer.parse().ok()?, inner.parse().ok()?))
    })
}

fn outer_port(process: &Process, port: u16) -> bool {
    ports(process).any(|(outer, _)| outer == port)
}

/// The port at which a process listens for the manifest's `port`.
fn inner_port(process: &Process, port: u16) -> Option<u16> {
    ports(process).find(|(_, inner)| *inner == port).map(|(outer, _)| outer)
}

impl Service for Tunnel {
    /// Each direction may end before the other.
    async fn serve(self, from: &mut Receiver, to: &Sender) -> Result<(), Refusal> {
        let mut connection = TcpStream::connect(self.to).await.map_err(|error| {
            let message = format!("dial tcp {}: {error}", self.to);
            Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, message)
        })?;
        // Small messages are not held back for more to come.
        let _ = connection.set_nodelay(true);
        let (mut reader, mut writer) = connection.split();
        let down = async {
            let mut buffer = vec![0; STEP];
            loop {
                // A connection that was reset has ended as well.
                let count = reader.read(&mut buffer).await.unwrap_or(0);
                if count == 0 {
                    return to.end().await;
                }
                to.send(&buffer[..count]).await?;
            }
        };
        let client_ended = CancellationToken::new();
        let up = async {
            while let Some(incoming) = from.next().await {
                // The other end may read no more, and still send.
                let _ = match incoming {
                    Incoming::Data(data) => writer.write_all(&data).await,
                    Incoming::End => {
                        client_ended.cancel();
                        writer.shutdown().await
                    }
                    Incoming::Resize { .. } => Ok(()),
                };
            }
        };
        tokio::select! {
            // A client that is gone ends both directions: with a reset, if it has not ended its own.
            () = up => {
                if !client_ended.is_cancelled() {
                    let _ = connection.set_zero_linger();
                }
            }
            _ = async { tokio::join!(down, client_ended.cancelled()) } => {}
        }
        Ok(())
    }
}
