//! The `scale` of a service: how many processes it has until `convox scale` changes that.

use super::yaml::{Entry, Node, Value};
use super::{ManifestError, values};

/// This machine has other work, too.
pub(crate) const MAX_COUNT: usize = 100;

/// What a service says about its scale.
#[derive(Debug, Default)]
pub(super) struct Scale<'a> {
    /// The number of processes; `None` if it is not given.
    pub(super) count: Option<usize>,
    /// Keys other than the count, such as `cpu`.
    pub(super) others: Vec<&'a Entry>,
}

/// Reads `scale: 2`, `scale: 1-3` or a map with `count`. Of a range the lower end counts: nothing
/// here scales by itself.
pub(super) fn read<'a>(node: &'a Node, path: &str) -> Result<Scale<'a>, ManifestError> {
    let Value::Map(entries) = &node.value else {
        return Ok(Scale { count: count(node, path)?, others: Vec::new() });
    };
    let mut scale = Scale::default();
    for entry in entries {
        match entry.key.as_str() {
            "count" => scale.count = count(&entry.node, &format!("{path}.count"))?,
            _ => scale.others.push(entry),
        }
    }
    Ok(scale)
}

fn count(node: &Node, path: &str) -> Result<Option<usize>, ManifestError> {
    if node.value == Value::Null {
        return Ok(None);
    }
    let text = values::word(node, path)?;
    let Some(count) = lower_end(&text) else {
        let reason = format!("{path}: {text:?} is not a number of processes, such as 2 or 1-3");
        return Err(ManifestError::at(node.line, reason));
    };
    if count > MAX_COUNT {
        let reason =
            format!("{path}: the development rack runs at most {MAX_COUNT} processes of a service");
        return Err(ManifestError::at(node.line, reason));
    }
    Ok(Some(count))
}

/// Returns the number, or the lower end of a range.
fn lower_end(text: &str) -> Option<usize> {
    let number = |text: &str| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse::<usize>().ok()).flatten()
    };
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    let (low, high) = (number(low)?, number(high)?);
    (low <= high).then_some(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_a_number_or_a_range_of_which_the_lower_end_counts() {
        assert_eq!(lower_end("0"), Some(0));
        assert_eq!(lower_end("2"), Some(2));
        assert_eq!(lower_end("1-3"), Some(1));
        for text in ["", "-1", "1-", "3-1", "two", "+2", "1.5", "1-2-3"] {
            assert_eq!(lower_end(text), None, "{text}");
        }
    }
}
