use serde::Serialize;

use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::flows::managed_rack::ManagedRack;
use crate::flows::rack_version::{Version, are_of_v2, is_older};
use crate::flows::{published_v2_versions, published_versions, rack_update};
use crate::outcome::Outcome;
use convox_client::rack::SystemUpdate;
use convox_wire::System;

/// Update a rack to another version
///
/// Without a version, the newest published patch of the rack's minor version is taken; on v2 racks,
/// the next version that is required, or else the latest. A minor version can't be skipped.
///
/// Returns once the change is accepted; with --wait, once it is done. On a rack that Terraform
/// manages on this machine, Terraform applies the change, and its output is shown.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox rack update\n  convox rack update 3.24.8\n  \
                        convox rack update 3.25.1 -r staging")]
pub(crate) struct Args {
    /// Version
    version: Option<String>,
    /// Skip the checks of the version
    #[arg(long)]
    force: bool,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let Args { version, force } = args;
    let managed = ManagedRack::find(cx).await?;
    let (from, is_v2) = match &managed {
        // The rack itself need not answer where nothing is checked.
        ManagedRack::Terraform(rack) if force || version.is_none() => (rack.release()?, false),
        _ => {
            let System { version, parameters, .. } = cx.rack().await?.system().await?;
            let is_v2 = is_stamp(&version) || are_of_v2(&parameters);
            (version, is_v2)
        }
    };
    let version = match version {
        Some(version) => version,
        None if is_v2 && from == "dev" => from.clone(),
        None if is_v2 => published_v2_versions::next(cx, &from).await?,
        None => published_versions::newest_patch(cx, &from).await?,
    };
    check(&from, &version, force)?;
    check_router(cx, &managed, &from, &version).await?;
    let change = SystemUpdate {
        version: Some(version.clone()),
        force: Some(force),
        ..SystemUpdate::default()
    };
    rack_update::step(cx, &managed, format!("Updating to {version}"), change).await?;
    Ok(Outcome::json(Updated { version, from }))
}

/// The versions of v2 racks are times.
fn is_stamp(version: &str) -> bool {
    version.len() == 14 && version.bytes().all(|byte| byte.is_ascii_digit())
}

/// Refuses an older version for a rack with a router that it may not have.
async fn check_router(
    cx: &Context,
    managed: &ManagedRack,
    from: &str,
    version: &str,
) -> Result<(), CommandError> {
    if !is_older(version, from) {
        return Ok(());
    }
    let parameters = match managed.parameters().await {
        Ok(parameters) => parameters,
        Err(error) => {
            let why = error.message();
            cx.warn(format!("could not verify router_type before downgrade: {why}"));
            return Ok(());
        }
    };
    match parameters.get("router_type") {
        Some(router) if router == "contour" => Err(CommandError::new(format!(
            "cannot downgrade to {version} while router_type=contour is set."
        ))
        .hint(Hint::command("set it first with", "rack params set").arg("router_type=nginx"))),
        _ => Ok(()),
    }
}

/// Checks a change from one 3.x version to another; candidates for a release are not checked.
fn check(current: &str, target: &str, force: bool) -> Result<(), CommandError> {
    let versions = Version::parse(current).zip(Version::parse(target));
    let Some((Version(major, from, _), Version(_, to, _))) = versions else {
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
    }
}
