//! A service: its process is brought to readiness, watched, and started again after a crash.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::context::{Limits, ProcessEntry, is_taken};
use super::process::{Launch, NotReady, Process, ending};
use crate::gateway::{Connections, Gateway};

/// How many ports are tried when other programs keep taking them first.
const PORT_ATTEMPTS: u32 = 4;

/// Why a service did not start.
#[derive(Debug)]
pub(super) struct StartFailure {
    /// Begins with the process or service it concerns.
    pub(super) reason: String,
    pub(super) last_lines: Vec<String>,
    /// It was called off, from outside or because another service failed.
    pub(super) canceled: bool,
}

impl StartFailure {
    fn of(launch: &Launch, reason: &str) -> Self {
        let reason = format!("{}: {reason}", launch.service.name);
        Self { reason, last_lines: Vec::new(), canceled: false }
    }

    pub(super) fn canceled() -> Self {
        Self { reason: "canceled".into(), last_lines: Vec::new(), canceled: true }
    }
}

/// Starts a process of the service and waits until it is ready. One that fails is ended.
pub(super) async fn start(
    launch: &Launch,
    stop: &CancellationToken,
) -> Result<Process, StartFailure> {
    let mut attempt = 1;
    loop {
        let started = Process::start(launch).await;
        let mut process = started.map_err(|reason| StartFailure::of(launch, &reason))?;
        let Err(why) = process.ready(launch, stop).await else {
            launch.say(&process.id, &format!("{}: ready", process.id));
            return Ok(process);
        };
        let (id, port) = (process.id.clone(), process.port);
        let last_lines = process.stop().await;
        let lost = matches!(why, NotReady::Ended(_)) && port.is_some_and(is_taken);
        if lost && attempt < PORT_ATTEMPTS {
            launch.say(&id, &format!("{id}: another program took its port; starting on a new one"));
            attempt += 1;
            continue;
        }
        return Err(failure(launch, &why, port, last_lines));
    }
}

fn failure(
    launch: &Launch,
    why: &NotReady,
    port: Option<u16>,
    last_lines: Vec<String>,
) -> StartFailure {
    let reason = match (why, port) {
        (NotReady::Stopped, _) => return StartFailure::canceled(),
        (NotReady::Ended(status), Some(_)) => {
            format!("{} before it answered on PORT", ending(*status))
        }
        (NotReady::Ended(status), None) => {
            format!("{} within {}", ending(*status), seconds(launch.context.limits.settle))
        }
        (NotReady::TimedOut, _) => format!(
            "did not answer on 127.0.0.1:{} within {}; it must listen on the port in PORT",
            port.unwrap_or_default(),
            seconds(launch.context.limits.ready)
        ),
    };
    StartFailure { last_lines, ..StartFailure::of(launch, &reason) }
}

fn seconds(time: Duration) -> String {
    match time.subsec_millis() {
        0 => format!("{} s", time.as_secs()),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}

/// A running service of the active release.
pub(super) struct Service {
    pub(super) launch: Launch,
    pub(super) gateway: Option<Gateway>,
    pub(super) generation: u64,
}

impl Service {
    /// Leads the service's stable address to this process. Gives the connections to the one before.
    pub(super) fn switch_to(&self, process: &Process) -> Connections {
        self.route_to(process.port)
    }

    fn route_to(&self, port: Option<u16>) -> Connections {
        let gateway = self.gateway.as_ref();
        gateway.map(|gateway| gateway.route_to(self.generation, port)).unwrap_or_default()
    }

    /// Keeps the service running until `stop`.
    pub(super) async fn supervise(self, mut process: Process, stop: CancellationToken) {
        let mut backoff = Backoff::new(self.launch.context.limits);
        loop {
            let since = Instant::now();
            let status = tokio::select! {
                biased;
                () = stop.cancelled() => return self.end(process).await,
                status = process.ended() => status,
            };
            self.route_to(None);
            backoff.was_up(since.elapsed());
            let id = process.id.clone();
            self.launch.say(&id, &format!("{id}: {}", ending(status)));
            let entry = process.crashed().await;
            let Some(next) = self.start_again(&mut backoff, entry, &stop).await else { return };
            process = next;
        }
    }

    async fn end(&self, process: Process) {
        let id = process.id.clone();
        self.route_to(None);
        process.stop().await;
        self.launch.say(&id, &format!("{id}: stopped"));
    }

    /// `None` if it was stopped meanwhile.
    async fn start_again(
        &self,
        backoff: &mut Backoff,
        entry: ProcessEntry,
        stop: &CancellationToken,
    ) -> Option<Process> {
        let mut entry = Some(entry);
        loop {
            let pause = backoff.next();
            self.say(&format!(
                "{} is started again in {}",
                self.launch.service.name,
                seconds(pause)
            ));
            stop.run_until_cancelled(sleep(pause)).await?;
            drop(entry.take());
            match start(&self.launch, stop).await {
                Ok(process) => {
                    self.switch_to(&process);
                    return Some(process);
                }
                Err(failure) if failure.canceled => return None,
                Err(failure) => self.say(&failure.reason),
            }
        }
    }

    fn say(&self, line: &str) {
        self.launch.context.log_app(&self.launch.deployment.app, line);
    }
}

/// The backoff before starts after crashes: each twice the one before, up to a limit.
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
    fn pauses_double_up_to_the_limit_and_begin_anew_after_a_sound_run() {
        let mut backoff = Backoff::new(Limits::default());
        let taken: Vec<u64> = (0..7).map(|_| backoff.next().as_secs()).collect();
        assert_eq!(taken, [1, 2, 4, 8, 16, 30, 30]);
        backoff.was_up(Duration::from_secs(29));
        assert_eq!(backoff.next().as_secs(), 30);
        backoff.was_up(Duration::from_secs(30));
        assert_eq!(backoff.next().as_secs(), 1);
    }
}
