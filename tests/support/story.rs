//! A story: somebody with a home, a working folder and a rack, running commands.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use chrono::{DateTime, Utc};
use convox::output::caps::TermCaps;
use convox::output::stdio::Stdio as Streams;
use convox::{Invocation, run};
use convox_devrack::RackOptions;
use convox_devrack::clock::Clock;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::http::request;
use super::mock_server::MockServer;
use super::output::Output;
use super::rack::{TestRack, path, rack_options};
use super::redactions::Redactions;
use super::terminal::Terminal;
use super::waiting::until;

pub(super) const PROGRAM: &str = env!("CARGO_BIN_EXE_convox");

/// Somebody's home, working folder and rack. Everything is gone when it is dropped.
pub struct Story {
    // Ends before the folder it keeps everything in is removed.
    rack: Option<TestRack>,
    folder: TempDir,
    working: PathBuf,
    environment: BTreeMap<String, OsString>,
    names: Arc<Redactions>,
    clock: Clock,
}

impl Story {
    /// In a copy of the guide's example named `app`, beside a rack on which nothing was deployed.
    /// The rack's clock stands still, a little more than five minutes ago, until it is turned.
    pub fn new(app: &str) -> Self {
        Self::with(app, |_| {})
    }

    /// The same with another rack.
    pub fn with(app: &str, change: impl FnOnce(&mut RackOptions)) -> Self {
        let mut story = Self::alone(app);
        let data = story.folder.path().join("rack");
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
        story.deploys();
        story
    }

    /// In a copy of the example, with no rack at all.
    pub fn alone(app: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("story-").tempdir().unwrap();
        let working = folder.path().join(app);
        for name in ["home", "tmp"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/convox-guide");
        copy(&example, &working);
        let clock = Clock::at(Clock::system().now() - Duration::from_secs(5 * 60 + 1));
        let names = Arc::new(Redactions::default());
        let environment = BTreeMap::new();
        let mut story = Self { rack: None, folder, working, environment, names, clock };
        story.set("HOME", story.path("home").as_os_str().to_owned());
        story.set("TMPDIR", story.path("tmp").as_os_str().to_owned());
        story.set("PATH", path());
        story
    }

    /// In a copy of the example, with RACK_URL leading to a scripted server.
    pub fn against(fake: &MockServer) -> Self {
        let mut story = Self::alone("web");
        story.set("RACK_URL", fake.url());
        // What is scripted to fail is not to be asked again and again.
        story.set("CONVOX_RETRY", "0");
        story
    }

    /// Sets a variable for all commands that follow.
    pub fn set(&mut self, name: &str, value: impl Into<OsString>) -> &mut Self {
        self.environment.insert(name.to_owned(), value.into());
        self
    }

    /// Takes one away.
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

    /// Goes to another folder, relative to the story's own.
    pub fn goes_to(&mut self, folder: &str) -> &mut Self {
        self.working = self.path(folder);
        self
    }

    /// A path in the story's folder: `home`, `tmp`, `rack`, or the app's name.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A path in the settings folder.
    pub fn settings(&self, name: &str) -> PathBuf {
        let folder = if cfg!(target_os = "macos") { "Library/Preferences" } else { ".config" };
        self.path("home").join(folder).join("convox").join(name)
    }

    /// The rack.
    pub fn rack(&self) -> &TestRack {
        self.rack.as_ref().expect("a story with a rack")
    }

    /// Ends the rack.
    pub fn stop_rack(&mut self) {
        self.rack = None;
    }

    /// Starts it again where it was.
    pub fn restart_rack(&mut self) {
        let port = self.rack().port;
        self.rack = None;
        let options = rack_options(&self.path("rack"), self.clock.clone());
        self.rack = Some(TestRack::start_on(port, options));
    }

    /// The rack's time.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Turns the rack's clock.
    pub fn advance_clock(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Writes a file in the working folder.
    pub fn write(&self, name: &str, text: &str) -> &Self {
        let path = self.working.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// Changes a text in a file of the working folder.
    pub fn edit(&self, name: &str, from: &str, to: &str) -> &Self {
        let text = fs::read_to_string(self.working.join(name)).unwrap();
        assert!(text.contains(from), "{from:?} is not in {name}");
        self.write(name, &text.replace(from, to))
    }

    /// Runs a command line. Stand-ins in it are what they stand for.
    pub fn run(&self, line: &str) -> Output {
        self.start(line).end()
    }

    /// Runs a command line with this text on its standard input, a pipe.
    pub fn run_with(&self, line: &str, input: &str) -> Output {
        let mut command = self.command(line);
        command.stdin(Stdio::piped());
        let mut running = self.begin(line, command);
        let mut stdin = running.child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).unwrap();
        drop(stdin);
        running.end()
    }

    /// Runs a command line with a file of the working folder as its standard input.
    pub fn run_from(&self, line: &str, file: &str) -> Output {
        let mut command = self.command(line);
        command.stdin(fs::File::open(self.working.join(file)).unwrap());
        self.begin(line, command).end()
    }

    /// Runs a line of shell, in which `convox` is the program.
    pub fn shell(&self, line: &str) -> Output {
        let mut command = self.bare("/bin/sh");
        let (name, body) = ("convox", "\"$@\"");
        let line = self.names.resolve(line);
        command.arg("-c").arg(format!("{name}() {{ \"$CONVOX\" {}; }}; {line}", &body));
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

    /// Runs a command line in this process, at the rack's time.
    pub fn run_now(&self, line: &str) -> Output {
        let environment = self.environment.clone();
        let (stdio, out, err) = Streams::captured(TermCaps::plain());
        let code = run(Invocation {
            args: self.words(line).into_iter().map(OsString::from).collect(),
            environment: Box::new(move |name| environment.get(name).cloned()),
            directory: Ok(self.working.clone()),
            program: Ok(PathBuf::from(PROGRAM)),
            clock: self.clock.clone(),
            stdio: Some(stdio),
        });
        let shown = |text: String| self.shown(&text);
        Output::new(line, code.into(), shown(out.text()), shown(err.text()))
    }

    /// Deploys the working folder, making the app where there is none.
    pub fn deploys(&self) -> Output {
        let ran = self.run("convox deploy --create --wait");
        ran.ok();
        ran
    }

    /// What `curl` gets from a service of the app that is named after the working folder.
    pub fn get(&self, service: &str) -> String {
        let port = self.port_of(service);
        request(port, "GET /", None, "").expect("the service answers").body
    }

    /// The port of a service's address.
    pub fn port_of(&self, service: &str) -> u16 {
        let services = self.run("convox services --json").json_as_is(&self.names);
        let services = services.as_array().unwrap();
        let found = services.iter().find(|one| one["name"] == service).expect("the service");
        let domain = found["domain"].as_str().unwrap();
        domain.rsplit_once(':').unwrap().1.parse().unwrap()
    }

    /// What a stand-in stands for.
    pub fn real(&self, stand_in: &str) -> String {
        self.names.resolve(stand_in)
    }

    /// Text with stand-ins.
    pub fn shown(&self, text: &str) -> String {
        self.names.put(text, self.folder.path())
    }

    /// A command line as a command that is not started.
    pub fn command(&self, line: &str) -> Command {
        let mut command = self.bare(PROGRAM);
        command.args(&self.words(line)[1..]);
        command
    }

    /// A program in the working directory, with the environment of the story.
    pub(super) fn bare(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(&self.environment).current_dir(&self.working);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn words(&self, line: &str) -> Vec<String> {
        let words = shell_words::split(&self.names.resolve(line)).expect("a command line");
        assert_eq!(words[0], "convox");
        words
    }

    fn begin(&self, line: &str, mut command: Command) -> Running {
        let mut child = command.spawn().unwrap();
        let out = Reader::of(child.stdout.take().unwrap());
        let err = Reader::of(child.stderr.take().unwrap());
        let (names, folder) = (Arc::clone(&self.names), self.folder.path().to_owned());
        Running { line: line.to_owned(), child, out, err, names, folder }
    }
}

impl Drop for Story {
    fn drop(&mut self) {
        // A rack of the program's own, in the background.
        if self.path("home").join(".local/share/convox/rack/rack.json").exists()
            || self.path("home").join("Library/Application Support/convox/rack/rack.json").exists()
        {
            let stopped = self.command("convox rack stop").output().unwrap();
            assert!(stopped.status.success() || std::thread::panicking(), "{stopped:?}");
        }
    }
}

impl Output {
    fn json_as_is(&self, names: &Redactions) -> serde_json::Value {
        self.ok();
        serde_json::from_str(&names.resolve(&self.out)).expect("JSON")
    }
}

/// A command on its way.
pub struct Running {
    line: String,
    pub child: Child,
    out: Reader,
    err: Reader,
    names: Arc<Redactions>,
    folder: PathBuf,
}

impl Running {
    /// Waits until a text has been printed, on stdout or stderr.
    pub fn stdout_contains(&self, text: &str) -> &Self {
        let text = self.names.resolve(text);
        until(&format!("{text:?} from {}", self.line), || {
            (self.out.text().contains(&text) || self.err.text().contains(&text)).then_some(())
        });
        self
    }

    /// Ctrl-C, as the terminal would send it.
    pub fn interrupt(&self) -> &Self {
        kill_process(self.pid(), Signal::INT).unwrap();
        self
    }

    /// The process.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Waits for the end.
    pub fn end(mut self) -> Output {
        let line = self.line.clone();
        let status = until(&format!("the end of {line}"), || self.child.try_wait().unwrap());
        let shown = |text: String| self.names.put(&text, &self.folder);
        let out = shown(self.out.end());
        let err = shown(self.err.end());
        Output::new(&line, status.code().unwrap_or(-1), out, err)
    }
}

/// Reads a stream in the background.
struct Reader {
    bytes: Arc<Mutex<Vec<u8>>>,
    thread: Option<JoinHandle<()>>,
}

impl Reader {
    fn of(mut stream: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let to = Arc::clone(&bytes);
        let thread = std::thread::spawn(move || {
            let mut buffer = [0; 64 * 1024];
            while let Ok(count @ 1..) = stream.read(&mut buffer) {
                to.lock().unwrap_or_else(PoisonError::into_inner).extend(&buffer[..count]);
            }
        });
        Self { bytes, thread: Some(thread) }
    }

    fn text(&self) -> String {
        let bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn end(&mut self) -> String {
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
        self.text()
    }
}

/// Root reads and writes whatever it likes: tests of permissions have nothing to see.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Whether these tests were started with a signal ignored, as `nohup` does with HUP. The program then
/// ignores it too (proc(5), `SigIgn`).
pub fn is_ignored(signal: Signal) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask & (1 << (signal.as_raw() - 1)) != 0
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
