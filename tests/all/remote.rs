//! `exec`, `run`, `ps` and `proxy`.

use snapbox::str;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use rustix::process::{Signal, kill_process};

use crate::support::{Story, until};

/// The ids of the app's processes.
fn processes(story: &Story) -> Vec<String> {
    let listed = story.rack().json("/apps/web/processes");
    let ids = listed.as_array().unwrap().iter();
    ids.map(|process| process["id"].as_str().unwrap().to_owned()).collect()
}

/// Waits until only the process of the service is left.
fn no_one_off_is_left(story: &Story) {
    until("the end of one-off processes", || (processes(story).len() == 1).then_some(()));
}

#[test]
fn exec_passes_input_output_and_the_exit_code() {
    let story = Story::deployed("web");
    let ran = story.run_with("convox exec web -- sh -c 'cat; echo done; exit 7'", "one\ntwo\n");
    ran.code(7).out("one\ntwo\ndone").err("");
    // A single word is a shell command; several arrive as they were given.
    story.run("convox exec web 'echo a    b'").prints("a b");
    story.run("convox exec web echo 'a    b' -a").prints("a    b -a");
    let process = &processes(&story)[0];
    story.run(&format!("convox exec {process} 'ls web.py' -a web")).prints("web.py");
}

#[test]
fn exec_that_is_refused_reports_the_reason() {
    let story = Story::deployed("web");
    story.run("convox exec nobody ls").fails(str![[r#"
ERROR: process not found: nobody
HINT: list processes with: convox ps -a web
"#]]);
    story.run("convox exec web ls -a shop").fails(str![[r#"
ERROR: app not found: shop
HINT: list apps with: convox apps
"#]]);
    let ran = story.run("convox exec web no-such-program");
    ran.code(1)
        .out("")
        .stderr_contains("ERROR: exec: \"no-such-program\": executable file not found\n");
    story.run("convox exec web").code(2).out("");
}

#[test]
fn exec_on_a_terminal_gives_every_key_to_the_command_and_the_terminal_back() {
    let story = Story::deployed("web");
    let mut terminal = story.on_terminal("convox exec web sh");
    until("raw mode", || (!terminal.echoes()).then_some(()));
    terminal.types("stty size\r");
    terminal.shows("24 80");
    terminal.resize(132);
    terminal.types("sleep 0.1; stty size\r");
    terminal.shows("24 132");
    // In two parts, so that the echo of the line is not taken for the prompt.
    terminal.types("PS1='next''> '\r");
    terminal.shows("next> ");
    terminal.types("sh -c 'echo started; exec sleep 600'\r");
    terminal.shows("\nstarted");
    let before = terminal.seen().len();
    terminal.types("\x03");
    until("the next prompt", || terminal.seen()[before..].contains("next> ").then_some(()));
    terminal.types("echo it gave $?\r");
    terminal.shows("it gave 130");
    terminal.types("exit 7\r");
    until("the restored terminal", || terminal.echoes().then_some(()));
    let (code, shown) = terminal.end();
    assert_eq!(code, 7, "{shown}");
}

#[test]
fn exec_leaves_a_terminal_alone_that_gets_a_refusal() {
    let story = Story::deployed("web");
    let terminal = story.on_terminal("convox exec nobody sh");
    terminal.shows("ERROR: process not found: nobody");
    assert!(terminal.echoes());
    assert_eq!(terminal.end().0, 1);
}

#[test]
fn exec_gives_the_terminal_back_when_the_rack_goes_away() {
    let mut story = Story::deployed("web");
    let mut terminal = story.on_terminal("convox exec web sh");
    until("raw mode", || (!terminal.echoes()).then_some(()));
    terminal.types("echo here\r");
    terminal.shows("here\r\n");
    story.stop_rack();
    until("the restored terminal", || terminal.echoes().then_some(()));
    let (code, shown) = terminal.end();
    assert_eq!(code, 1, "{shown}");
    assert!(shown.contains("ERROR: the session broke off: closed with code 1012"), "{shown}");
    assert!(shown.contains("HINT: the command may still be running in the process"), "{shown}");
}

#[test]
fn exec_gives_the_terminal_back_on_term() {
    let story = Story::deployed("web");
    let terminal = story.on_terminal("convox exec web sh");
    until("raw mode", || (!terminal.echoes()).then_some(()));
    kill_process(terminal.pid(), Signal::TERM).unwrap();
    until("the restored terminal", || terminal.echoes().then_some(()));
    assert_eq!(terminal.end().0, 143);
}

#[test]
fn run_starts_a_process_that_ends_with_it() {
    let story = Story::deployed("web");
    let line = "convox run web -- sh -c 'cat; ls web.py; exit 9'";
    story.run_with(line, "in\n").code(9).out("in\nweb.py").err("");
    no_one_off_is_left(&story);
    let ran = story.run("convox run nope ls");
    ran.code(1).out("").stderr_contains("ERROR: service not found: nope\n");
}

#[test]
fn run_that_is_ended_by_a_signal_leaves_no_process() {
    let story = Story::deployed("web");
    let signals = [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)];
    for (signal, code) in signals {
        let running = story.start("convox run web -- sh -c 'echo here; sleep 600'");
        running.shows("here");
        assert_eq!(processes(&story).len(), 2);
        running.signal(signal);
        running.end().code(code);
        no_one_off_is_left(&story);
    }
}

#[test]
fn run_detached_prints_the_process_which_keeps_running_until_it_is_stopped() {
    let story = Story::deployed("web");
    let ran = story.run("convox run web -d 'sleep 600' --release RNOPE");
    ran.code(1).stderr_contains("RNOPE");
    let ran = story.run("convox run -d web sleep 600");
    ran.prints("Running detached process... OK, web-aaaaaa");
    story.run("convox ps info web-aaaaaa").ok().stdout_contains("Command   sleep 600\n");
    story.run("convox ps stop web-aaaaaa").prints("Stopping web-aaaaaa... OK");
    no_one_off_is_left(&story);
    story.run("convox run web -d --id -- sleep 600").code(0).out("web-bbbbbb");
}

#[test]
fn ps_lists_and_shows_processes() {
    let story = Story::deployed("web");
    let id = processes(&story).remove(0);
    let ran = story.run_now("convox ps");
    ran.ok()
        .stdout_contains("ID          SERVICE  STATUS   RELEASE      STARTED")
        .stdout_contains("python3 web.py\n");
    story.run("convox ps -s nope").prints("ID  SERVICE  STATUS  RELEASE  STARTED  COMMAND");
    let listed = story.run("convox ps --json").json();
    assert_eq!(listed[0]["service"], "web");
    assert_eq!(listed[0]["status"], "running");
    let shown = story.run(&format!("convox ps info {id} --json")).json();
    assert_eq!((&shown["app"], &shown["command"]), (&"web".into(), &"python3 web.py".into()));
    story.run("convox ps info nobody").fails(str![[r#"
ERROR: process not found: nobody
HINT: list processes with: convox ps -a web
"#]]);
    let ran = story.run("convox ps stop nobody");
    ran.code(1)
        .stdout_contains("Stopping nobody... ")
        .stderr_contains("ERROR: process not found: nobody\n");
}

#[test]
fn cp_copies_files_and_directories_both_ways() {
    let story = Story::deployed("web");
    let process = processes(&story).remove(0);
    let local = |name: &str| story.path("web").join(name);
    let read = |name: &str| std::fs::read_to_string(local(name)).unwrap();
    std::fs::create_dir_all(local("d/sub")).unwrap();
    std::fs::write(local("d/a.txt"), "a\n").unwrap();
    std::fs::write(local("d/sub/b.sh"), "b\n").unwrap();
    std::os::unix::fs::symlink("a.txt", local("d/link")).unwrap();

    story.run(&format!("convox cp d {process}:/srv/d")).prints("");
    story.run("convox exec web -- cat srv/d/a.txt srv/d/sub/b.sh srv/d/link").prints("a\nb\na");
    story.run(&format!("convox cp d/a.txt {process}:/exact.txt")).prints("");
    story.run("convox exec web cat exact.txt").prints("a");

    story.run(&format!("convox cp {process}:/srv/d got")).prints("");
    assert_eq!((read("got/a.txt"), read("got/sub/b.sh"), read("got/link")).0, "a\n");
    story.run(&format!("convox cp {process}:/exact.txt got")).prints("");
    story.run(&format!("convox cp {process}:/exact.txt other.txt")).prints("");
    assert_eq!((read("got/exact.txt"), read("other.txt")), ("a\n".into(), "a\n".into()));
    story.run(&format!("convox cp {process}:/exact.txt {process}:/copy.txt")).prints("");
    story.run("convox exec web cat copy.txt").prints("a");
    let left: Vec<_> = std::fs::read_dir(local("."))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with(".convox-"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn cp_that_fails_leaves_nothing_under_the_final_name() {
    let story = Story::deployed("web");
    let process = processes(&story).remove(0);
    for (line, words) in [
        (format!("convox cp {process}:/nope here"), "ERROR: no such file: /nope\n"),
        ("convox cp nobody:/web.py here".to_owned(), "ERROR: process not found: nobody\n"),
        (format!("convox cp {process}:web.py here"), "ERROR: must specify absolute paths"),
        (format!("convox cp nope {process}:/here"), "nope: No such file or directory"),
        ("convox cp a b".to_owned(), "ERROR: neither side is in a process\n"),
        (format!("convox cp {process}:/web.py none/here"), "can't write"),
    ] {
        let ran = story.run(&line);
        ran.code(1).out("").stderr_contains(words);
    }
    assert!(!story.path("web").join("here").exists());
}

#[test]
fn proxy_leads_to_a_service_by_its_name_until_it_is_ended() {
    let story = Story::deployed("web");
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let running = story.start(&format!("convox proxy {port}:web.web:3000"));
    running.shows("proxying localhost:");
    for _ in 0..3 {
        let mut connection = TcpStream::connect(("127.0.0.1", port)).unwrap();
        connection.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
        let mut response = String::new();
        connection.read_to_string(&mut response).unwrap();
        assert!(response.ends_with("Hello World!\n"), "{response}");
    }
    let taken = story.run(&format!("convox proxy {port}:web.web:3000"));
    taken.code(1).out("").stderr_contains("can't listen on 127.0.0.1:");
    running.interrupt();
    let ended = running.end();
    assert_eq!(ended.out.matches("connect: ").count(), 3, "{ended}");
}

#[test]
fn proxy_to_what_the_rack_does_not_know_reports_each_connection() {
    let story = Story::deployed("web");
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let running = story.start(&format!("convox proxy {port}:nowhere:80"));
    running.shows("proxying localhost:");
    let mut connection = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let mut nothing = Vec::new();
    // Reset or closed, without data.
    drop(connection.read_to_end(&mut nothing));
    assert!(nothing.is_empty());
    running.shows("WARNING: nowhere:80: invalid proxy host");
    story.run("convox proxy onlyhost").code(1).err(str![[r#"
ERROR: invalid argument: onlyhost
HINT: an address is HOST:PORT, or PORT:HOST:PORT
"#]]);
}
