//! `env mask …`: which variables are hidden on terminals (v3 racks).

pub(crate) mod list;
pub(crate) mod set;
pub(crate) mod unset;

use std::collections::BTreeSet;

use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::event::Event;
use crate::outcome::Outcome;
use convox_client::rack::Rack;
use convox_wire::AppName;

/// The most keys that may be masked.
const MAX: usize = 500;

type Keys = BTreeSet<String>;

async fn read(rack: &Rack, app: &AppName) -> Result<Keys, CommandError> {
    let keys = rack.env_mask(app).await?;
    Ok(keys.into_iter().filter(|key| !key.is_empty()).collect())
}

/// Checks names of variables.
fn checked(keys: &[String]) -> Result<Keys, CommandError> {
    for key in keys {
        if key.contains('=') {
            return Err(CommandError::new(
                "use `convox env set KEY=VALUE` to set env values. `convox env mask set` takes key \
                 names only",
            ));
        }
        if key.is_empty() || key.contains(char::is_whitespace) {
            return Err(CommandError::new(format!(
                "invalid env key name: {key:?} (must not contain whitespace or '=')"
            )));
        }
        if key.contains(char::is_control) {
            return Err(CommandError::new(format!(
                "invalid env key name: {key:?} (must not contain control characters)"
            )));
        }
    }
    Ok(keys.iter().cloned().collect())
}

/// Adds names to the mask or removes them. `verb` begins the step, such as `Setting`.
async fn edit(
    cx: &Context,
    names: &[String],
    verb: &str,
    apply: impl FnOnce(&mut Keys, Keys),
) -> Result<Outcome, CommandError> {
    let given = checked(names)?;
    let app = cx.app()?;
    let rack = cx.rack().await?;
    let shown: Vec<&str> = given.iter().map(String::as_str).collect();
    let step = format!("{verb} masked env keys {}", shown.join(", "));
    let mut keys = read(&rack, &app).await?;
    apply(&mut keys, given);
    let supported = store(cx, &rack, &app, step, &keys).await?;
    Ok(Outcome::json(Mask { app, masked: keys, supported }))
}

/// Replaces the mask as one step, and checks that the rack has kept it. Racks without configs accept
/// it and forget it.
async fn store(
    cx: &Context,
    rack: &Rack,
    app: &AppName,
    step: String,
    keys: &Keys,
) -> Result<bool, CommandError> {
    if keys.len() > MAX {
        let count = keys.len();
        return Err(CommandError::new(format!("too many masked keys (max {MAX}, got {count})")));
    }
    cx.emit(Event::Step(step))?;
    let stored = rack.set_env_mask(app, keys.iter().map(String::as_str)).await;
    let is_kept = match stored {
        Ok(()) => read(rack, app).await? == *keys,
        Err(error) if error.is_missing_route() || error.status() == Some(501) => false,
        Err(error) => return Err(error.into()),
    };
    if is_kept {
        cx.emit(Event::Done(None))?;
    } else {
        cx.emit(Event::LogFollows)?;
        cx.emit(Event::Line("Warning: this rack version may not support env masking".to_owned()))?;
    }
    Ok(is_kept)
}

/// The mask after a change.
#[derive(Serialize)]
struct Mask {
    app: AppName,
    masked: Keys,
    /// Whether the rack has kept it.
    supported: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_variables_are_accepted() {
        let problem = |key: &str| checked(&[key.to_owned()]).err().map(|e| e.message().to_owned());
        assert_eq!(problem("DB_PASS"), None);
        assert!(problem("A=1").unwrap().starts_with("use `convox env set KEY=VALUE`"));
        assert!(problem("A B").unwrap().contains("must not contain whitespace"));
        assert!(problem("").unwrap().contains("must not contain whitespace"));
        assert!(problem("A\u{7f}").unwrap().contains("control characters"));
    }
}
