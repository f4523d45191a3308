use serde::Serialize;
use serde_json::Value;

use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::{Render, RenderContext, View};

/// Send a GET to the rack's API, and print the response
///
/// JSON is printed over several lines, with sorted keys. Anything else is printed as it is.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  convox api get /apps/convox-guide/builds?limit=1")]
pub(crate) struct Args {
    /// Path, with its query, such as /apps
    path: String,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let response = cx.rack().await?.get_raw(&args.path).await?;
    Ok(Outcome::render(match serde_json::from_slice(&response.body) {
        Ok(json) => Body(json),
        Err(_) => Body(Value::String(String::from_utf8_lossy(&response.body).into_owned())),
    }))
}

#[derive(Serialize)]
#[serde(transparent)]
struct Body(Value);

impl Render for Body {
    fn render(&self, _rc: &RenderContext) -> View {
        match &self.0 {
            Value::String(text) => View::Data(text.trim_end_matches('\n').to_owned()),
            json => View::Json(json.clone()),
        }
    }
}
