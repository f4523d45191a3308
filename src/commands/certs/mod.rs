pub(crate) mod delete;
pub(crate) mod generate;
pub(crate) mod import;
pub(crate) mod list;
pub(crate) mod renew;

/// Checks a domain, as far as white space and commas go, which racks would not take for a part of
/// it.
fn domain(text: &str) -> Result<String, String> {
    match text.is_empty() || text.contains(|c: char| c.is_whitespace() || c == ',') {
        true => Err("a domain has no blanks or commas".to_owned()),
        false => Ok(text.to_owned()),
    }
}
