//! `resources …`: those of the development rack are real servers.

use std::io::Write;
use std::net::{TcpListener, TcpStream};

use snapbox::str;

use crate::support::{MockServer, Response, Story, is_installed, ordinary, until};

/// An app whose service shows the variables of its resource, and stays.
fn story(kind: &str, name: &str) -> Story {
    let story = Story::new("web");
    story.write(
        "convox.yml",
        &format!(
            "resources:\n  {name}:\n    type: {kind}\nservices:\n  web:\n    command: python3 web.py\n    \
             port: 3000\n    resources: [{name}]\n"
        ),
    );
    story
}

fn url(story: &Story, name: &str) -> String {
    let ran = story.shell(&format!("convox resources url {name}"));
    ran.ok();
    story.real(ran.out.trim())
}

fn variable(story: &Story, name: &str) -> String {
    let ran = story.shell(&format!("convox exec web 'printenv {name}'"));
    ran.ok();
    story.real(ran.out.trim())
}

/// A port that is free for now.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The database of a URL, asked by a client of its own.
fn sql(story: &Story, client: &str, text: &str) -> String {
    let ran = story.shell(&format!("{client} <<'END'\n{text}\nEND"));
    ran.ok();
    ran.out.trim().to_owned()
}

#[test]
fn redis_runs_with_its_app_and_keeps_its_data() {
    if !is_installed(&["redis-server", "redis-cli"]) {
        return;
    }
    let mut story = story("redis", "cache");
    story.deploy();
    let before = url(&story, "cache");
    assert!(before.starts_with("redis://default:") && before.contains("@127.0.0.1:"), "{before}");
    assert_eq!(variable(&story, "CACHE_URL"), before);
    assert_eq!(variable(&story, "CACHE_HOST"), "127.0.0.1");
    let redis = |story: &Story, words: &str| {
        sql(story, &format!("redis-cli --no-auth-warning -u {before} {words}"), "")
    };
    assert_eq!(redis(&story, "set greeting hello"), "OK");

    story.restart_rack(&[]);
    until("the app runs again", || {
        story.run("convox apps info").out.contains("running").then_some(())
    });
    assert_eq!(url(&story, "cache"), before);
    assert_eq!(redis(&story, "get greeting"), "hello");

    story
        .run("convox resources export cache --file dump")
        .prints(str!["Exporting resource data... OK"]);
    assert_eq!(redis(&story, "set greeting changed"), "OK");
    story
        .run("convox resources import cache --file dump")
        .prints(str!["Importing resource data... OK"]);
    assert_eq!(redis(&story, "get greeting"), "hello");
    story.write("broken", "REDIS0011 and nothing that can be read");
    story.run("convox resources import cache --file broken").is_error().code(1);
    story
        .run_with("convox resources import cache", "no dump")
        .fails(str!["ERROR: the dump is not one of redis: it does not begin like one"]);
    assert_eq!(redis(&story, "get greeting"), "hello");

    let mut console = story.on_terminal("convox resources console cache");
    console.shows("127.0.0.1:").shows("> ");
    // redis-cli may drop what is typed while it sets the terminal up.
    until("a command at the prompt", || {
        console.types("set greeting typed\r");
        (redis(&story, "get greeting") == "typed").then_some(())
    });
    console.types("quit\r");
    assert_eq!(console.end().0, 0);

    let address = before.rsplit_once('@').unwrap().1.trim_end_matches("/0").to_owned();
    story.run("convox apps delete web").ok();
    until("the server is gone", || TcpStream::connect(&address).err());
}

#[test]
fn postgres_runs_with_its_app() {
    if !is_installed(&["postgres", "psql", "pg_dump"]) {
        return;
    }
    let mut story = story("postgres", "main-db");
    story.deploy();
    let before = url(&story, "main-db");
    assert_eq!(variable(&story, "MAIN_DB_URL"), before);
    let psql = format!("psql -X -A -t -q {before}");
    sql(&story, &psql, "create table notes (text text); insert into notes values ('one');");

    story.run("convox resources export main-db --file dump.sql").ok();
    sql(&story, &psql, "insert into notes values ('two')");
    story.run("convox resources import main-db --file dump.sql").ok();
    assert_eq!(sql(&story, &psql, "select text from notes"), "one");
    story
        .run_with("convox resources import main-db", "delete from notes; select nonsense;")
        .fails(str![[r#"ERROR: the dump can't be loaded: psql:<stdin>:1: ERROR:  column "nonsense" does not exist"#]]);
    assert_eq!(sql(&story, &psql, "select text from notes"), "one");

    let dump = std::fs::read_to_string(story.path("web").join("dump.sql")).unwrap();
    let (cut, _) = dump.split_at(dump.len() - 100);
    story
        .run_with("convox resources import main-db", cut)
        .fails(str!["ERROR: the dump is not complete: its end is missing"]);
    assert_eq!(sql(&story, &psql, "select text from notes"), "one");

    let mut console = story.on_terminal("convox resources console main-db");
    console.shows("app=#");
    console.types("select text || ' row' from notes;\r").shows("one row");
    console.types("\\q\r");
    assert_eq!(console.end().0, 0);

    story.restart_rack(&[]);
    until("the app runs again", || {
        story.run("convox apps info").out.contains("running").then_some(())
    });
    assert_eq!(sql(&story, &psql, "select text from notes"), "one");
    let port = before.rsplit_once(':').unwrap().1.trim_end_matches("/app").to_owned();
    let local = free_port();
    let proxy = story.start(&format!("convox resources proxy main-db --port {local}"));
    proxy.shows("proxying");
    let through = before.replace(&port, &local.to_string());
    assert_eq!(sql(&story, &format!("psql -X -A -t -q {through}"), "select 1 + 1"), "2");
    proxy.interrupt();
    proxy.end();

    story.run("convox apps delete web").ok();
    let data = format!("127.0.0.1:{port}");
    until("the server is gone", || TcpStream::connect(&data).err());
}

#[test]
fn mysql_and_mariadb_run_with_their_app() {
    if !is_installed(&["mariadbd", "mariadb", "mariadb-dump"]) {
        return;
    }
    let story = story("mysql", "db");
    story.edit("convox.yml", "services:", "  other:\n    type: mariadb\nservices:");
    story.deploy();
    for name in ["db", "other"] {
        let url = url(&story, name);
        let parsed = url::Url::parse(&url).unwrap();
        let mysql = format!(
            "MYSQL_PWD={} mariadb --no-defaults -h 127.0.0.1 -P {} -u app -N app",
            parsed.password().unwrap(),
            parsed.port().unwrap()
        );
        sql(&story, &mysql, "create table notes (text text); insert into notes values ('one');");
        story.run(&format!("convox resources export {name} --file dump.sql")).ok();
        sql(&story, &mysql, "insert into notes values ('two')");
        story.run(&format!("convox resources import {name} --file dump.sql")).ok();
        assert_eq!(sql(&story, &mysql, "select text from notes"), "one");
        let dump = std::fs::read_to_string(story.path("web").join("dump.sql")).unwrap();
        let (cut, _) = dump.split_at(dump.len() - 100);
        let line = format!("convox resources import {name}");
        story
            .run_with(&line, cut)
            .err(str!["ERROR: the dump is not complete: its end is missing"])
            .code(1);

        let mut console = story.on_terminal(&format!("convox resources console {name}"));
        console.shows("[app]> ");
        console.types("select concat(text, ' row') from notes;\r").shows("| one row ");
        console.types("exit\r");
        assert_eq!(console.end().0, 0);
    }
    story.run("convox apps delete web").ok();
}

#[test]
fn memcached_runs_with_its_app() {
    if !is_installed(&["memcached"]) {
        return;
    }
    let story = story("memcached", "sessions");
    story.deploy();
    let url = url(&story, "sessions");
    TcpStream::connect(&url).unwrap().write_all(b"version\r\n").unwrap();
    story.run("convox resources").prints(str![[r#"
NAME      TYPE       URL
sessions  memcached  127.0.0.1:10002
"#]]);
    story.run("convox resources info sessions").prints(str![[r#"
Name  sessions
Type  memcached
URL   127.0.0.1:10002
"#]]);
    story
        .run("convox resources export sessions --file dump")
        .fails(str!["ERROR: export not available for resources of type: memcached"]);
    story
        .run_with("convox resources import sessions", "dump")
        .fails(str!["ERROR: import not available for resources of type: memcached"]);
    story
        .run("convox resources console sessions")
        .fails(str!["ERROR: console not available for resources of type: memcached"]);
    assert!(!story.path("web").join("dump").exists());
}

#[test]
fn a_server_that_is_not_installed_is_named_with_its_package() {
    let story = Story::with("web", |options| {
        options.environment.path = "/nonexistent".into();
        options.environment.servers = Vec::new();
    });
    story.write(
        "convox.yml",
        "resources: {cache: {type: redis}}\nservices:\n  web:\n    command: /bin/sleep 600\n",
    );
    story.run("convox apps create").ok();
    story.run("convox build").ok();
    story.run("convox releases promote RAAAAAAAAAA").code(1).err(str!["ERROR: resource cache: redis-server is not installed on this machine; install the package redis-server, or set CACHE_URL to use a server of your own"]);
}

#[test]
fn a_release_can_bring_a_server_of_its_own() {
    let story = story("redis", "cache");
    story.run("convox apps create").ok();
    story.run("convox env set CACHE_URL=redis://elsewhere:6379").code(0);
    story.run("convox deploy --wait").ok();
    story.run("convox resources").prints(str![[r#"
NAME   TYPE   URL
cache  redis  redis://elsewhere:6379
"#]]);
    assert_eq!(variable(&story, "CACHE_URL"), "redis://elsewhere:6379");
    story
        .run("convox resources export cache --file dump")
        .fails(str!["ERROR: resource cache is not running on this rack"]);
    story.run("convox resources info nothing").fails(str![[r#"
ERROR: resource not found: nothing
HINT: list resources with: convox resources -a web
"#]]);
}

#[test]
fn passwords_are_shown_in_pipes_and_hidden_on_terminals() {
    let fake = MockServer::new(|ask| match ask.line.as_str() {
        "GET /apps/web/resources" => Response::json(
            r#"[{"name":"db","type":"postgres","status":"running","url":"postgres://app:s3cret@db:5432/app"}]"#,
        ),
        "GET /apps/web/resources/db" => Response::json(
            r#"{"name":"db","type":"postgres","status":"running","url":"postgres://app:s3cret@db:5432/app"}"#,
        ),
        _ => ordinary(ask),
    });
    let story = Story::against(&fake);
    story.run("convox resources").prints(str![[r#"
NAME  TYPE      URL
db    postgres  postgres://app:s3cret@db:5432/app
"#]]);
    story.run("convox resources info db").prints(str![[r#"
Name  db
Type  postgres
URL   postgres://app:s3cret@db:5432/app
"#]]);
    story.run("convox resources url db").prints(str!["postgres://app:s3cret@db:5432/app"]);
    story.run("convox resources --json").prints(str![[
        r#"[{"name":"db","type":"postgres","url":"postgres://app:s3cret@db:5432/app"}]"#
    ]]);
    story.run("convox resources info db --json").prints(str![[
        r#"{"name":"db","type":"postgres","url":"postgres://app:s3cret@db:5432/app"}"#
    ]]);
    story
        .run("convox resources url db --json")
        .prints(str![[r#"{"name":"db","url":"postgres://app:s3cret@db:5432/app"}"#]]);
    for line in ["convox resources", "convox resources info db"] {
        let (code, hidden) = story.on_terminal(line).end();
        assert!(
            code == 0 && hidden.contains("app:****@db") && !hidden.contains("s3cret"),
            "{hidden}"
        );
        let (_, revealed) = story.on_terminal(&format!("{line} --reveal")).end();
        assert!(revealed.contains("s3cret"), "{revealed}");
    }
}
