//! Completion of what a rack has, in real shells.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::{
    MockServer, Output, PASSWORD, Response, Story, Terminal, is_installed, ordinary, until,
};

/// A story in whose shells the program is found.
fn in_shells(mut story: Story) -> Story {
    story.program("convox", &format!("exec '{}' \"$@\"", env!("CARGO_BIN_EXE_convox")));
    story
}

/// Completes the word before `|` in bash.
fn bash(story: &Story, line: &str) -> Output {
    let (before, after) = line.split_once('|').unwrap();
    let before: Vec<&str> = before.split(' ').collect();
    let words = before.iter().copied().chain(after.split_whitespace());
    let words = words.map(|word| shell_words::quote(word).into_owned());
    let words = words.collect::<Vec<_>>().join(" ");
    let script = format!(
        "source <(convox completions bash)\n\
         COMP_WORDS=({words}) COMP_CWORD={}\n\
         _convox convox \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD - 1]}}\"\n\
         echo \"exit code $?\"\n\
         ((${{#COMPREPLY[@]}})) && printf '%s\\n' \"${{COMPREPLY[@]}}\"\n\
         true\n",
        before.len() - 1
    );
    story.write("complete.bash", &script);
    story.shell("bash complete.bash")
}

/// What bash completes. Nothing is ever printed on stderr.
fn words(story: &Story, line: &str) -> Vec<String> {
    let ran = bash(story, line);
    assert!(ran.code == 0 && ran.err.is_empty(), "{ran}");
    let words = ran.out.strip_prefix("exit code 0\n").unwrap_or_else(|| panic!("{ran}"));
    words.lines().map(str::to_owned).collect()
}

/// The same once there is anything: on a busy machine, even this rack is slow at first.
fn some_words(story: &Story, line: &str) -> Vec<String> {
    until(line, || Some(words(story, line)).filter(|words| !words.is_empty()))
}

#[test]
fn bash_completes_what_the_rack_has() {
    if !is_installed(&["bash"]) {
        return;
    }
    let story = in_shells(Story::deployed("web"));
    story.run("convox apps create shop").ok();
    story.run("convox env set A=1").code(0);
    assert_eq!(some_words(&story, "convox apps delete |"), ["shop", "web"]);
    assert_eq!(some_words(&story, "convox deploy -a s|"), ["shop"]);
    assert_eq!(some_words(&story, "convox logs --app = s|"), ["shop"]);
    let releases = some_words(&story, "convox releases promote |");
    assert_eq!(releases.len(), 2);
    let listed = story.run("convox releases").ok().out.clone();
    let ids: Vec<&str> = listed.lines().skip(1).map(|line| &line[..11]).collect();
    assert_eq!(releases, ids, "the newest first");
    assert_eq!(some_words(&story, "convox builds logs |").len(), 1);
    assert_eq!(some_words(&story, "convox run |"), ["web"]);
    let process = some_words(&story, "convox exec |");
    assert!(story.run("convox ps").ok().out.contains(&process[0]), "{process:?}");
    assert_eq!(some_words(&story, "convox apps params |"), ["shop", "web", "set"]);
    // Commands and flags are completed as well.
    assert_eq!(words(&story, "convox relea|"), ["releases"]);
    assert_eq!(words(&story, "convox releases promote --insec|"), ["--insecure"]);
}

#[test]
fn the_app_and_the_rack_are_those_of_the_line_the_directory_and_the_settings() {
    if !is_installed(&["bash"]) {
        return;
    }
    let fake = MockServer::new(|ask| match ask.line.as_str() {
        "GET /apps/web/services" => Response::json(r#"[{"name":"of-web"}]"#),
        "GET /apps/shop/services" => Response::json(r#"[{"name":"of-shop"}]"#),
        _ => ordinary(ask),
    });
    let mut story = in_shells(Story::against(&fake));
    assert_eq!(some_words(&story, "convox run |"), ["of-web"]);
    for line in [
        "convox -a shop run |",
        "convox run -a shop |",
        "convox run --app=shop |",
        "convox run | -a shop",
    ] {
        assert_eq!(some_words(&story, line), ["of-shop"], "{line}");
    }
    story.write(".convox/app", "shop");
    assert_eq!(some_words(&story, "convox run |"), ["of-shop"]);
    let url = story.settings("racks");
    fs::create_dir_all(&url).unwrap();
    fs::write(url.join("north"), fake.url()).unwrap();
    assert_eq!(words(&story, "convox switch |"), ["north", "dev"]);
    assert_eq!(words(&story, "convox -r no|"), ["north"]);
    story.unset("RACK_URL");
    assert!(words(&story, "convox run |").is_empty(), "no rack is chosen");
    assert_eq!(some_words(&story, "convox run | -r north"), ["of-shop"]);
    story.run("convox switch north").ok();
    assert_eq!(some_words(&story, "convox run |"), ["of-shop"]);
}

#[test]
fn a_tab_completes_a_name_in_the_line_that_is_being_typed() {
    if !is_installed(&["bash"]) {
        return;
    }
    let fake = MockServer::new(|ask| match ask.line.as_str() {
        "GET /apps" => Response::json(
            r#"[{"name":"harbor"},{"name":"my app"},{"name":"one:two"},{"name":"$(touch x)"}]"#,
        ),
        _ => ordinary(ask),
    });
    let mut story = in_shells(Story::against(&fake));
    story.set("TERM", "dumb");
    // So that the answers are in the cache, whatever else this machine does.
    assert_eq!(
        some_words(&story, "convox apps delete |"),
        ["harbor", "my\\ app", "one:two", "\\$\\(touch\\ x\\)"]
    );
    let mut command = story.bare("bash");
    command.args(["--norc", "--noprofile", "-i"]);
    let mut terminal = Terminal::start(command);
    terminal.types("PS1='ready> '; source <(convox completions bash)\n").shows("\nready> ");
    terminal.types("convox apps delete har\t").shows("convox apps delete harbor ");
    terminal.types("\u{15}convox apps info my\t").shows("convox apps info my\\ app ");
    terminal.types("\u{15}convox apps wait 'my\t").shows("convox apps wait 'my app' ");
    terminal.types("\u{15}convox apps lock one:\t").shows("convox apps lock one:two ");
    terminal.types("\u{15}convox relea\t").shows("convox releases ");
    terminal.types("\u{15}exit\n");
    let (_, seen) = terminal.end();
    assert!(!seen.contains("ERROR") && !seen.contains("NOTICE"), "{seen}");
}

/// A rack that falls silent.
fn that_falls_silent() -> (Arc<AtomicBool>, MockServer) {
    let is_silent = Arc::new(AtomicBool::new(false));
    let silent = Arc::clone(&is_silent);
    let fake = MockServer::new(move |ask| match silent.load(Ordering::SeqCst) {
        true => Response::silence(),
        false => ordinary(ask),
    });
    (is_silent, fake)
}

#[test]
fn a_rack_that_is_slow_or_away_is_silent_and_the_cache_answers() {
    if !is_installed(&["bash"]) {
        return;
    }
    let (is_silent, fake) = that_falls_silent();
    let mut story = in_shells(Story::against(&fake));
    assert_eq!(some_words(&story, "convox releases promote |"), ["RACTIVE"]);
    is_silent.store(true, Ordering::SeqCst);
    assert_eq!(words(&story, "convox releases promote |"), ["RACTIVE"]);
    assert_eq!(words(&story, "convox releases promote RX|"), [""; 0]);
    assert_eq!(words(&story, "convox apps delete |"), [""; 0]);
    let cache = story.settings("completions.json");
    assert_eq!(cache.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let cached = fs::read_to_string(&cache).unwrap();
    assert!(cached.contains("RACTIVE") && !cached.contains(PASSWORD), "{cached}");
    story.set("RACK_URL", format!("http://convox:{PASSWORD}@127.0.0.1:1"));
    assert_eq!(words(&story, "convox releases promote |"), [""; 0]);
}

#[test]
fn the_cache_of_a_slow_rack_is_filled_in_the_background() {
    if !is_installed(&["bash"]) {
        return;
    }
    let gate: PathBuf = tempfile::tempdir().unwrap().keep().join("gate");
    let opened = gate.clone();
    let fake = MockServer::new(move |ask| {
        until("the gate", || opened.exists().then_some(()));
        ordinary(ask)
    });
    let story = in_shells(Story::against(&fake));
    assert_eq!(words(&story, "convox apps delete |"), [""; 0]);
    until("the background's request", || (fake.count("GET /apps") > 1).then_some(()));
    fs::create_dir(&gate).unwrap();
    let cache = story.settings("completions.json");
    until("the cache", || fs::read_to_string(&cache).ok().filter(|text| text.contains("\"web\"")));
    fs::remove_dir_all(gate.parent().unwrap()).unwrap();
}

#[test]
fn nothing_is_started_asked_or_printed_for_a_completion() {
    if !is_installed(&["bash"]) {
        return;
    }
    let mut story = in_shells(Story::alone("web"));
    assert_eq!(words(&story, "convox apps delete |"), [""; 0]);
    assert_eq!(words(&story, "convox -r dev apps delete |"), [""; 0]);
    assert!(!story.path("home/.local").exists(), "the development rack was started");
    assert!(!story.settings("").exists(), "settings were written");
    story.set("CONVOX_WAIT", "maybe");
    let answer = story.run("convox complete bash 3 -- convox apps delete ''");
    assert!(answer.code == 0 && answer.out.is_empty() && answer.err.is_empty(), "{answer}");
}

#[test]
fn zsh_takes_names_with_their_descriptions() {
    if !is_installed(&["zsh"]) {
        return;
    }
    let story = in_shells(Story::against(&described()));
    // The parts of zsh's completion system that the function calls.
    story.write(
        "complete.zsh",
        "compdef() { }\ncompset() { print compset $*; }\n\
         compadd() { print -l -- $names $shown; }\n\
         source <(convox completions zsh)\n_convox_static() { print static; }\n\
         words=(\"$@\") CURRENT=$# PREFIX=${@[-1]}; _convox\n",
    );
    let zsh = |line: &str| story.shell(&format!("zsh -f complete.zsh {line}")).ok().out.clone();
    let answer = until("names", || Some(zsh("convox logs --app=w")).filter(|out| out.len() > 20));
    assert_eq!(answer, "compset -P 1 *=\nweb\nweb  -- running\n");
    let names = "RTWO\nRONE\nRTWO  -- env add:A\nRONE\n";
    until("names", || (zsh("convox releases promote ''") == names).then_some(()));
    assert_eq!(zsh("convox relea"), "static\n");
}

#[test]
fn fish_takes_names_with_their_descriptions() {
    if !is_installed(&["fish"]) {
        return;
    }
    let story = in_shells(Story::against(&described()));
    story.write("complete.fish", "convox completions fish | source\ncomplete -C $argv[1]\n");
    let fish = |line: &str| {
        story.shell(&format!("fish --no-config complete.fish '{line}'")).ok().out.clone()
    };
    let names = "RTWO\tenv add:A\nRONE\n";
    until("names", || (fish("convox releases promote ") == names).then_some(()));
    until("apps", || (fish("convox logs --app=w") == "--app=web\trunning\n").then_some(()));
    assert!(fish("convox relea").starts_with("releases\t"));
}

/// A rack with releases of which one has a description.
fn described() -> MockServer {
    MockServer::new(|ask| match ask.line.split('?').next().unwrap_or_default() {
        "GET /apps/web/releases" => {
            Response::json(r#"[{"id":"RTWO","description":"env add:A"},{"id":"RONE"}]"#)
        }
        _ => ordinary(ask),
    })
}
