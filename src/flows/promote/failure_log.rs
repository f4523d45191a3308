//! What an app has logged about a release that did not run.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use tokio::time::timeout;

use convox_client::rack::{LogEvent, LogOptions, LogSource, Rack};
use convox_wire::{AppName, LogLine, ReleaseId};

/// The most lines that are shown.
const MAX_LINES: usize = 20;
/// The most lines that are kept while the log is read.
const MAX_READ: usize = 10_000;
/// How long reading may take.
const READ_LIMIT: Duration = Duration::from_secs(5);
/// Added to the age of the rollout, as clocks differ.
const MARGIN: Duration = Duration::from_secs(2);

/// Returns the last lines that the app has logged since the promote of `release`, which was accepted
/// `age` ago. Lines of the processes of other releases are left out. If the log can't be read there
/// are none: the error that they belong to is more important.
pub(super) async fn read(
    rack: &Rack,
    app: &AppName,
    release: &ReleaseId,
    age: Duration,
) -> Vec<String> {
    let rack = rack.without_retries();
    let reading = async { tokio::join!(log_since(&rack, app, age), others(&rack, app, release)) };
    match timeout(READ_LIMIT, reading).await {
        Ok((lines, others)) => select(lines, release, &others),
        Err(_) => Vec::new(),
    }
}

/// Returns the lines that the app has logged, the oldest first.
async fn log_since(rack: &Rack, app: &AppName, age: Duration) -> VecDeque<String> {
    let since = Duration::from_secs((age + MARGIN).as_secs() + 1);
    let options =
        LogOptions { since: Some(since.into()), no_follow: true, ..LogOptions::default() };
    let mut log = rack.app_log(&LogSource::App(app.clone()), options);
    let mut lines = VecDeque::new();
    while let Ok(LogEvent::Text(text)) = log.next().await {
        lines.extend(String::from_utf8_lossy(&text).lines().map(str::to_owned));
        lines.drain(..lines.len().saturating_sub(MAX_READ));
    }
    lines
}

/// Returns the processes of other releases.
async fn others(rack: &Rack, app: &AppName, release: &ReleaseId) -> HashSet<String> {
    let processes = rack.processes(app).await.unwrap_or_default();
    let others = processes
        .into_iter()
        .filter(|process| process.release.as_ref().is_some_and(|runs| runs != release));
    others.map(|process| process.id.to_string()).collect()
}

/// Chooses the lines of the last rollout of a release, without their times.
fn select(lines: VecDeque<String>, release: &ReleaseId, others: &HashSet<String>) -> Vec<String> {
    let beginning = format!("promoting release {release}");
    let begins = |line: &String| {
        LogLine::parse(line).is_some_and(|line| is_of_rack(&line) && line.message == beginning)
    };
    let start = lines.iter().rposition(begins).map_or(0, |at| at + 1);
    let chosen: Vec<String> = lines
        .iter()
        .skip(start)
        .filter_map(|line| match LogLine::parse(line) {
            Some(line) if is_of_process(line.stream, others) => None,
            Some(line) => Some(format!("{} {}", line.stream, line.message)),
            None => Some(line.clone()),
        })
        .collect();
    chosen[chosen.len().saturating_sub(MAX_LINES)..].to_vec()
}

fn is_of_rack(line: &LogLine<'_>) -> bool {
    line.stream.starts_with("system/")
}

fn is_of_process(stream: &str, processes: &HashSet<String>) -> bool {
    stream.rsplit_once('/').is_some_and(|(_, process)| processes.contains(process))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selected(log: &[&str], others: &[&str]) -> Vec<String> {
        let lines = log.iter().map(|line| format!("2026-02-03T04:05:06Z {line}")).collect();
        let others = others.iter().map(ToString::to_string).collect();
        select(lines, &"RNEW".parse().unwrap(), &others)
    }

    #[test]
    fn the_last_rollout_of_the_release_is_shown_without_the_times() {
        let log = [
            "service/web/web-2 of an earlier rollout",
            "system/rack/web promoting release RNEW",
            "service/web/web-2 promoting release RNEW",
            "system/rack/web release RNEW failed: web: exited with 3",
        ];
        assert_eq!(selected(&log, &[]), log[2..]);
    }

    #[test]
    fn processes_of_other_releases_are_left_out() {
        let log = ["service/web/web-1 GET / 200", "service/web/web-2 no luck"];
        assert_eq!(selected(&log, &["web-1"]), log[1..]);
    }

    #[test]
    fn at_most_twenty_lines_are_shown_and_they_are_the_last() {
        let log: Vec<String> = (0..50).map(|n| format!("service/web/web-2 line {n}")).collect();
        let log: Vec<&str> = log.iter().map(String::as_str).collect();
        assert_eq!(selected(&log, &[]), log[30..]);
    }

    #[test]
    fn lines_in_another_format_are_shown_as_they_are() {
        let lines = ["  at main.js:1".to_owned()].into();
        assert_eq!(select(lines, &"RNEW".parse().unwrap(), &HashSet::new()), ["  at main.js:1"]);
    }
}
