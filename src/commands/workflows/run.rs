use serde::Serialize;

use crate::commands::rack::runtimes::managed;
use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::event::Event;
use crate::outcome::Outcome;
use convox_client::rack::WorkflowRun;
use convox_wire::AppName;

/// Run a workflow of a rack at the console
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox workflows run 1a2b3c -a web --branch main\n  \
                        convox workflows run 1a2b3c -a web --commit 9f8e7d")]
pub(crate) struct Args {
    /// Workflow id
    workflow: String,
    /// Branch to run it on
    #[arg(long, value_name = "BRANCH")]
    branch: Option<String>,
    /// Commit to run it on
    #[arg(long, value_name = "COMMIT")]
    commit: Option<String>,
    /// Title of the run
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let Args { workflow, branch, commit, title } = args;
    let given = |name: Option<String>| name.filter(|name| !name.is_empty());
    let (branch, commit) = (given(branch), given(commit));
    // A workflow deploys: the directory's name is not enough to say what.
    let app = cx.args.app.as_ref().map(AppName::to_string);
    let app = app.ok_or_else(|| CommandError::new("app is required").hint("name it with --app"))?;
    if branch.is_none() && commit.is_none() {
        return Err(CommandError::new("branch or commit is required")
            .hint("name what to run it on with --branch or --commit"));
    }
    let (console, name) = managed(cx).await?;
    let run = WorkflowRun { app, branch, commit, title };
    let job = console.run_workflow(&name, &workflow, &run).await.map_err(|error| {
        CommandError::about_named(error, Hint::command("list workflows with", "workflows"))
    })?;
    cx.emit(Event::Line(format!("Successfully trigger the workflow, job id: {job}")))?;
    Ok(Outcome::json(Started { workflow, job }))
}

#[derive(Serialize)]
struct Started {
    workflow: String,
    job: String,
}
