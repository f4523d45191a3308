use serde::Serialize;

use super::key_flags::KeyFlags;
use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::{Render, RenderContext, View};
use crate::settings::Secret;

/// Encrypt text with a key
///
/// Works on this machine, in the format of 2.x clients. Without --data, the text is the first line
/// of stdin.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox encrypt --key-env KEY < secret.txt\n  \
                        convox encrypt --key-env KEY --data teal")]
pub(crate) struct Args {
    #[command(flatten)]
    key: KeyFlags,
    /// Text. Other users of this machine can see it
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    data: Option<String>,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let key = args.key.read(cx)?;
    let text = match args.data {
        Some(data) => Secret::from(data),
        None if cx.can_ask() => cx.ask_secret("Text: ").await?,
        None => cx.read_secret_line().await?.unwrap_or_default(),
    };
    Ok(Outcome::render(Encrypted { data: key.encrypt(&text)? }))
}

#[derive(Serialize)]
struct Encrypted {
    data: String,
}

impl Render for Encrypted {
    fn render(&self, _rc: &RenderContext) -> View {
        View::Data(self.data.clone())
    }
}
