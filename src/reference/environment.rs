//! The page of environment variables.

use super::markdown::{prose, table};
use crate::settings::env_vars::{ALL, LIBRARIES};

pub(super) fn body() -> String {
    let variables = ALL.iter().map(|one| [format!("`{}`", one.name), prose(one.what)]);
    let libraries = LIBRARIES.iter().map(|(names, what)| [(*names).to_owned(), (*what).to_owned()]);
    format!(
        "An empty variable is treated as unset. Durations are written like `500ms`, `10s` or \
         `1h30m`.\n\n{}\n## Variables read by libraries\n\n{}",
        table(["variable", "description"], variables),
        table(["library variable", "description"], libraries),
    )
}
