//! The short form: two tables.

use super::age;
use crate::output::table::Table;
use crate::output::{RenderContext, View};
use convox_wire::{Diagnosis, Overview, Pod};

/// Longer hints are cut.
const HINT: usize = 60;

pub(super) fn render(diagnosis: &Diagnosis, _rc: &RenderContext) -> View {
    let services = diagnosis.overview.as_ref().filter(|overview| !overview.services.is_empty());
    let mut parts = Vec::new();
    if let Some(overview) = services {
        parts.extend([View::Table(of_services(overview)), View::Text(String::new())]);
    }
    parts.push(match diagnosis.pods.is_empty() {
        false => View::Table(of_pods(&diagnosis.pods)),
        true => View::Text(match diagnosis.summary {
            Some(summary) if summary.total > 0 => {
                format!("All {} processes healthy.", summary.total)
            }
            _ => "No processes found.".to_owned(),
        }),
    });
    View::Sequence(parts)
}

fn of_services(overview: &Overview) -> Table {
    let mut table = Table::new(["SERVICE", "DESIRED", "READY", "STATUS"]);
    for service in &overview.services {
        let mark = if service.stall_reason.is_some() { " *" } else { "" };
        table.row([
            service.name.clone(),
            service.desired_replicas.to_string(),
            service.ready_replicas.to_string(),
            format!("{}{mark}", service.status),
        ]);
    }
    table
}

fn of_pods(pods: &[Pod]) -> Table {
    let mut table =
        Table::new(["PROCESS", "SERVICE", "STATUS", "READY", "RESTARTS", "AGE", "HINT"]);
    for pod in pods {
        table.row([
            pod.name.clone(),
            pod.service.clone(),
            pod.state_detail.clone().unwrap_or_else(|| pod.phase.clone()),
            pod.ready.clone(),
            pod.restarts.to_string(),
            age(pod.age_seconds),
            shortened(pod.hint.as_deref().unwrap_or_default()),
        ]);
    }
    table
}

fn shortened(hint: &str) -> String {
    if hint.chars().count() <= HINT {
        return hint.to_owned();
    }
    let start: String = hint.chars().take(HINT - 3).collect();
    format!("{start}...")
}
