use serde::Serialize;

use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::flows::rack_update;
use crate::outcome::Outcome;
use convox_client::rack::SystemUpdate;

/// Update a rack to another version
///
/// Returns once the change is accepted; `rack wait` waits until it is done. A minor version can't be
/// skipped.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox rack update 3.24.8\n  \
                        convox rack update 3.25.1 -r staging")]
pub(crate) struct Args {
    /// Version
    version: String,
    /// Skip the checks of the version
    #[arg(long)]
    force: bool,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let Args { version, force } = args;
    let current = cx.rack().await?.system().await?;
    check(&current.version, &version, force)?;
    let router = current.parameters.get("router_type");
    if is_older(&version, &current.version) && router.is_some_and(|kind| kind == "contour") {
        return Err(CommandError::new(format!(
            "cannot downgrade to {version} while router_type=contour is set."
        ))
        .hint(Hint::command("set it first with", "rack params set").arg("router_type=nginx")));
    }
    let change = SystemUpdate {
        version: Some(version.clone()),
        force: Some(force),
        ..SystemUpdate::default()
    };
    cx.step(format!("Updating to {version}"), rack_update::update(cx, change)).await?;
    Ok(Outcome::json(Updated { version, from: current.version }))
}

/// Major, minor and patch version of a 3.x release.
type Version = (u64, u64, u64);

fn parse(version: &str) -> Option<Version> {
    let mut parts = version.split('.').map(|part| part.parse().ok());
    let version = (parts.next()??, parts.next()??, parts.next()??);
    (version.0 == 3 && parts.next().is_none()).then_some(version)
}

fn is_older(version: &str, than: &str) -> bool {
    parse(version).zip(parse(than)).is_some_and(|(version, than)| version < than)
}

/// Checks a change from one 3.x version to another; candidates for a release are not checked.
fn check(current: &str, target: &str, force: bool) -> Result<(), CommandError> {
    let Some(((major, from, _), (_, to, _))) = parse(current).zip(parse(target)) else {
        return Ok(());
    };
    if to < from {
        return Err(CommandError::new(
            "Downgrade from minor version is not supported for v3 rack. Contact the support.",
        ));
    }
    if to > from + 1 && !force {
        return Err(CommandError::new(format!(
            "you can't skip a minor update, please update to the latest {major}.{}.XX and so on \
             before updating to {target}",
            from + 1
        )));
    }
    Ok(())
}

#[derive(Serialize)]
struct Updated {
    version: String,
    from: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minor_versions_are_neither_skipped_nor_gone_back_to() {
        let problem = |target| check("3.24.7", target, false).err().map(|e| e.message().to_owned());
        for fine in ["3.24.8", "3.24.1", "3.25.9", "3.26.0rc1", "20260401000000", "dev"] {
            assert_eq!(problem(fine), None, "{fine}");
        }
        assert!(problem("3.22.0").unwrap().starts_with("Downgrade from minor version"));
        let skipped = "you can't skip a minor update, please update to the latest 3.25.XX and so on \
                       before updating to 3.27.1";
        assert_eq!(problem("3.27.1").unwrap(), skipped);
        assert!(check("3.24.7", "3.27.1", true).is_ok());
        assert!(is_older("3.24.6", "3.24.10") && !is_older("3.24.10", "3.24.9"));
    }
}
