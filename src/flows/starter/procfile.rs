//! A Procfile: a line `NAME: COMMAND` for each kind of process.

use super::{StarterService, in_shell};

/// Reads the processes. Names become names of services.
pub(super) fn read(text: &str, notices: &mut Vec<String>) -> Vec<StarterService> {
    let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
    let entries =
        lines.filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(':'));
    let mut services: Vec<StarterService> = Vec::new();
    for (kind, command) in entries {
        let (kind, command) = (kind.trim(), command.trim());
        let name = service_name(kind);
        if command.is_empty() || services.iter().any(|service| service.name == name) {
            continue;
        }
        if kind == "release" {
            notices.push(format!(
                "the Procfile runs a command for each release, which racks do not do by \
                 themselves: {command}"
            ));
            continue;
        }
        if name.is_empty() {
            notices.push(format!("{kind:?} in the Procfile can't be the name of a service"));
            continue;
        }
        let command = Some(in_shell(command));
        services.push(StarterService { name, command, ..StarterService::default() });
    }
    services
}

/// Lower-case letters, digits and hyphens, beginning with a letter; empty if nothing is left.
fn service_name(kind: &str) -> String {
    let lower = kind.to_lowercase().replace(['_', '.', ' '], "-");
    let fitting: String =
        lower.chars().filter(|one| one.is_ascii_alphanumeric() || *one == '-').take(63).collect();
    let first = fitting.find(|one: char| one.is_ascii_lowercase());
    first.map_or(String::new(), |first| fitting[first..].trim_end_matches('-').to_owned())
}
