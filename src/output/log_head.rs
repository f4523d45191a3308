//! The beginning of the lines of an app's log on a terminal: the time to the second, the source in
//! a color of its own, and the id of a process once.

use chrono::{DateTime, SecondsFormat, Utc};

use super::color::Color;
use super::sanitize::sanitize;
use convox_wire::{LogLine, ServiceLogLine};

/// The longest beginning of a line that is looked at.
const MAX: usize = 512;

/// The beginning of a line as it is shown, and how many of the line's bytes that stands for. `None`
/// for a line in another format, which is shown as it is.
pub(super) fn shown(line: &[u8], color: Color) -> Option<(String, usize)> {
    let start = &line[..line.len().min(MAX)];
    let valid = std::str::from_utf8(start).unwrap_or_else(|error| {
        std::str::from_utf8(&start[..error.valid_up_to()]).unwrap_or_default()
    });
    of_app(valid, color).or_else(|| of_service(valid, color))
}

/// `TIME SOURCE MESSAGE`, as racks send the log of an app. The development rack repeats the id of
/// the process that a message of its own is about.
fn of_app(line: &str, color: Color) -> Option<(String, usize)> {
    let LogLine { time, stream, message } = LogLine::parse(line)?;
    if message.is_empty() {
        return None;
    }
    let id = stream.rsplit('/').next().filter(|id| !id.is_empty())?;
    let rest = message.strip_prefix(id).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(message);
    let head = format!("{} {} ", to_the_second(time), paint_source(color, stream));
    Some((head, line.len() - rest.len()))
}

/// `[pod/PROCESS/SERVICE] TIME MESSAGE`, as racks send the log of a service.
fn of_service(line: &str, color: Color) -> Option<(String, usize)> {
    let ServiceLogLine { source, time, message } = ServiceLogLine::parse(line)?;
    if message.is_empty() {
        return None;
    }
    let head = format!("[{}] {} ", paint_source(color, source), to_the_second(time));
    Some((head, line.len() - message.len()))
}

fn to_the_second(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Colors the name of a log's source. The same source always has the same color.
pub(super) fn paint_source(color: Color, source: &str) -> String {
    const COLORS: [u8; 6] = [33, 35, 37, 136, 133, 166];
    let source = sanitize(source);
    match color {
        Color::Off => source.into_owned(),
        Color::On => {
            let sum = source.bytes().fold(0_usize, |sum, byte| sum * 31 % 9973 + usize::from(byte));
            format!("\u{1b}[38;5;{}m{source}\u{1b}[0m", COLORS[sum % COLORS.len()])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> String {
        match shown(text.as_bytes(), Color::Off) {
            Some((head, length)) => format!("{head}{}", &text[length..]),
            None => text.to_owned(),
        }
    }

    #[test]
    fn times_are_shown_to_the_second_and_ids_once() {
        for (text, expected) in [
            (
                "2026-11-26T16:04:58.390931623Z system/web/web-1 web-1: ready",
                "2026-11-26T16:04:58Z system/web/web-1 ready",
            ),
            (
                "2026-11-26T16:04:58Z service/web/web-1 web-10: x",
                "2026-11-26T16:04:58Z service/web/web-1 web-10: x",
            ),
            (
                "[pod/web-1/web] 2026-11-26T16:04:58.498589930Z listening",
                "[pod/web-1/web] 2026-11-26T16:04:58Z listening",
            ),
            (
                "2026-11-26T16:04:58.5Z service/\u{1b}x/y ü",
                "2026-11-26T16:04:58Z service/\\x1bx/y ü",
            ),
        ] {
            assert_eq!(line(text), expected);
        }
    }

    #[test]
    fn other_lines_stay_as_they_are() {
        for text in ["", "plain", "[x] y", "[x] y z", "2026-11-26T16:04:58Z x", "2026-11-26 a b"] {
            assert_eq!(shown(text.as_bytes(), Color::Off), None, "{text}");
        }
        assert_eq!(shown(b"\xff\xfe", Color::On), None);
    }

    #[test]
    fn each_source_has_a_color() {
        let head = |source: &str| {
            shown(format!("2026-11-26T16:04:58Z {source} x").as_bytes(), Color::On).unwrap().0
        };
        let color = |source: &str| head(source).split('m').next().map(str::to_owned);
        assert!(head("service/web/web-1").contains("\u{1b}[38;5;"));
        assert_eq!(color("service/web/web-1"), color("service/web/web-1"));
        let colors: std::collections::BTreeSet<_> =
            (0..20).map(|number| color(&format!("service/web/web-{number}"))).collect();
        assert!(colors.len() > 3);
    }
}
