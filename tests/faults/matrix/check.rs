//! What has to be true when a command has ended: at the rack, on stdout and on stderr.

use std::collections::HashSet;

use base64::Engine;
use serde_json::Value;

use super::cell::Ended;
use super::expect::{Expected, Log};
use super::flow::Flow;
use crate::support::Output;
use crate::support::fault::Fault;
use crate::support::forward::MESSAGE;

type Checked = Result<(), String>;

fn must(is: bool, what: impl Into<String>) -> Checked {
    if is { Ok(()) } else { Err(what.into()) }
}

pub(crate) async fn check(
    flow: Flow,
    fault: Fault,
    expected: Expected,
    ended: &Ended<'_>,
) -> Checked {
    let Expected { code, .. } = expected;
    must(ended.ran.code == code, format!("exit {code} is expected"))?;
    check_secrets(ended)?;
    check_words(fault, code, ended)?;
    let killed = matches!(fault, Fault::Killed | Fault::KilledAfter);
    match flow {
        Flow::Deploy | Flow::Build => check_build(flow, expected, ended, killed).await,
        Flow::Promote | Flow::Rollback | Flow::EnvSet => {
            check_promote(flow, expected, ended, killed).await
        }
        Flow::Logs | Flow::Follow => check_app_log(flow, expected, ended),
        Flow::BuildLogs if code == 0 => must(ended.ran.out == ended.scene.log, "another log"),
        Flow::BuildLogs => must(ended.scene.log.starts_with(&ended.ran.out), "another log"),
    }
}

fn check_secrets(ended: &Ended<'_>) -> Checked {
    let password = &ended.api.password;
    let encode = |text: &str| base64::prelude::BASE64_STANDARD.encode(text);
    let secrets = [password.clone(), encode(password), encode(&format!("convox:{password}"))];
    let Output { out, err, .. } = ended.ran;
    let is_shown = secrets.iter().any(|secret| out.contains(secret) || err.contains(secret));
    must(!is_shown, "the password is shown")
}

/// An error is one line, followed by hints that name what to do.
fn check_words(fault: Fault, code: i32, ended: &Ended<'_>) -> Checked {
    let lines: Vec<&str> = ended.ran.err.lines().collect();
    let errors: Vec<&&str> = lines.iter().filter(|line| line.starts_with("ERROR: ")).collect();
    must(!ended.ran.err.contains("panicked"), "a panic")?;
    if code == 0 {
        return must(errors.is_empty(), "an error in spite of success");
    }
    must(errors.len() == 1, "one line begins with ERROR")?;
    let start = lines.iter().position(|line| line.starts_with("ERROR: ")).unwrap();
    let (error, hints) = (lines[start], &lines[start + 1..]);
    must(hints.iter().all(|line| line.starts_with("HINT: ")), "only hints follow the error")?;
    let own = fault != Fault::Status(500) || error.contains(MESSAGE);
    must(own, "the rack's message is missing")?;
    must(hints.iter().any(|hint| hint.contains("convox ")), "no hint names a command")
}

async fn list(ended: &Ended<'_>, what: &str) -> Vec<Value> {
    let path = format!("/apps/{}/{what}?limit=50", ended.scene.app);
    ended.api.get(&path).await.as_array().unwrap().clone()
}

fn id(value: &Value) -> &str {
    value["id"].as_str().unwrap()
}

/// There is at most one build and one release, and the app runs the expected release.
async fn check_build(flow: Flow, expected: Expected, ended: &Ended<'_>, killed: bool) -> Checked {
    let (builds, releases) = (list(ended, "builds").await, list(ended, "releases").await);
    let app = ended.api.running(&ended.scene.app).await;
    must(builds.len() <= 1, "more than one build")?;
    must(releases.len() <= 1, "more than one release")?;
    if !killed {
        let started = ended.proxy.carried_out("POST /apps/APP/builds");
        must(started == builds.len(), "builds were started several times")?;
    }
    let promotes = ended.proxy.carried_out("POST /apps/APP/releases/RELEASE/promote");
    if expected.code != 0 {
        must(promotes == 0, "promoted after a failure")?;
        return must(app["release"] == "", "another release runs");
    }
    must(builds.len() == 1 && builds[0]["status"] == "complete", "the build is missing")?;
    must(releases.len() == 1, "the release is missing")?;
    let (build, release) = (id(&builds[0]), id(&releases[0]));
    if flow == Flow::Deploy {
        must(killed || promotes == 1, format!("{promotes} promotes"))?;
        must(app["release"] == release, "the release does not run")?;
    } else {
        must(promotes == 0, "promoted")?;
    }
    let log = ended.api.build_log(&ended.scene.app, build).await;
    must(log.contains("step 24 of the build\n"), "the rack's log is not whole")?;
    check_build_output(flow, expected, ended, &log, (build, release))
}

fn check_build_output(
    flow: Flow,
    expected: Expected,
    ended: &Ended<'_>,
    log: &str,
    (build, release): (&str, &str),
) -> Checked {
    let Output { out, err, .. } = ended.ran;
    let seen = match expected.log {
        Log::Warned => {
            let how = format!("convox builds logs {build} -a {}", ended.scene.app);
            must(err.contains("WARNING: ") && err.contains(&how), "no warning of the lost log")?;
            ""
        }
        _ => log,
    };
    let app = &ended.scene.app;
    let bar = out.lines().find(|line| line.starts_with("Uploading: ")).unwrap_or_default();
    let whole = match flow {
        Flow::Deploy => {
            must(bar.contains("] 100.00 % "), "the bar is not full")?;
            format!(
                "Deploying {app}\nCreating tarball... OK\n{bar}\nStarting build... OK\n{seen}\
                 Promoting {release}... UPDATING\nWaiting for {release}... OK\n"
            )
        }
        _ => format!(
            "Packaging source... OK\nUploading source... OK\nStarting build... OK\n{seen}\
             Build:   {build}\nRelease: {release}\n"
        ),
    };
    must(*out == whole, format!("other output is expected:\n{whole}"))
}

async fn check_promote(flow: Flow, expected: Expected, ended: &Ended<'_>, killed: bool) -> Checked {
    let scene = ended.scene;
    let releases = list(ended, "releases").await;
    let app = ended.api.running(&scene.app).await;
    let before = match flow {
        Flow::EnvSet => 1,
        _ => 2,
    };
    let made = if flow == Flow::Promote { 0 } else { 1 };
    must(releases.len() <= before + made, "more than one new release")?;
    must(list(ended, "builds").await.len() == 1, "a new build")?;
    let promotes = ended.proxy.carried_out("POST /apps/APP/releases/RELEASE/promote");
    if expected.code != 0 {
        must(promotes == 0, "promoted after a failure")?;
        must(app["release"] == scene.active, "another release runs")?;
        let new = releases.len() > before;
        let err = &ended.ran.err;
        let named =
            err.contains(&format!("releases promote {} -a ", id(releases.first().unwrap())));
        // Without its id, which was garbled, only the list can be named.
        let listed = err.contains("invalid response to POST /") && err.contains("convox releases");
        return must(!new || named || listed, "the new release is not named");
    }
    must(releases.len() == before + made, "the new release is missing")?;
    must(killed || promotes == 1, format!("{promotes} promotes"))?;
    let newest = id(&releases[0]);
    must(app["release"] == newest, "the release does not run")?;
    let path = format!("/apps/{}/releases/{newest}", scene.app);
    let env = match flow {
        Flow::Promote => "GREETING=new",
        Flow::EnvSet => "GREETING=hello",
        _ => "",
    };
    let release = ended.api.get(&path).await;
    must(release["env"] == env, "another environment")?;
    check_promote_output(flow, ended, newest)
}

fn check_promote_output(flow: Flow, ended: &Ended<'_>, release: &str) -> Checked {
    let out = &ended.ran.out;
    let begins = match flow {
        Flow::Promote => {
            let whole = format!("Promoting {release}... UPDATING\nWaiting for {release}... OK\n");
            return must(*out == whole, "other output is expected");
        }
        Flow::EnvSet => format!("Setting GREETING... OK\nRelease: {release}\n"),
        _ => format!("Rolling back to {}... OK, {release}\n", ended.scene.other),
    };
    let Some(rest) = out.strip_prefix(&begins) else {
        return Err("an unexpected beginning".into());
    };
    // A rack that has just been started runs its apps first.
    let rest = rest.strip_prefix("Waiting for app to be ready... OK\n").unwrap_or(rest);
    let promoting = format!("Promoting {release}... ");
    let Some(rest) = rest.strip_prefix(&promoting) else { return Err("no promote".into()) };
    let Some(log) = rest.strip_suffix("OK\n") else { return Err("an unexpected end".into()) };
    once(log)
}

/// All lines are different, and in order.
fn once(log: &str) -> Checked {
    let lines: Vec<&str> = log.lines().filter(|line| line.starts_with("20")).collect();
    let different: HashSet<&&str> = lines.iter().collect();
    must(different.len() == lines.len(), "a line is repeated")?;
    must(lines.is_sorted(), "lines are out of order")
}

fn check_app_log(flow: Flow, expected: Expected, ended: &Ended<'_>) -> Checked {
    let out = &ended.ran.out;
    once(out)?;
    if expected.code != 0 {
        return must(out.is_empty(), "output in spite of an error");
    }
    if flow == Flow::Follow {
        for tick in 1..=25 {
            let line = format!(" tick {tick} of 25\n");
            must(out.contains(&line), format!("no line{line}"))?;
        }
        return Ok(());
    }
    must(out.starts_with(&ended.scene.log), "lines of the log are missing")
}
