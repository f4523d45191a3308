//! A service: starts its process, watches it, and restarts it after a crash.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::context::{Limits, ProcessEntry, is_taken};
use super::health;
use super::process::{Launch, NotReady, Process, ending};
use crate::gateway::{Connections, Gateway};
use convox_wire::ProcessId;

/// How many ports to try if other programs keep taking them first.
const PORT_ATTEMPTS: u32 = 4;

/// Why a service did not start.
#[derive(Debug)]
pub(super) struct StartFailure {
    /// The reason, starting with the process or service it concerns.
    pub(super) reason: String,
    /// The process that failed, if one was started.
    pub(super) process: Option<ProcessId>,
    /// Its last lines of output.
    pub(super) last_lines: Vec<String>,
    /// Whether the start was canceled, by a request or because another service failed.
    pub(super) canceled: bool,
}

impl StartFailure {
    fn of(launch: &Launch, reason: &str) -> Self {
        let reason = format!("{}: {reason}", launch.service.name);
        Self { reason, process: None, last_lines: Vec::new(), canceled: false }
    }

    pub(super) fn canceled() -> Self {
        let reason = "canceled".to_owned();
        Self { reason, process: None, last_lines: Vec::new(), canceled: true }
    }
}

/// Starts a process of the service and waits until it is ready. If it fails, it is stopped.
pub(super) async fn start(
    launch: &Launch,
    stop: &CancellationToken,
) -> Result<Process, StartFailure> {
    let mut attempt = 1;
    loop {
        let started = Process::start(launch).await;
        let mut process = started.map_err(|reason| StartFailure::of(launch, &reason))?;
        let Err(why) = process.ready(launch, stop).await else {
            launch.log(&process.id, &format!("{}: ready", process.id));
            return Ok(process);
        };
        let (id, port) = (process.id.clone(), process.port);
        let last_lines = process.stop().await;
        let lost = matches!(why, NotReady::Ended(_)) && port.is_some_and(is_taken);
        if lost && attempt < PORT_ATTEMPTS {
            launch.log(
                &id,
                &format!("{id}: its port is used by another program; restarting on a new one"),
            );
            attempt += 1;
            continue;
        }
        return Err(match failed_check(launch, &why, port) {
            None => StartFailure::canceled(),
            Some(check) => {
                StartFailure { process: Some(id), last_lines, ..StartFailure::of(launch, &check) }
            }
        });
    }
}

/// Describes which check a process has failed, and how. `None` if its start was canceled.
fn failed_check(launch: &Launch, why: &NotReady, port: Option<u16>) -> Option<String> {
    let (limits, health) = (&launch.context.limits, &launch.service.health);
    let patience = health.as_ref().map_or(limits.ready, |health| limits.ready.max(health.grace));
    Some(match (why, port) {
        (NotReady::Stopped, _) => return None,
        (NotReady::Ended(status), Some(port)) => format!(
            "port check failed: {} before it listened on 127.0.0.1:{port}, the port in PORT",
            ending(*status)
        ),
        (NotReady::Ended(status), None) => {
            format!("start check failed: {} within {}", ending(*status), seconds(limits.settle))
        }
        (NotReady::TimedOut, port) => format!(
            "port check failed: did not listen on 127.0.0.1:{}, the port in PORT, within {}",
            port.unwrap_or_default(),
            seconds(patience)
        ),
        (NotReady::Unhealthy(last), _) => {
            format!("health check failed: {last}; it did not pass within {}", seconds(patience))
        }
    })
}

fn seconds(time: Duration) -> String {
    match time.subsec_millis() {
        0 => format!("{} s", time.as_secs()),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}

/// A process of the active release that is kept running.
pub(super) struct Service {
    pub(super) launch: Launch,
    pub(super) gateway: Option<Gateway>,
    pub(super) generation: u64,
    /// Stops all services of the release.
    pub(super) fleet_stop: CancellationToken,
    /// Stops this process.
    pub(super) stop: CancellationToken,
    /// Has the process replaced by a new one.
    pub(super) restart: Arc<Notify>,
}

impl Service {
    fn add(&self, process: &Process) {
        if let (Some(gateway), Some(port)) = (&self.gateway, process.port) {
            gateway.add(self.generation, port);
        }
    }

    fn remove(&self, process: &Process) -> Connections {
        let route = self.gateway.as_ref().zip(process.port);
        route.map(|(gateway, port)| gateway.remove(self.generation, port)).unwrap_or_default()
    }

    /// Starts a new process whenever this one exits, until `stop`.
    pub(super) async fn supervise(self, mut process: Process) {
        let mut backoff = Backoff::new(self.launch.context.limits);
        loop {
            let since = Instant::now();
            let port = process.port;
            let how = tokio::select! {
                biased;
                () = self.stop.cancelled() => return self.end(process).await,
                status = process.ended() => ending(status),
                how = self.unhealthy(port) => how,
                () = self.restart.notified() => {
                    process = self.replace(process).await;
                    continue;
                }
            };
            // Connections to a process that has exited, or does not answer, are broken.
            drop(self.remove(&process));
            backoff.was_up(since.elapsed());
            let id = process.id.clone();
            self.launch.log(&id, &format!("{id}: {how}"));
            self.launch.crashes.add(how);
            let entry = process.crashed().await;
            entry.report(&self.launch.crashes);
            let Some(next) = self.start_again(&mut backoff, entry).await else { return };
            process = next;
        }
    }

    /// Waits until the process fails its health check, and returns how.
    async fn unhealthy(&self, port: Option<u16>) -> String {
        match self.launch.service.health.as_ref().zip(port) {
            Some((check, port)) => {
                let why = health::failed(check, port).await;
                format!("health check failed twice in a row: {why}")
            }
            None => std::future::pending().await,
        }
    }

    async fn end(&self, process: Process) {
        let id = process.id.clone();
        let connections = self.remove(&process);
        if !self.fleet_stop.is_cancelled() {
            connections.ended_within(self.launch.context.limits.drain).await;
        }
        process.stop().await;
        self.launch.log(&id, &format!("{id}: stopped"));
    }

    /// Replaces the process by a new one. If that does not start, the old one is kept.
    async fn replace(&self, process: Process) -> Process {
        match start(&self.launch, &self.stop).await {
            Ok(new) => {
                self.add(&new);
                self.end(process).await;
                new
            }
            Err(failure) => {
                if !failure.canceled {
                    self.log(&format!("{}; {} keeps running", failure.reason, process.id));
                }
                process
            }
        }
    }

    /// Starts a new process after a crash. Returns `None` if the service is stopped meanwhile.
    async fn start_again(&self, backoff: &mut Backoff, entry: ProcessEntry) -> Option<Process> {
        let mut entry = Some(entry);
        loop {
            let pause = backoff.next();
            self.log(&format!("{} restarts in {}", self.launch.service.name, seconds(pause)));
            self.stop.run_until_cancelled(sleep(pause)).await?;
            drop(entry.take());
            match start(&self.launch, &self.stop).await {
                Ok(process) => {
                    self.add(&process);
                    return Some(process);
                }
                Err(failure) if failure.canceled => return None,
                Err(failure) => self.log(&failure.reason),
            }
        }
    }

    fn log(&self, line: &str) {
        self.launch.context.log_app(&self.launch.deployment.app, line);
    }
}

/// The pauses before restarts: each is twice as long as the previous one, up to a limit.
struct Backoff {
    limits: Limits,
    next: Duration,
}

impl Backoff {
    fn new(limits: Limits) -> Self {
        Self { limits, next: limits.first_pause }
    }

    fn was_up(&mut self, time: Duration) {
        if time >= self.limits.sound {
            self.next = self.limits.first_pause;
        }
    }

    fn next(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(self.limits.longest_pause);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_limit_and_start_over_after_a_stable_run() {
        let mut backoff = Backoff::new(Limits::default());
        let taken: Vec<u64> = (0..7).map(|_| backoff.next().as_secs()).collect();
        assert_eq!(taken, [1, 2, 4, 8, 16, 30, 30]);
        backoff.was_up(Duration::from_secs(29));
        assert_eq!(backoff.next().as_secs(), 30);
        backoff.was_up(Duration::from_secs(30));
        assert_eq!(backoff.next().as_secs(), 1);
    }
}
