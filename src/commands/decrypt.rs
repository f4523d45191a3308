use serde::Serialize;

use super::key_flags::KeyFlags;
use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::{Render, RenderContext, View};
use crate::settings::ExposeSecret;

/// Decrypt text that was encrypted with a key
///
/// Works on this machine, in the format of 2.x clients. Without --data, the text is the first line
/// of stdin.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox decrypt --key-env KEY < encrypted.txt\n  \
                        convox decrypt --key-env KEY --data eyJOb25jZSI6...")]
pub(crate) struct Args {
    #[command(flatten)]
    key: KeyFlags,
    /// What `encrypt` has printed
    #[arg(long, value_name = "DATA")]
    data: Option<String>,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let key = args.key.read(cx)?;
    let data = match args.data {
        Some(data) => data,
        None => cx.read_secret_line().await?.unwrap_or_default().expose_secret().to_owned(),
    };
    Ok(Outcome::render(Decrypted { data: key.decrypt(&data)? }))
}

#[derive(Serialize)]
struct Decrypted {
    data: String,
}

impl Render for Decrypted {
    fn render(&self, _rc: &RenderContext) -> View {
        View::Data(self.data.clone())
    }
}
