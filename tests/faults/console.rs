//! A deploy through a console: what can happen to each of its requests there.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::at_once;
use convox_devrack::console::{Fault, Required};

use crate::support::TestRack;
use crate::support::app;
use crate::support::cli::Cli;
use crate::support::console::{BROWSER, RACK, TOKEN, TestConsole};

/// The number of deploys that run at once.
const AT_ONCE: usize = 8;

/// Where the second factor of a deploy is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Terminal {
    None,
    WithBrowser,
}

/// Deploys a new app, and lets `fault` happen to request number `nth`. Returns the exit code, what was
/// shown, and the number of requests.
async fn deploy(
    rack: &TestRack,
    home: &Path,
    source: &Path,
    (name, nth, fault): (String, usize, Fault),
    terminal: Terminal,
) -> (i32, String, usize, TestConsole) {
    rack.api.post("/apps", &[("name", &name)]).await;
    rack.api.running(&name).await;
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    let console = TestConsole::with(rack, move |_| {
        if counted.fetch_add(1, Ordering::Relaxed) + 1 == nth { fault } else { Fault::Pass }
    });
    console.console.require(Required::Session);
    let own_home = home.join(&name);
    std::fs::create_dir(&own_home).unwrap();
    let source = source.display().to_string();
    let args = ["deploy", &source, "--wait", "--description", "matrix", "-a", &name, "-r", RACK];
    let mut cli = Cli::new(&args, &own_home);
    for (name, value) in console.variables() {
        cli = cli.env(name, &value);
    }
    let (code, shown) = match terminal {
        Terminal::None => {
            let ran = cli.run().await;
            (ran.code, format!("{}{}", ran.out, ran.err))
        }
        Terminal::WithBrowser => {
            let cli = cli.env("BROWSER", &home.join("browser").display().to_string());
            tokio::task::spawn_blocking(move || cli.on_terminal().end()).await.unwrap()
        }
    };
    (code, shown, count.load(Ordering::Relaxed), console)
}

fn write_browser(home: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let path = home.join("browser");
    std::fs::write(&path, format!("#!/bin/sh\n{BROWSER}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// There is one build and one release, which runs; or nothing was promoted.
async fn check(rack: &TestRack, name: &str, code: i32, shown: &str) -> Result<(), String> {
    let list = async |what: &str| {
        let path = format!("/apps/{name}/{what}?limit=50");
        rack.api.get(&path).await.as_array().unwrap().clone()
    };
    let (builds, releases) = (list("builds").await, list("releases").await);
    let running = rack.api.running(name).await["release"].clone();
    let wanted = releases.first().map(|release| release["id"].clone());
    if code == 0 && (builds.len(), releases.len(), Some(running)) != (1, 1, wanted) {
        return Err(format!("{} builds, {} releases", builds.len(), releases.len()));
    }
    if builds.len() > 1 || releases.len() > 1 {
        return Err("more than one build".to_owned());
    }
    if shown.contains(TOKEN) || shown.contains("signature") || shown.contains("panicked") {
        return Err("a secret or a panic".to_owned());
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deploy_through_a_console_survives_what_happens_to_its_sessions() {
    let (home, source) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    app::write_source(source.path());
    write_browser(home.path());
    let rack = Arc::new(TestRack::temporary());
    let first = ("first".to_owned(), 0, Fault::Pass);
    let (code, shown, requests, _) =
        deploy(&rack, home.path(), source.path(), first, Terminal::None).await;
    assert!(code == 0 && requests > 10, "{requests} requests: {shown}");
    let mut cells = Vec::new();
    for nth in 1..=requests {
        let factor = Fault::Expire(Required::SecondFactor);
        for (column, fault, terminal) in [
            ("ends", Fault::Expire(Required::Session), Terminal::None),
            ("away", Fault::BadGateway, Terminal::None),
            ("factor", factor, Terminal::WithBrowser),
            ("nobody", factor, Terminal::None),
        ] {
            let rack = rack.clone();
            let (home, source) = (home.path().to_owned(), source.path().to_owned());
            cells.push(async move {
                let name = format!("{column}-{nth}");
                let cell = (name.clone(), nth, fault);
                let (code, shown, sent, console) =
                    deploy(&rack, &home, &source, cell, terminal).await;
                // Polls differ in number: the fault may not have happened.
                let happened = sent >= nth;
                // The second request is the first one again, with the session that was just given. No
                // other is sought after that.
                let is_final = nth == 2 && column != "away";
                let fails = happened && (column == "nobody" || is_final);
                let wanted = i32::from(fails);
                let mut result = check(&rack, &name, code, &shown).await;
                if code != wanted {
                    result = Err(format!("exit {wanted} is expected, not {code}"));
                } else if fails && !shown.contains("convox login 127.0.0.1:") {
                    result = Err("no hint".to_owned());
                } else if column == "factor" && happened && !fails && console.console.signed() != 1
                {
                    result = Err(format!("signed {} times", console.console.signed()));
                }
                result.map_err(|wrong| format!("{name}: {wrong}\n{shown}"))
            });
        }
    }
    let results = at_once(AT_ONCE, cells).await;
    let wrong: Vec<String> = results.iter().filter_map(|result| result.clone().err()).collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), results.len(), wrong.join("\n"));
}
