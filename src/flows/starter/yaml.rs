//! Writes a manifest, in the order and form that people write it.

use super::StarterService;

pub(super) fn write(services: &[StarterService]) -> String {
    let mut text = "services:\n".to_owned();
    for service in services {
        let mut line = |indent: usize, key: &str, value: &str| {
            let gap = if value.is_empty() { "" } else { " " };
            text.push_str(&format!("{:indent$}{key}:{gap}{value}\n", ""));
        };
        line(2, &service.name, "");
        line(4, "build", ".");
        if let Some(command) = &service.command {
            line(4, "command", &scalar(command));
        }
        if let Some(port) = service.port {
            line(4, "port", &port.to_string());
        }
        if let Some(dev) = &service.dev {
            line(4, "x-dev", "");
            if let Some(build) = &dev.build {
                line(6, "build", &scalar(build));
            }
            if let Some(cache) = dev.cache {
                line(6, "cache", &format!("[{cache}]"));
            }
            if let Some(command) = &dev.command {
                line(6, "command", &scalar(command));
            }
        }
    }
    text
}

/// Returns text that YAML reads as this string: as it is if it can't be taken for anything else.
fn scalar(text: &str) -> String {
    let is_plain =
        text.chars().all(|one| one.is_ascii_alphanumeric() || " ./_-=$@+%".contains(one))
            && text.starts_with(|one: char| one.is_ascii_alphabetic() || one == '.' || one == '/')
            && !text.ends_with(' ')
            && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
                .contains(&text.to_lowercase().as_str())
            && text.parse::<f64>().is_err();
    if is_plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "''")) }
}
