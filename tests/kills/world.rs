//! A development rack with an app that serves, the commands that use it, and what has to be true of
//! it at any time.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::Value;

use super::support::{Story, get, marked, until};

pub(crate) struct World {
    story: Story,
    port: u16,
    number: u64,
    history: Vec<String>,
}

/// What the rack lists of the app.
pub(crate) struct State {
    /// The id of the active release.
    pub(crate) active: String,
    /// What `releases --json` prints.
    pub(crate) releases: Vec<Value>,
    /// What `builds --json` prints.
    builds: Vec<Value>,
}

impl State {
    pub(crate) fn has_release(&self, release: &Value) -> bool {
        self.releases.iter().any(|known| known["id"] == release["id"])
    }
}

impl World {
    pub(crate) fn new() -> Self {
        let mut story = Story::alone("web");
        story.set("CONVOX_RACK", "dev").set("CONVOX_RETRY", "2");
        let mut world = Self { story, port: 0, number: 0, history: Vec::new() };
        world.succeed("convox rack start --detach");
        for _ in 0..2 {
            world.succeed("convox deploy --create --wait");
        }
        world.port = world.service_port();
        world
    }

    pub(crate) fn next_number(&mut self) -> u64 {
        self.number += 1;
        self.number
    }

    /// Keeps a line for the message of a failure.
    pub(crate) fn note(&mut self, line: String) {
        self.history.push(line);
    }

    /// What has happened last.
    pub(crate) fn history(&self) -> String {
        let from = self.history.len().saturating_sub(12);
        self.history[from..].join("\n")
    }

    /// Starts a command. Nothing reads its output before it ends, which takes no more than a pipe.
    pub(crate) fn start(&self, line: &str) -> Child {
        let mut command = self.story.command(line);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Waits for a command, and returns whether it succeeded.
    pub(crate) fn outcome(&mut self, client: Child) -> bool {
        let output = client.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!stderr.contains("panicked"), "{stderr}\n{}", self.history());
        self.note(format!("  {}: {}", output.status, stderr.trim_end()));
        output.status.success()
    }

    /// Runs a command that has to succeed, and returns what it prints.
    pub(crate) fn output(&self, line: &str) -> String {
        let output = self.story.command(line).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{line}: {stderr}\n{}", self.history());
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn succeed(&mut self, line: &str) {
        self.output(line);
    }

    fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.output(&format!("{line} --json"))).unwrap()
    }

    fn list(&self, line: &str) -> Vec<Value> {
        self.json(line).as_array().unwrap().clone()
    }

    pub(crate) fn rack_process(&self) -> Pid {
        let status = self.json("convox rack status");
        let pid = status["pid"].as_i64().expect("a rack");
        Pid::from_raw(i32::try_from(pid).unwrap()).unwrap()
    }

    pub(crate) fn kill_rack(&self, rack: Pid) {
        kill_process(rack, Signal::KILL).unwrap();
        until("the end of the rack", || test_kill_process(rack).is_err().then_some(()));
    }

    /// Starts the rack unless it runs. Returns how long it took to answer.
    pub(crate) fn recover(&mut self) -> Duration {
        let started = Instant::now();
        self.succeed("convox rack start --detach");
        self.succeed("convox apps");
        started.elapsed()
    }

    pub(crate) fn state(&self) -> State {
        let app = self.json("convox apps info");
        let active = app["release"].as_str().expect("an active release").to_owned();
        let (releases, builds) =
            (self.list("convox releases --limit 30"), self.list("convox builds"));
        State { active, releases, builds }
    }

    /// Waits until nothing is going on, and checks what is always true then.
    pub(crate) fn settle(&mut self, before: &State) {
        self.succeed("convox apps wait");
        let is_over = |build: &Value| build["status"] != "running" && build["status"] != "created";
        until(&format!("the end of all builds\n{}", self.history()), || {
            self.list("convox builds").iter().all(is_over).then_some(())
        });
        assert_eq!(self.service_port(), self.port, "{}", self.history());
        until(&format!("a response of the service\n{}", self.history()), || {
            get(self.port, "/").ok().filter(|text| text == "Hello World!\n")
        });
        let after = self.list("convox releases --limit 30");
        let kept = |release: &&Value| after.iter().any(|known| known["id"] == release["id"]);
        let newest = before.releases.iter().take(10);
        let lost: Vec<&Value> = newest.filter(|release| !kept(release)).collect();
        assert!(lost.is_empty(), "{lost:?} are lost\n{}", self.history());
        self.await_sources();
        self.await_no_strays();
    }

    fn service_port(&self) -> u16 {
        let services = self.list("convox services");
        let domain = services[0]["domain"].as_str().expect("an address");
        domain.rsplit_once(':').unwrap().1.parse().unwrap()
    }

    /// Returns the release of the build with this description, after checking that there is exactly
    /// one of each if the command succeeded, and at most one if it did not.
    pub(crate) fn release_of(
        &self,
        description: &str,
        after: &State,
        has_succeeded: bool,
    ) -> Option<String> {
        let builds = after.builds.iter().filter(|build| build["description"] == description);
        let ids: Vec<&Value> = builds.map(|build| &build["id"]).collect();
        assert!(ids.len() <= 1, "built twice: {}", self.history());
        let releases = after.releases.iter().filter(|release| ids.contains(&&release["build"]));
        let releases: Vec<&Value> = releases.collect();
        assert!(releases.len() <= 1, "released twice: {}", self.history());
        assert!(!has_succeeded || releases.len() == 1, "lost: {}", self.history());
        releases.first().map(|release| release["id"].as_str().unwrap().to_owned())
    }

    /// The active release is `new` if it `must_be`, and otherwise that or the one before.
    pub(crate) fn assert_active(
        &self,
        before: &State,
        after: &State,
        new: Option<&str>,
        must_be: bool,
    ) {
        let (active, is_new) = (&after.active, new == Some(after.active.as_str()));
        let is_possible = is_new || (!must_be && *active == before.active);
        assert!(is_possible, "{active} is active, not {new:?}\n{}", self.history());
    }

    pub(crate) fn await_processes(&self, count: usize) {
        until(&format!("{count} processes\n{}", self.history()), || {
            (self.list("convox ps -s web").len() == count).then_some(())
        });
    }

    /// An app whose manifest has a resource.
    pub(crate) fn write_store(&self) {
        self.story.write(
            "../store/convox.yml",
            "resources:\n  cache:\n    type: redis\nservices:\n  web:\n    build: .\n    \
             command: sleep 1000\n    resources: [cache]\n",
        );
    }

    pub(crate) fn has_other_app(&self) -> bool {
        self.list("convox apps").iter().any(|app| app["name"] == "other")
    }

    /// The second app is wholly there, and can be deleted, or wholly gone.
    pub(crate) fn delete_other_app(&mut self) {
        until(&format!("the end of the second app\n{}", self.history()), || {
            if self.has_other_app() {
                // It may be about to be gone, or be updated by a command that was killed.
                let _ended = self.story.command("convox apps delete other").output().unwrap();
            }
            (!self.has_other_app()).then_some(())
        });
        until(&format!("the end of its files\n{}", self.history()), || {
            (!self.data().join("apps/other").exists()).then_some(())
        });
        self.await_no_strays();
    }

    fn data(&self) -> PathBuf {
        self.story.path("home/.local/share/convox/rack")
    }

    /// Each source belongs to a build that is complete.
    fn await_sources(&self) {
        until(&format!("the end of sources without a build\n{}", self.history()), || {
            let builds = self.list("convox builds --limit 1000").into_iter();
            let complete: BTreeSet<OsString> = builds
                .filter(|build| build["status"] == "complete")
                .map(|build| build["id"].as_str().unwrap().into())
                .collect();
            let sources = fs::read_dir(self.data().join("apps/web/sources")).unwrap();
            let names: BTreeSet<OsString> =
                sources.map(|source| source.unwrap().file_name()).collect();
            names.is_subset(&complete).then_some(())
        });
    }

    /// Every process that the rack has started is one that it lists.
    fn await_no_strays(&self) {
        until(&format!("the end of all other processes\n{}", self.history()), || {
            let mut apps = self.list("convox apps").into_iter();
            if apps.any(|app| app["name"] == "other") {
                return Some(()); // Checked when that app has been deleted.
            }
            let listed: BTreeSet<OsString> = self
                .list("convox ps")
                .iter()
                .map(|process| process["id"].as_str().unwrap().into())
                .collect();
            marked(&self.data()).is_subset(&listed).then_some(())
        });
    }

    /// Stops the rack, which leaves nothing behind.
    pub(crate) fn end(&mut self) {
        self.succeed("convox rack stop");
        assert_eq!(marked(&self.data()), BTreeSet::new(), "{}", self.history());
    }
}
