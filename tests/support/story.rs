//! A story: commands that are run one after the other, with a home directory, a working directory
//! and a rack of their own.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use convox::output::caps::TermCaps;
use convox::output::stdio::Stdio as Streams;
use convox::{Invocation, run};
use convox_devrack::RackOptions;
use convox_devrack::clock::Clock;
use tempfile::TempDir;

use super::get;
use super::mock_server::MockServer;
use super::output::Output;
use super::port::Port;
use super::process::{PROGRAM, Running, command, path};
use super::rack::{TestRack, rack_options};
use super::redactions::Redactions;
use super::terminal::Terminal;

/// A home directory, a working directory and a rack. They are removed when it is dropped.
pub struct Story {
    // Stopped before the directory is removed that has its data.
    rack: Option<TestRack>,
    directory: TempDir,
    working: PathBuf,
    environment: BTreeMap<String, OsString>,
    redactions: Arc<Redactions>,
    clock: Clock,
}

impl Story {
    /// In a copy of the guide's example that is named `app`, with a rack without apps. The rack's
    /// clock stands still, a little more than five minutes ago, until it is advanced.
    pub fn new(app: &str) -> Self {
        Self::with(app, |_| {})
    }

    /// The same with other options for the rack.
    pub fn with(app: &str, change: impl FnOnce(&mut RackOptions)) -> Self {
        let mut story = Self::alone(app);
        let data = story.directory.path().join("rack");
        let mut options = rack_options(&data, story.clock.clone());
        change(&mut options);
        let rack = TestRack::start(options);
        story.set("RACK_URL", rack.url());
        story.rack = Some(rack);
        story
    }

    /// The same with the app deployed and running.
    pub fn deployed(app: &str) -> Self {
        let story = Self::new(app);
        story.deploy();
        story
    }

    /// In a copy of the example, without a rack.
    pub fn alone(app: &str) -> Self {
        let directory = tempfile::Builder::new().prefix("story-").tempdir().unwrap();
        let working = directory.path().join(app);
        for name in ["home", "tmp"] {
            fs::create_dir(directory.path().join(name)).unwrap();
        }
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/convox-guide");
        copy(&example, &working);
        let clock = Clock::at(Clock::system().now() - Duration::from_secs(5 * 60 + 1));
        let redactions = Arc::new(Redactions::default());
        let environment = BTreeMap::new();
        let mut story = Self { rack: None, directory, working, environment, redactions, clock };
        story.set("HOME", story.path("home").as_os_str().to_owned());
        story.set("TMPDIR", story.path("tmp").as_os_str().to_owned());
        story.set("PATH", path());
        story
    }

    /// In a copy of the example, with a mock server as the rack, and without retries.
    pub fn against(fake: &MockServer) -> Self {
        let mut story = Self::alone("web");
        story.set("RACK_URL", fake.url());
        story.set("CONVOX_RETRY", "0");
        story
    }

    /// Sets a variable for all commands that follow.
    pub fn set(&mut self, name: &str, value: impl Into<OsString>) -> &mut Self {
        self.environment.insert(name.to_owned(), value.into());
        self
    }

    /// Removes a variable.
    pub fn unset(&mut self, name: &str) -> &mut Self {
        self.environment.remove(name);
        self
    }

    /// Makes a script that is found before other programs of its name.
    pub fn program(&mut self, name: &str, script: &str) -> &mut Self {
        use std::os::unix::fs::PermissionsExt;
        let bin = self.path("bin");
        fs::create_dir_all(&bin).unwrap();
        fs::write(bin.join(name), format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).unwrap();
        let mut search = OsString::from(bin);
        search.push(":");
        search.push(path());
        self.set("PATH", search)
    }

    /// Changes the working directory, relative to the story's own directory.
    pub fn change_directory(&mut self, directory: &str) -> &mut Self {
        self.working = self.path(directory);
        self
    }

    /// A path in the story's directory: `home`, `tmp`, `rack`, or the app's name.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A path in the settings directory.
    pub fn settings(&self, name: &str) -> PathBuf {
        let parent = if cfg!(target_os = "macos") { "Library/Preferences" } else { ".config" };
        self.path("home").join(parent).join("convox").join(name)
    }

    /// The rack.
    pub fn rack(&self) -> &TestRack {
        self.rack.as_ref().expect("a story with a rack")
    }

    /// Stops the rack.
    pub fn stop_rack(&mut self) {
        self.rack = None;
    }

    /// Stops the rack and starts it again with its port and its data. Meanwhile no other program can
    /// take its port, nor those of its services in `ports`.
    pub fn restart_rack(&mut self, ports: &[u16]) {
        let port = self.rack().port;
        let reserve = |port| std::thread::spawn(move || Port::as_soon_as_free(port));
        let reserved: Vec<_> = ports.iter().copied().chain([port]).map(reserve).collect();
        self.rack = None;
        let _reserved: Vec<Port> = reserved.into_iter().map(|port| port.join().unwrap()).collect();
        let options = rack_options(&self.path("rack"), self.clock.clone());
        self.rack = Some(TestRack::start_on(port, options));
    }

    /// The time of the rack's clock.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Advances the rack's clock.
    pub fn advance_clock(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Writes a file in the working directory.
    pub fn write(&self, name: &str, text: &str) -> &Self {
        let path = self.working.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// Replaces a text in a file of the working directory.
    pub fn edit(&self, name: &str, from: &str, to: &str) -> &Self {
        let text = fs::read_to_string(self.working.join(name)).unwrap();
        assert!(text.contains(from), "{from:?} is not in {name}");
        self.write(name, &text.replace(from, to))
    }

    /// Runs a command line. Placeholders in it are replaced by what they stand for.
    pub fn run(&self, line: &str) -> Output {
        self.start(line).end()
    }

    /// Runs a command line with a pipe as its standard input, from which it reads this text.
    pub fn run_with(&self, line: &str, input: &str) -> Output {
        let mut command = self.command(line);
        command.stdin(Stdio::piped());
        let mut running = self.begin(line, command);
        let mut stdin = running.stdin();
        stdin.write_all(input.as_bytes()).unwrap();
        drop(stdin);
        running.end()
    }

    /// Runs a command line with a file of the working directory as its standard input.
    pub fn run_from(&self, line: &str, file: &str) -> Output {
        let mut command = self.command(line);
        command.stdin(fs::File::open(self.working.join(file)).unwrap());
        self.begin(line, command).end()
    }

    /// Runs a line of shell, in which `convox` is the program.
    pub fn shell(&self, line: &str) -> Output {
        let mut command = self.bare("/bin/sh");
        let line = self.redactions.resolve(line);
        command.arg("-c").arg(format!("convox() {{ \"$CONVOX\" \"$@\"; }}; {line}"));
        command.env("CONVOX", PROGRAM);
        self.begin(&line, command).end()
    }

    /// Starts a command line.
    pub fn start(&self, line: &str) -> Running {
        self.begin(line, self.command(line))
    }

    /// Starts a command line on a terminal.
    pub fn on_terminal(&self, line: &str) -> Terminal {
        Terminal::start(self.command(line))
    }

    /// Runs a command line in this process, at the time of the rack's clock.
    pub fn run_now(&self, line: &str) -> Output {
        let environment = self.environment.clone();
        let (stdio, out, err) = Streams::captured(TermCaps::plain());
        let code = run(Invocation {
            args: self.words(line).into_iter().map(OsString::from).collect(),
            environment: std::sync::Arc::new(move |name: &str| environment.get(name).cloned()),
            directory: Ok(self.working.clone()),
            program: Ok(PathBuf::from(PROGRAM)),
            clock: self.clock.clone(),
            stdio: Some(stdio),
        });
        let shown = |text: String| self.shown(&text);
        Output::new(line, code.into(), shown(out.text()), shown(err.text()))
    }

    /// Deploys the working directory, and creates the app if it does not exist.
    pub fn deploy(&self) -> Output {
        let ran = self.run("convox deploy --create --wait");
        ran.ok();
        ran
    }

    /// Gets `/` from a service of the app that is named after the working directory.
    pub fn get(&self, service: &str) -> String {
        get(self.port_of(service), "/").expect("a response of the service")
    }

    /// The port of a service at the rack's gateway.
    pub fn port_of(&self, service: &str) -> u16 {
        let services = self.run("convox services --json").json_as_is(&self.redactions);
        let services = services.as_array().unwrap();
        let found = services.iter().find(|one| one["name"] == service).expect("the service");
        let domain = found["domain"].as_str().unwrap();
        domain.rsplit_once(':').unwrap().1.parse().unwrap()
    }

    /// What a placeholder stands for.
    pub fn real(&self, placeholder: &str) -> String {
        self.redactions.resolve(placeholder)
    }

    /// Text with placeholders.
    pub fn shown(&self, text: &str) -> String {
        self.redactions.redact(text, self.directory.path())
    }

    /// A command line that has not been started.
    pub fn command(&self, line: &str) -> Command {
        let mut command = self.bare(PROGRAM);
        command.args(&self.words(line)[1..]);
        command
    }

    /// A program in the working directory, with the environment of the story.
    pub fn bare(&self, program: &str) -> Command {
        let mut command = command(program);
        command.envs(&self.environment).current_dir(&self.working).stdin(Stdio::null());
        command
    }

    fn words(&self, line: &str) -> Vec<String> {
        let words = shell_words::split(&self.redactions.resolve(line)).expect("a command line");
        assert_eq!(words[0], "convox");
        words
    }

    fn begin(&self, line: &str, command: Command) -> Running {
        let redactions = Arc::clone(&self.redactions);
        Running::start(line, command).redacted(redactions, self.directory.path().to_owned())
    }
}

impl Drop for Story {
    fn drop(&mut self) {
        // A development rack that a command has started in the background.
        if self.path("home").join(".local/share/convox/rack/rack.json").exists()
            || self.path("home").join("Library/Application Support/convox/rack/rack.json").exists()
        {
            let stopped = self.command("convox rack stop").output().unwrap();
            assert!(stopped.status.success() || std::thread::panicking(), "{stopped:?}");
        }
    }
}

impl Output {
    fn json_as_is(&self, redactions: &Redactions) -> serde_json::Value {
        self.ok();
        serde_json::from_str(&redactions.resolve(&self.out)).expect("JSON")
    }
}

/// Whether the tests run as root, for whom permissions do not count.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}
