//! The development rack as a command of the program.

use snapbox::str;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::support::{Output, Story, get, until};

pub(crate) fn data(story: &Story) -> PathBuf {
    let folder =
        if cfg!(target_os = "macos") { "Library/Application Support" } else { ".local/share" };
    story.path("home").join(folder).join("convox/rack")
}

pub(crate) fn status(story: &Story) -> serde_json::Value {
    let ran = story.run("convox rack status --json");
    serde_json::from_str(&ran.code(0).out).unwrap()
}

pub(crate) fn pid(story: &Story) -> Pid {
    let pid = status(story)["pid"].as_i64().expect("a process");
    Pid::from_raw(i32::try_from(pid).unwrap()).unwrap()
}

/// A story whose commands use the development rack.
pub(crate) fn on_dev() -> Story {
    let mut story = Story::alone("convox-guide");
    story.set("CONVOX_RACK", "dev");
    story
}

#[test]
fn it_is_started_by_the_first_command_and_ends_with_stop() {
    let story = Story::alone("convox-guide");
    story.run("convox rack status").prints(str![[r#"
Status  stopped
Data    /story/home/.local/share/convox/rack
"#]]);
    story.run("convox racks").prints(str![[r#"NAME  PROVIDER  STATUS"#]]);
    let ran = story.run("convox deploy --create --wait -r dev");
    ran.code(0).stdout_contains("Waiting for RAAAAAAAAAA... OK\n");
    ran.err(str![[r#"
NOTICE: starting the development rack
HINT: stop it with: convox rack stop
"#]]);
    story.run("convox apps -r dev").prints(str![[r#"
APP           STATUS
convox-guide  running
"#]]);
    story.run("convox racks").prints(str![[r#"
NAME  PROVIDER  STATUS
dev   dev       running
"#]]);
    assert_eq!(status(&story)["status"], "running");

    let address = story.run("convox services -r dev --json").json()[0]["domain"].clone();
    let port = story.real(address.as_str().unwrap()).rsplit_once(':').unwrap().1.parse().unwrap();
    assert_eq!(get(port, "/").unwrap(), "Hello World!\n");
    story.run("convox rack stop").prints(str![[r#"Stopping the development rack... OK"#]]);
    assert!(get(port, "/").is_err(), "the apps end too");
    assert_eq!(status(&story)["status"], "stopped");
    story.run("convox racks").prints(str![[r#"
NAME  PROVIDER  STATUS
dev   dev       stopped
"#]]);
    story
        .run("convox rack stop")
        .code(0)
        .out(str![[r#"Stopping the development rack... OK"#]])
        .err(str![[r#"NOTICE: it was not running"#]]);

    story.run("convox rack start --detach").ok();
    story.run("convox apps wait -r dev").ok();
    assert_eq!(get(port, "/").unwrap(), "Hello World!\n", "all is back");
}

#[test]
fn it_can_be_started_in_the_background_and_keeps_its_files_to_its_owner() {
    let story = on_dev();
    story.run("convox rack start --detach").prints(str![[r#"The development rack is running"#]]);
    story.run("convox rack start --detach").prints(str![[r#"The development rack is running"#]]);
    let ran = story.run("convox rack start");
    ran.code(1).err(str![[r#"
ERROR: a development rack is already running on /story/home/.local/share/convox/rack
HINT: show it with: convox rack status
HINT: stop it with: convox rack stop
"#]]);
    story.run("convox rack").ok().stdout_contains("Provider  dev\n");
    let mode =
        |name: &str| fs::metadata(data(&story).join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(""), mode("rack.json"), mode("rack.log")), (0o700, 0o600, 0o600));
    let shown = status(&story);
    assert!(shown["pid"].is_i64(), "{shown}");
    assert_eq!(
        (&shown["status"], &shown["url"], &shown["data"]),
        (
            &"running".into(),
            &serde_json::Value::Null,
            &"/story/home/.local/share/convox/rack".into()
        )
    );
}

#[test]
fn in_the_foreground_it_serves_until_ctrl_c() {
    let story = on_dev();
    let serving = story.start("convox rack start");
    serving.shows("The development rack is running; Ctrl-C stops it");
    story.run("convox deploy --create --wait").ok();
    serving.shows("Z convox-guide/system/rack/convox-guide release RAAAAAAAAAA is running\n");
    serving.shows(" listening on ");
    serving.interrupt();
    let ran = serving.end();
    ran.ok().stdout_contains("TIME convox-guide/service/web/web-aaaaaa listening on ");
    assert_eq!(status(&story)["status"], "stopped");
}

#[test]
fn commands_reach_it_by_its_socket_which_only_its_owner_can_open() {
    let story = on_dev();
    story.run("convox deploy --create --wait").code(0);
    story.run("convox logs --no-follow").code(0);
    let socket = fs::metadata(data(&story).join("rack.sock")).unwrap();
    assert_eq!(socket.permissions().mode() & 0o777, 0o600);
    let record = fs::read_to_string(data(&story).join("rack.json")).unwrap();
    assert!(record.contains("\"listen\": null"), "{record}");
}

/// The ports on which a process listens.
#[cfg(target_os = "linux")]
fn listening_ports(process: Pid) -> Vec<u16> {
    let files = fs::read_dir(format!("/proc/{}/fd", process.as_raw_nonzero())).unwrap();
    let targets = files.filter_map(|file| fs::read_link(file.unwrap().path()).ok());
    let sockets: Vec<String> = targets.map(|path| path.display().to_string()).collect();
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).unwrap());
    let entries = tables.iter().flat_map(|table| table.lines().skip(1));
    let fields = entries.map(|entry| entry.split_whitespace().collect::<Vec<_>>());
    let own = fields
        .filter(|fields| fields[3] == "0A" && sockets.contains(&format!("socket:[{}]", fields[9])));
    own.map(|fields| u16::from_str_radix(fields[1].rsplit_once(':').unwrap().1, 16).unwrap())
        .collect()
}

#[cfg(target_os = "linux")]
#[test]
fn it_listens_on_nothing_but_the_addresses_of_services() {
    let story = on_dev();
    story.run("convox rack start --detach").code(0);
    assert_eq!(listening_ports(pid(&story)), Vec::<u16>::new());
    story.run("convox deploy --create --wait").code(0);
    assert_eq!(listening_ports(pid(&story)), [story.port_of("web")]);
}

#[test]
fn the_path_of_its_socket_may_be_long() {
    let mut story = on_dev();
    story.set("CONVOX_DATA", story.path("data").join("d".repeat(120)).as_os_str());
    story.run("convox deploy --create --wait").code(0);
    story.run("convox apps").code(0).stdout_contains("convox-guide");
    story.run("convox rack stop").ok();
}

#[test]
fn other_clients_reach_it_by_an_address_if_that_is_requested() {
    let mut story = on_dev();
    let started = story.run("convox rack start --detach --listen 127.0.0.1:0").ok().out.clone();
    let url = started.trim().strip_prefix("The development rack listens on ").unwrap();
    let plain = status(&story);
    assert_eq!((&plain["url"], &plain["rack_url"]), (&url.into(), &serde_json::Value::Null));
    let revealed = story.run("convox rack status --reveal --json").json()["rack_url"].clone();
    let first = story.real(revealed.as_str().unwrap());
    story.set("CONVOX_RACK", "");
    story.set("RACK_URL", &first);
    story.run("convox apps create web").ok();
    story.run("convox rack stop").ok();

    story.run("convox rack start --detach --listen 127.0.0.1:0").ok();
    let revealed = story.run("convox rack status --reveal --json").json()["rack_url"].clone();
    let second = story.real(revealed.as_str().unwrap());
    let password = |url: &str| url.split(['/', '@']).nth(2).unwrap().to_owned();
    assert_ne!(password(&first), password(&second));
    story.set("RACK_URL", second.replace(&password(&second), &password(&first)));
    story.run("convox apps").code(1).stderr_contains("ERROR: ");
    story.set("RACK_URL", second);
    story.run("convox apps").code(0).stdout_contains("web  running");
    story.set("RACK_URL", "");
    let ran = story.run("convox rack start --detach --listen 127.0.0.1:1");
    ran.code(1).err(str![[r#"
ERROR: the development rack is running, and does not listen on 127.0.0.1:1
HINT: stop it first with: convox rack stop
"#]]);
    story.run("convox rack start --listen 10.0.0.1:80").code(2).stderr_contains("loopback");
    story.run("convox rack start --listen 80").code(2).stderr_contains("for example 127.0.0.1:");
}

#[test]
fn what_no_release_needs_is_pruned_whether_the_rack_runs_or_not() {
    let story = on_dev();
    story.write("assets.bin", &"never the same ".repeat(20_000));
    story.run("convox deploy --create --wait").code(0);
    let freed = |ran: &Output| ran.json()["freed"].as_u64().unwrap();
    let archive = freed(&story.run("convox rack prune --json"));
    assert!(archive > 0, "the uploaded archive is kept");
    assert_eq!(freed(&story.run("convox rack prune --json")), 0);
    story.run("convox services").code(0).stdout_contains("web");
    story.run("convox rack stop").ok();
    story.run("convox rack prune").prints(str!["Freed 0 B"]);
}

#[test]
fn a_relative_data_directory_is_that_of_the_working_directory() {
    let mut story = on_dev();
    story.set("CONVOX_DATA", "rack-data");
    story.run("convox rack start --detach").code(0);
    let shown = status(&story);
    assert_eq!(shown["status"], "running");
    assert_eq!(shown["data"], "/story/convox-guide/rack-data");
    let data = story.path("convox-guide/rack-data");
    assert!(data.join("rack.redb").exists());
    assert!(!data.join("rack-data").exists(), "a directory inside the directory");
    story.run("convox rack stop").ok();
}

#[test]
fn a_data_directory_with_foreign_files_is_refused() {
    let mut story = on_dev();
    fs::create_dir(story.path("precious")).unwrap();
    fs::write(story.path("precious/letter"), "").unwrap();
    story.set("CONVOX_DATA", story.path("precious").as_os_str());
    let ran = story.run("convox rack start --detach");
    ran.code(1).stderr_contains(
        "it contains files that are not a rack's\nHINT: set CONVOX_DATA to use another directory\n",
    );
    assert_eq!(fs::read_dir(story.path("precious")).unwrap().count(), 1);
}

#[test]
fn hup_quit_and_term_stop_it_with_its_apps() {
    let story = on_dev();
    story.run("convox deploy --create --wait").code(0);
    let port = story.port_of("web");
    story.run("convox rack stop").ok();
    let signals = [Signal::HUP, Signal::QUIT, Signal::TERM];
    for signal in signals {
        let serving = story.start("convox rack start");
        serving.shows("The development rack is running; Ctrl-C stops it");
        story.run("convox apps wait").code(0);
        assert_eq!(get(port, "/").unwrap(), "Hello World!\n");
        kill_process(pid(&story), signal).unwrap();
        serving.end().code(0);
        assert!(get(port, "/").is_err(), "{signal:?} left the app running");
        assert_eq!(status(&story)["status"], "stopped");
    }
}

#[test]
fn what_a_killed_rack_left_running_is_shown_and_stopped() {
    let story = on_dev();
    story.run("convox deploy --create --wait").code(0);
    let port = story.port_of("web");
    kill_process(pid(&story), Signal::KILL).unwrap();
    until("the end of the rack", || (status(&story)["status"] == "stopped").then_some(()));
    assert_eq!(status(&story)["orphans"], 1);
    let ran = story.run("convox rack status");
    assert!(ran.code(0).out.contains("Orphans  1\n"), "{}", ran.out);
    ran.stderr_contains(
        "NOTICE: the rack was killed, and left processes running: 1\nHINT: stop them with:",
    );
    story.run("convox rack stop").code(0).err(str![[
        r#"NOTICE: it had been killed; the processes that it left running (1) were stopped"#
    ]]);
    assert!(get(port, "/").is_err());
    assert_eq!(status(&story)["orphans"], 0);
}

#[test]
fn clients_that_start_it_at_the_same_time_share_one() {
    let story = on_dev();
    let running: Vec<_> = (0..3).map(|_| story.start("convox rack start --detach")).collect();
    for running in running {
        running.end().code(0);
    }
    story.run("convox apps").prints(str![[r#"APP  STATUS"#]]);
}

#[test]
fn after_a_kill_everything_is_there_and_services_respond_again() {
    let story = on_dev();
    story.run("convox deploy --create --wait").code(0);
    story.run("convox env set COLOR=teal").code(0);
    let releases = story.run("convox releases --json").json();
    let port = story.port_of("web");
    kill_process(pid(&story), Signal::KILL).unwrap();
    until("the end of the rack", || (status(&story)["status"] == "stopped").then_some(()));
    story.run("convox rack start --detach").code(0);
    story.run("convox apps wait").code(0);
    assert_eq!(story.run("convox releases --json").json(), releases);
    assert_eq!(story.run("convox env get COLOR").ok().out, "teal\n");
    assert_eq!(get(port, "/").unwrap(), "Hello World!\n");
}

#[test]
fn a_rack_that_dies_during_a_deploy_is_started_again_and_one_that_is_stopped_is_not() {
    let mut story = on_dev();
    story.set("CONVOX_RETRY", "5");
    story.write(
        "convox.yml",
        &format!(
            "services:\n  web:\n    command: python3 web.py\n    port: 3000\n    x-dev:\n      \
             build: touch {0}/building; while [ ! -e {0}/go ]; do sleep 0.05; done\n",
            story.path("tmp").display()
        ),
    );
    let building = story.path("tmp/building");
    let deploy = story.start("convox deploy --create --wait");
    until("the start of the build", || building.exists().then_some(()));
    kill_process(pid(&story), Signal::KILL).unwrap();
    let ran = deploy.end();
    ran.code(1).stderr_contains("NOTICE: the development rack has died; starting it again\n");
    ran.stderr_contains("ERROR: build failed: the rack was stopped");
    story.run("convox apps").ok();

    fs::remove_file(&building).unwrap();
    story.set("CONVOX_RETRY", "1");
    let deploy = story.start("convox deploy --wait");
    until("the start of the next build", || building.exists().then_some(()));
    story.run("convox rack stop").ok();
    deploy.end().code(1).stderr_contains(
        "No such file or directory (os error 2)\nHINT: start the development rack with: convox rack \
         start --detach\n",
    );
    assert_eq!(status(&story)["status"], "stopped");
}

#[test]
fn a_restart_in_process_keeps_apps_releases_and_addresses() {
    let mut story = Story::deployed("web");
    let port = story.port_of("web");
    story.restart_rack(&[port]);
    story.run("convox apps wait").ok();
    assert_eq!(story.port_of("web"), port);
    assert_eq!(story.get("web"), "Hello World!\n");
    story.run("convox releases").prints(str![[r#"
ID           CREATED        BUILD        STATUS
RAAAAAAAAAA  5 minutes ago  BAAAAAAAAAA  active
"#]]);
}

#[test]
fn installed_dependencies_are_kept_from_one_build_to_the_next() {
    let story = Story::new("web");
    story.write(
        "convox.yml",
        "services:\n  web:\n    command: python3 web.py\n    port: 3000\n    x-dev:\n      \
         build: cat deps/one || { mkdir deps && echo installed | tee deps/one; }\n      \
         cache: [deps]\n",
    );
    let first = story.run("convox build --create");
    first.ok().stdout_contains("\ninstalled\n");
    assert!(!first.out.contains("Restored"), "{first}");
    story.run("convox build").ok().stdout_contains("\nRestored deps from BAAAAAAAAAA\n");
    let clean = story.run("convox build --no-cache");
    assert!(!clean.ok().out.contains("Restored"), "{clean}");
}

#[test]
fn what_only_racks_in_a_cloud_have_is_refused_with_the_reason() {
    let story = Story::deployed("web");
    story
        .run("convox instances")
        .fails(str!["ERROR: the development rack has no instances: its apps run on this machine"]);
    story
        .run("convox instances keyroll")
        .fails(str!["ERROR: the development rack has no instances: its apps run on this machine"]);
    story
        .run("convox registries")
        .fails(str!["ERROR: the development rack has no registries: it pulls no images"]);
    story.run("convox certs").prints(str!["ID  DOMAIN  EXPIRES  Status"]);
    story
        .run("convox certs generate web.test")
        .fails(str!["ERROR: the development rack has no certificates: it serves plain HTTP"]);
    story
        .run("convox certs delete cert-1")
        .fails(str!["ERROR: the development rack has no certificates: it serves plain HTTP"]);
    story.run("convox rack resources").fails(str![
        "ERROR: the development rack has no resources of its own, only those of its apps"
    ]);
    story
        .run("convox rack releases")
        .fails(str!["ERROR: the development rack has no releases: it is part of the program"]);
    story.run("convox letsencrypt dns route53 list").fails(str!["ERROR: failed to get config: the development rack has no certificates: it serves plain HTTP"]);
}

#[test]
fn a_killed_rack_leaves_nothing_that_hides_where_the_system_delegates_a_cgroup() {
    let story = on_dev();
    let hidden = story.path("hidden");
    // It leaves its parent, its session, its environment and its directory.
    let script = format!(
        "(env -i setsid sh -c 'cd / && echo $$ > {0}.new && mv {0}.new {0} && exec sleep 1000' &)\n\
         exec python3 web.py\n",
        hidden.display()
    );
    story.write("start.sh", &script);
    story.edit("convox.yml", "python3 web.py", "sh start.sh");
    story.run("convox deploy --create --wait").code(0);
    let record = fs::read_to_string(data(&story).join("rack.json")).unwrap();
    if serde_json::from_str::<serde_json::Value>(&record).unwrap()["cgroups"][0].is_null() {
        story.run("convox rack stop").code(0);
        return eprintln!("skipped: the system delegates no cgroup");
    }
    let text = until("the process that hides", || fs::read_to_string(&hidden).ok());
    let hidden = Pid::from_raw(text.trim().parse().unwrap()).unwrap();
    kill_process(pid(&story), Signal::KILL).unwrap();
    until("the end of the rack", || (status(&story)["status"] == "stopped").then_some(()));
    test_kill_process(hidden).expect("it goes on without the rack");
    story.run("convox rack stop").code(0);
    until("its end", || test_kill_process(hidden).is_err().then_some(()));
}

#[test]
fn what_changes_nothing_never_starts_it() {
    let story = on_dev();
    for line in [
        "apps",
        "apps export -f app.tgz",
        "apps wait",
        "builds export BAAAAAAAAAA -f build.tgz",
        "deploy --dry-run",
        "proxy 5432:database:5432",
        "rack access --role read --duration-in-hours 1",
        "rack wait",
        "resources export database -f dump",
        "scale",
    ] {
        let ran = story.run(&format!("convox {line}"));
        ran.code(1).stderr_contains("ERROR: the development rack is not running\n");
    }
    assert_eq!(status(&story)["status"], "stopped");
}
