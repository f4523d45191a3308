use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::outcome::Outcome;
use crate::output::{Render, RenderContext, View};

/// Print a kubeconfig for the cluster of a rack
///
/// It holds the password of the rack.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox rack kubeconfig > ~/.kube/rack\n  \
                        convox rack kubeconfig -r staging")]
pub(crate) struct Args {}

pub(crate) async fn run(_args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let rack = cx.rack().await?;
    let access = rack.cluster_access().ok_or_else(|| {
        CommandError::new("this rack is reached by a socket, which has no cluster behind it")
    })?;
    Ok(Outcome::render(Kubeconfig {
        server: access.server,
        username: access.user,
        password: access.password,
    }))
}

#[derive(Serialize)]
struct Kubeconfig {
    server: String,
    username: String,
    password: String,
}

impl Render for Kubeconfig {
    fn render(&self, _rc: &RenderContext) -> View {
        let (server, username, password) =
            (&self.server, quoted(&self.username), quoted(&self.password));
        View::Data(format!(
            "apiVersion: v1\nclusters:\n- cluster:\n    server: {server}\n  name: rack\ncontexts:\n\
             - context:\n    cluster: rack\n    user: convox\n  name: convox@rack\n\
             current-context: convox@rack\nkind: Config\nusers:\n- name: convox\n  user:\n    \
             username: {username}\n    password: {password}"
        ))
    }
}

/// A double-quoted scalar: JSON strings are YAML (YAML 1.2, chapter 1.3).
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
