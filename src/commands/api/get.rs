use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::json::pretty;
use crate::output::{Render, RenderContext, View};

/// Send a GET to the rack's API, and print the response
///
/// JSON is printed over several lines, with sorted keys. Anything else is printed as it is.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox api get /apps\n  \
                        convox api get \"/apps/convox-guide/builds?limit=1\"")]
pub(crate) struct Args {
    /// Path, with its query, such as /apps
    path: String,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let response = cx.rack().await?.get_raw(&args.path).await?;
    Ok(Outcome::render(match serde_json::from_slice::<Value>(&response.body) {
        Ok(json) => {
            let failed = |error| CommandError::while_doing("the response can't be shown", error);
            Body::Json { shown: pretty(&json).map_err(failed)?, json }
        }
        Err(_) => Body::Text(String::from_utf8_lossy(&response.body).into_owned()),
    }))
}

enum Body {
    Json { json: Value, shown: String },
    Text(String),
}

/// `--json` prints the response as it is.
impl Serialize for Body {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Json { json, .. } => json.serialize(out),
            Self::Text(text) => text.serialize(out),
        }
    }
}

impl Render for Body {
    fn render(&self, _rc: &RenderContext) -> View {
        match self {
            Self::Json { shown, .. } => View::Text(shown.clone()),
            Self::Text(text) => View::Data(text.trim_end_matches('\n').to_owned()),
        }
    }
}
