use super::groups;
use super::json::{self, DOCUMENTS};
use crate::context::Context;
use crate::error::CommandError;
use crate::flows::managed_rack::ManagedRack;
use crate::flows::rack_parameter_names::{SENSITIVE, has};
use crate::outcome::Outcome;
use crate::output::parameters::Parameters;

const MASK: &str = "**********";

/// Show the parameters of a rack
///
/// On a terminal, passwords and keys are hidden unless --reveal is given.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox rack params\n  convox rack params --group network")]
pub(crate) struct Args {
    /// Show only those of a group, or of the beginning of its name
    #[arg(short, long, value_name = "GROUP")]
    group: Option<String>,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let group = args.group.as_deref().map(groups::find).transpose()?;
    let mut parameters = ManagedRack::find(cx).await?.parameters().await?;
    if let Some(group) = group {
        parameters.retain(|name, _| group.has(name));
        if parameters.is_empty() {
            cx.notice(format!("no params in group '{}' for this rack", group.name));
        }
    }
    for (_, value) in parameters.iter_mut().filter(|(name, _)| DOCUMENTS.contains(&name.as_str())) {
        if let Some(document) = json::shown(value) {
            *value = document;
        }
    }
    if !cx.reveals() {
        for (name, value) in &mut parameters {
            if has(SENSITIVE, name) && !value.is_empty() {
                *value = MASK.to_owned();
            }
        }
    }
    Ok(Outcome::render(Parameters(parameters)))
}
