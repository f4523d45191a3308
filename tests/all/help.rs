//! Help, completions and manual pages, which come from the same tree.

use snapbox::str;

use crate::support::Story;

/// The words of every command of the tree.
fn commands(story: &Story) -> Vec<String> {
    let mut found = Vec::new();
    below(story, "", &mut found);
    found
}

fn below(story: &Story, words: &str, found: &mut Vec<String>) {
    let help = story.run(&format!("convox {words} --help"));
    let listed = help.ok().out.split_once("Commands:\n").map_or("", |(_, rest)| rest);
    let names = listed.lines().take_while(|line| line.starts_with("  "));
    let names = names.filter(|line| !line.starts_with("   "));
    for name in names.filter_map(|line| line.split_whitespace().next()) {
        if name != "help" {
            let words = format!("{words} {name}").trim().to_owned();
            found.push(words.clone());
            below(story, &words, found);
        }
    }
}

#[test]
fn every_command_has_help_with_an_example_that_begins_with_it() {
    let story = Story::alone("web");
    let commands = commands(&story);
    assert!(commands.len() > 30, "{commands:?}");
    for words in &commands {
        let help = story.run(&format!("convox {words} --help"));
        let help = help.ok();
        if commands.iter().any(|other| other.starts_with(&format!("{words} ")))
            && !help.out.contains("Examples:")
        {
            continue; // a word that is no command by itself
        }
        assert!(help.out.contains(&format!("Examples:\n  convox {words}")), "{help}");
        assert_eq!(story.run(&format!("convox help {words}")).ok().out, help.out);
    }
}

#[test]
fn completions_have_every_first_word() {
    let story = Story::alone("web");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = story.run(&format!("convox completions {shell}"));
        for word in ["deploy", "releases", "completions", "racks"] {
            script.ok().stdout_contains(word);
        }
    }
    let json = story.run("convox completions bash --json").json();
    assert_eq!(json["shell"], "bash");
    assert!(json["script"].is_string());
    story.run("convox completions tcsh").code(2).stderr_contains("tcsh");
    if story.shell("bash --version").code == 0 {
        story.shell("convox completions bash > c.bash && bash -n c.bash").ok();
    }
}

#[test]
fn manual_pages_are_written_for_every_command() {
    let story = Story::alone("web");
    story.run("convox man").ok().stdout_contains(".TH convox 1");
    story.run("convox man releases promote").ok().stdout_contains("promote");
    let json = story.run("convox man deploy --json").json();
    assert!(json["page"].is_string());
    story.run("convox man nonsense").fails_with(
        2,
        str![[r#"
ERROR: no such command: nonsense
HINT: list the commands and topics with: convox help
"#]],
    );
    story.run("convox man --dir pages").prints("");
    for words in commands(&story) {
        let page = format!("web/pages/convox-{}.1", words.replace(' ', "-"));
        assert!(story.path(&page).exists(), "{page}");
    }
}

#[test]
fn completions_know_the_values_of_flags_and_the_topics() {
    let story = Story::alone("web");
    let fish = story.run("convox completions fish").ok().out.clone();
    let style = fish.lines().find(|line| line.contains("-l style")).expect("the flag");
    assert!(style.contains("classic") && fish.contains("v3"), "{style}");
    let bash = story.run("convox completions bash").ok().out.clone();
    assert!(bash.contains("\"classic v3\""), "no values of --style");
    assert!(bash.contains("exit-codes"), "no topics");
}

#[test]
fn topics_are_explained_and_have_manual_pages() {
    let story = Story::alone("web");
    for (topic, part) in [
        ("racks", "A command uses the rack that the first of these names"),
        ("environment", "CONVOX_RETRY"),
        ("exit-codes", "124"),
        ("manifest", "services:"),
        ("scripts", "--json"),
    ] {
        story.run(&format!("convox help {topic}")).ok().stdout_contains(part);
        story.run(&format!("convox man {topic}")).ok().stdout_contains(".TH convox-");
    }
    story.run("convox man environment").ok().stdout_contains(".TH convox-environment 7");
    story.run("convox man --dir pages").ok();
    assert!(story.path("web/pages/convox-exit-codes.7").exists());
    story.run("convox help nonsense").fails_with(
        2,
        str![[r#"
ERROR: no such command: nonsense
HINT: see: convox --help
HINT: the topics are: racks, environment, exit-codes, manifest, scripts
"#]],
    );
}

#[test]
fn a_manual_page_has_the_sections_of_the_command() {
    let story = Story::alone("web");
    let page = story.run("convox man deploy").ok().out.clone();
    for section in [
        "NAME",
        "SYNOPSIS",
        "OPTIONS",
        "EXAMPLES",
        "ENVIRONMENT",
        "FILES",
        "EXIT STATUS",
        "SEE ALSO",
    ] {
        let plain = format!("\n.SH {section}\n");
        assert!(
            page.contains(&plain) || page.contains(&format!("\n.SH \"{section}\"\n")),
            "{section}"
        );
    }
}

#[test]
fn words_that_people_type_lead_to_commands_on_the_same_rack() {
    let story = Story::alone("web");
    for (line, hint) in [
        ("convox destroy -r north", "convox apps delete -r north"),
        (
            "convox -r north -a shop rollback RAAAAAAAAAA",
            "convox releases rollback -a shop -r north",
        ),
        ("convox ssh --app=shop", "convox exec -a shop"),
        ("convox configuration", "convox env"),
        ("convox config unset A", "convox env unset"),
        ("convox undeploy", "convox apps delete"),
        ("convox relases", "convox releases"),
        ("convox apps rm shop", "convox apps delete"),
    ] {
        let ran = story.run(line);
        ran.code(2).stderr_contains(&format!("HINT: did you mean: {hint}\n"));
        assert!(ran.err.starts_with("ERROR: no such command: ") && ran.out.is_empty(), "{ran}");
    }
    story.run("convox logout").fails_with(
        2,
        str![[r#"
ERROR: no such command: logout
HINT: to log out, remove the host from `auth` in the settings directory, ~/.config/convox
"#]],
    );
}

#[test]
fn help_and_the_version_need_no_valid_settings() {
    let mut story = Story::alone("web");
    story.set("CONVOX_WAIT", "maybe");
    for line in [
        "convox",
        "convox help",
        "convox help --help",
        "convox deploy --help",
        "convox -V",
        "convox --version",
        "convox -r dev help deploy",
        "convox -a web --help",
    ] {
        story.run(line).ok();
    }
    let help = story.run("convox help").ok().out.clone();
    for part in ["-V, --version", "-h, --help", "\n  help  "] {
        assert!(help.contains(part), "{part} in {help}");
    }
}

#[test]
fn usage_errors_end_with_2_and_go_to_stderr() {
    let story = Story::alone("web");
    for line in ["convox nonsense", "convox releases promote --nonsense", "convox rack x"] {
        let ran = story.run(line);
        assert!(ran.code == 2 && ran.out.is_empty() && !ran.err.is_empty(), "{ran}");
    }
    story.run("convox depoy").code(2).stderr_contains("deploy");
    story.run("convox").ok().stdout_contains("Usage: convox <COMMAND>");
}

#[test]
fn a_variable_that_cannot_be_used_is_a_usage_error_that_names_it() {
    let mut story = Story::alone("web");
    story.set("CONVOX_WAIT", "maybe");
    story.run("convox apps").fails_with(
        2,
        str![[r#"ERROR: CONVOX_WAIT: not a boolean: expected 1, true, 0 or false"#]],
    );
}
