//! The long form.

use chrono::{DateTime, SecondsFormat, Utc};

use super::age;
use crate::output::color::Role;
use crate::output::sanitize::sanitize;
use crate::output::text::TextBlock;
use crate::output::{RenderContext, View};
use convox_wire::{ClusterEvent, Diagnosis, InitPod, Overview, Pod, ServiceDiagnosis};

/// More warning events are only counted.
const MAX_EVENTS: usize = 15;
/// Of longer logs, only the last lines are shown.
const MAX_LINES: usize = 50;

pub(super) fn render(diagnosis: &Diagnosis, rc: &RenderContext) -> View {
    let mut report = Report { text: TextBlock::default(), now: rc.now };
    report.head(diagnosis);
    if let Some(overview) = &diagnosis.overview {
        report.services(overview);
    }
    if !diagnosis.init_pods.is_empty() {
        report.line("--- Init Containers ---");
        diagnosis.init_pods.iter().for_each(|pod| report.init_pod(pod));
        report.line("");
    }
    report.processes(diagnosis);
    report.summary(diagnosis);
    View::Block(report.text)
}

struct Report {
    text: TextBlock,
    now: DateTime<Utc>,
}

impl Report {
    /// Adds a line. What comes from the rack must be sanitized.
    fn line(&mut self, line: impl AsRef<str>) {
        self.text.plain(line.as_ref()).end_line();
    }

    fn head(&mut self, diagnosis: &Diagnosis) {
        let time = diagnosis
            .timestamp
            .map_or(String::new(), |time| time.to_rfc3339_opts(SecondsFormat::Secs, true));
        self.line("");
        self.line(format!(
            "Deploy Diagnostics: {} on {}",
            sanitize(&diagnosis.app),
            sanitize(&diagnosis.rack)
        ));
        self.line(format!("Namespace: {}", sanitize(&diagnosis.namespace)));
        self.line(format!("Time:      {time}"));
        self.line("");
    }

    fn services(&mut self, overview: &Overview) {
        self.line("--- Service Status ---");
        if overview.services.is_empty() {
            self.line("  No services found.");
        }
        overview.services.iter().for_each(|service| self.service(service));
        self.line("");
        let warnings: Vec<&ClusterEvent> =
            overview.events.iter().filter(|event| event.kind == "Warning").collect();
        if warnings.is_empty() {
            return;
        }
        self.line("  Warning Events:");
        warnings.iter().take(MAX_EVENTS).for_each(|event| self.warning(event));
        if let Some(more) = warnings.len().checked_sub(MAX_EVENTS).filter(|more| *more > 0) {
            self.line(format!("    ... and {more} more events"));
        }
        self.line("");
    }

    fn service(&mut self, service: &ServiceDiagnosis) {
        let (role, label) = match service.status.as_str() {
            "running" => (Role::Ok, "RUNNING".to_owned()),
            "stalled" => (Role::Fail, "STALLED".to_owned()),
            "deploying" => (Role::Heading, "DEPLOYING".to_owned()),
            "scaled-down" => (Role::Heading, "SCALED DOWN".to_owned()),
            other => (Role::Heading, sanitize(other).into_owned()),
        };
        let icon = if service.status == "scaled-down" { "○" } else { "●" };
        let agent = if service.agent == Some(true) { " (agent)" } else { "" };
        let word = if service.desired_replicas == 1 { "process" } else { "processes" };
        let (ready, desired) = (service.ready_replicas, service.desired_replicas);
        let name = sanitize(&service.name);
        self.text.plain("  ").painted(role, icon);
        self.text.plain(&format!(" {name}{agent}  {ready}/{desired} {word} ready  "));
        self.text.painted(role, &label).end_line();
        if let Some(reason) = &service.stall_reason {
            self.line(format!("      {}", sanitize(reason)));
        }
    }

    fn warning(&mut self, event: &ClusterEvent) {
        self.line(format!(
            "    [{} ago] {} on {}: {}",
            self.age_of(event),
            sanitize(&event.reason),
            sanitize(&event.object),
            sanitize(&event.message)
        ));
        if let Some(hint) = &event.hint {
            self.line(format!("             {}", sanitize(hint)));
        }
    }

    fn age_of(&self, event: &ClusterEvent) -> String {
        event.timestamp.map_or_else(|| age(-1), |time| age((self.now - time).num_seconds()))
    }

    fn init_pod(&mut self, pod: &InitPod) {
        self.line(format!("  ● {} (service: {})", sanitize(&pod.name), sanitize(&pod.service)));
        for container in &pod.init_containers {
            let (name, state) = (sanitize(&container.name), sanitize(&container.state));
            self.line(format!("    init-container/{name}: {state}"));
            if let Some(logs) = &container.logs {
                self.line("      --- Init Container Logs ---");
                self.log(logs, "      ");
            }
        }
    }

    fn processes(&mut self, diagnosis: &Diagnosis) {
        self.line("--- Processes ---");
        if diagnosis.pods.is_empty() {
            self.line(match diagnosis.summary {
                Some(summary) if summary.total > 0 => {
                    format!("  All {} processes healthy -- no issues detected.", summary.total)
                }
                _ => "  No processes found.".to_owned(),
            });
        } else {
            self.line("");
        }
        for (number, pod) in diagnosis.pods.iter().enumerate() {
            if number > 0 {
                self.line("");
            }
            self.pod(pod);
        }
        self.line("");
    }

    fn pod(&mut self, pod: &Pod) {
        let role = match pod.classification.as_str() {
            "unhealthy" => Role::Fail,
            "healthy" => Role::Ok,
            _ => Role::Heading,
        };
        self.text.plain("  ").painted(role, "●");
        self.text.plain(&format!(" {}  ", sanitize(&pod.service)));
        self.text.painted(role, &sanitize(&pod.classification)).end_line();
        self.line(format!("    process: {}", sanitize(&pod.name)));
        self.line(format!(
            "    state: {}    ready: {}    age: {}    restarts: {}",
            sanitize(&pod.phase),
            sanitize(&pod.ready),
            age(pod.age_seconds),
            pod.restarts
        ));
        if let Some(detail) = &pod.state_detail {
            self.text.plain("    detail:  ").painted(Role::Fail, &sanitize(detail)).end_line();
        }
        if let Some(hint) = &pod.hint {
            self.line(format!("    hint:    {}", sanitize(hint)));
        }
        if let Some(logs) = &pod.logs {
            let count = logs.lines().count();
            self.line("");
            self.line(format!("    --- Current Logs (last {count} lines) ---"));
            self.log(logs, "    ");
        }
        if let Some(logs) = &pod.previous_logs {
            self.line("");
            self.line("    --- Previous Container Logs ---");
            self.log(logs, "    ");
        }
        if !pod.events.is_empty() {
            self.line("");
            self.line("    --- Events ---");
            pod.events.iter().for_each(|event| self.event(event));
        }
    }

    fn log(&mut self, logs: &str, indent: &str) {
        let lines: Vec<&str> = logs.lines().collect();
        let skipped = lines.len().saturating_sub(MAX_LINES);
        if skipped > 0 {
            self.line(format!("{indent}... ({skipped} lines truncated) ..."));
        }
        for line in &lines[skipped..] {
            self.line(format!("{indent}{}", sanitize(line)));
        }
    }

    fn event(&mut self, event: &ClusterEvent) {
        self.line(format!(
            "    {} ago  {:<8} {:<20} {}",
            self.age_of(event),
            sanitize(&event.kind),
            sanitize(&event.reason),
            sanitize(&event.message)
        ));
    }

    fn summary(&mut self, diagnosis: &Diagnosis) {
        if let Some(summary) = diagnosis.summary {
            let counts = [
                (summary.unhealthy, "unhealthy"),
                (summary.not_ready, "not-ready"),
                (summary.new, "new"),
                (summary.healthy, "healthy"),
            ];
            let given = counts.iter().filter(|(count, _)| *count > 0);
            let given: String = given.map(|(count, word)| format!("  {count} {word}")).collect();
            self.line(format!("Summary: {} total{given}", summary.total));
            self.line("");
        }
        self.text.plain("Legend: ");
        for (number, (role, word)) in LEGEND.iter().enumerate() {
            let gap = if number == 0 { "" } else { "  " };
            self.text.plain(gap).painted(*role, "●").plain(&format!(" {word}"));
        }
        self.text.end_line();
        self.line("");
    }
}

const LEGEND: [(Role, &str); 4] = [
    (Role::Fail, "unhealthy"),
    (Role::Heading, "not-ready"),
    (Role::Heading, "new"),
    (Role::Ok, "healthy"),
];
