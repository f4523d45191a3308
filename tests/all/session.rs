//! Sessions, tunnels and file transfers of the client crate against a development rack.

use std::time::Duration;

use bytes::Bytes;
use convox_client::RackUrl;
use convox_client::rack::{
    ExecOptions, ExitCode, Rack, RunOptions, Session, SessionError, SessionEvent, SessionInput,
    SessionOutput, TunnelError, WindowSize,
};
use convox_client::transport::{Download, ReaderUpload};
use convox_wire::{AppName, ProcessId};
use rustix::process::{Pid, test_kill_process};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{PATIENCE, Story, until};

const SIZE: WindowSize = WindowSize { rows: 33, columns: 101 };

/// Runs the client's side of a test.
fn client_side<T>(test: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(PATIENCE, test).await.expect("in time") })
}

fn app() -> AppName {
    "web".parse().unwrap()
}

fn rack_of(story: &Story) -> Rack {
    let url: RackUrl = story.rack().url().parse().unwrap();
    Rack::connect(&url)
}

/// The running process of the app.
async fn process(rack: &Rack) -> ProcessId {
    rack.processes(&app()).await.unwrap().remove(0).id
}

/// A command on pipes.
fn piped(command: &str) -> ExecOptions {
    ExecOptions { command: command.into(), no_tty: true, ..ExecOptions::default() }
}

/// A command on a terminal.
fn on_terminal(command: &str) -> ExecOptions {
    ExecOptions { command: command.into(), size: Some(SIZE), ..ExecOptions::default() }
}

async fn exec(rack: &Rack, options: &ExecOptions) -> Session {
    rack.exec(&app(), &process(rack).await, options).await.unwrap()
}

/// Everything to the end of the session.
async fn rest(output: &mut SessionOutput) -> (String, Result<ExitCode, SessionError>) {
    let mut text = Vec::new();
    let end = loop {
        match output.next().await {
            Ok(SessionEvent::Output(bytes)) => text.extend_from_slice(&bytes),
            Ok(SessionEvent::Exited(code)) => break Ok(code),
            Ok(SessionEvent::Ended) => panic!("ended without a code"),
            Err(error) => break Err(error),
        }
    };
    (String::from_utf8(text).unwrap(), end)
}

/// Output until it contains this.
async fn shows(output: &mut SessionOutput, wanted: &str) -> String {
    let mut text = String::new();
    while !text.contains(wanted) {
        match output.next().await {
            Ok(SessionEvent::Output(bytes)) => text.push_str(&String::from_utf8_lossy(&bytes)),
            other => panic!("{other:?} after {text:?}, before {wanted:?}"),
        }
    }
    text
}

async fn types(input: &mut SessionInput, text: &str) {
    input.write(Bytes::from(text.to_owned())).await.unwrap();
}

/// The app `web` deployed and running.
fn deployed() -> Story {
    Story::deployed("web")
}

#[test]
fn the_exit_code_output_and_end_of_input_of_a_command_on_pipes_come_through() {
    let story = deployed();
    client_side(async {
        let rack = rack_of(&story);
        let (mut input, mut output) = exec(&rack, &piped("sh -c 'cat; exit 7'")).await.split();
        // Bytes that are not UTF-8, and more than fits into a pipe.
        let sent: Vec<u8> = (0..300_000_u32).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let sending = async {
            input.write(sent.clone().into()).await.unwrap();
            input.finish().await.unwrap();
        };
        let receiving = async {
            let mut received = Vec::new();
            loop {
                match output.next().await.unwrap() {
                    SessionEvent::Output(bytes) => received.extend_from_slice(&bytes),
                    end => break (received, end),
                }
            }
        };
        let ((), (received, end)) = tokio::join!(sending, receiving);
        assert!(received == sent, "{} bytes of {}", received.len(), sent.len());
        assert_eq!(end, SessionEvent::Exited(ExitCode(7)));
    });
}

#[test]
fn a_command_runs_in_the_directory_and_with_the_variables_of_its_process() {
    let story = deployed();
    client_side(async {
        let rack = rack_of(&story);
        let command = "sh -c 'ls web.py; echo ${PORT:+port}${CARGO:-}; echo oops >&2'";
        let (_input, mut output) = exec(&rack, &piped(command)).await.split();
        let (text, end) = rest(&mut output).await;
        assert_eq!(text, "web.py\nport\noops\n");
        assert_eq!(end.unwrap().status(), 0);
    });
}

#[test]
fn a_terminal_has_the_clients_size_and_follows_its_changes() {
    let story = deployed();
    client_side(async {
        let rack = rack_of(&story);
        let (mut input, mut output) = exec(&rack, &on_terminal("sh")).await.split();
        types(&mut input, "stty size\n").await;
        shows(&mut output, "33 101").await;
        input.resize(WindowSize { rows: 40, columns: 132 }).await.unwrap();
        types(&mut input, "stty size; tty; echo $TERM\n").await;
        shows(&mut output, "40 132").await;
        types(&mut input, "exit 7\n").await;
        let (_, end) = rest(&mut output).await;
        assert_eq!(end.unwrap(), ExitCode(7));
    });
}

#[test]
fn ctrl_c_and_ctrl_d_are_for_the_remote_command() {
    let story = deployed();
    client_side(async {
        let rack = rack_of(&story);
        let (mut input, mut output) = exec(&rack, &on_terminal("sh")).await.split();
        // In two parts, so that the echo of the line is not taken for the prompt.
        types(&mut input, "PS1='next''> '\n").await;
        shows(&mut output, "next> ").await;
        // The shell itself ignores Ctrl-C, so wait until the command runs.
        types(&mut input, "sh -c 'echo started; exec sleep 600'\n").await;
        shows(&mut output, "\nstarted").await;
        types(&mut input, "\x03").await;
        shows(&mut output, "next> ").await;
        types(&mut input, "echo it gave $?\n").await;
        shows(&mut output, "it gave 130").await;
        types(&mut input, "\x04").await;
        let (_, end) = rest(&mut output).await;
        assert!(end.is_ok(), "{end:?}");
    });
}

#[test]
fn a_command_ends_when_its_client_goes_away() {
    let story = deployed();
    for options in [on_terminal("sh -c 'echo $$; sleep 600'"), piped("sh -c 'echo $$; sleep 600'")]
    {
        let pid = client_side(async {
            let rack = rack_of(&story);
            let (_input, mut output) = exec(&rack, &options).await.split();
            shows(&mut output, "\n").await.trim().parse().unwrap()
        });
        let pid = Pid::from_raw(pid).unwrap();
        until("the end of the command", || test_kill_process(pid).is_err().then_some(()));
    }
}

#[test]
fn what_cannot_be_run_is_refused_with_the_reason() {
    let story = deployed();
    client_side(async {
        let rack = rack_of(&story);
        let nobody = ProcessId::from_rack("nobody");
        let session = rack.exec(&app(), &nobody, &piped("ls")).await.unwrap();
        let (_, end) = rest(&mut session.split().1).await;
        assert_eq!(end.unwrap_err().to_string(), "process not found: nobody");
        for (command, words) in [
            ("no-such-program -x", "exec: \"no-such-program\": executable file not found"),
            ("sh -c 'unclosed", "invalid command: missing closing quote"),
            ("", "command required"),
        ] {
            for options in [piped(command), on_terminal(command)] {
                let (_input, mut output) = exec(&rack, &options).await.split();
                let (text, end) = rest(&mut output).await;
                assert_eq!((text.as_str(), end.unwrap_err().to_string().as_str()), ("", words));
            }
        }
    });
}

#[test]
fn a_service_name_means_one_of_its_processes_and_a_signal_is_128_and_its_number() {
    let story = deployed();
    client_side(async {
        let rack = rack_of(&story);
        let service = ProcessId::from_rack("web");
        let session = rack.exec(&app(), &service, &piped("sh -c 'kill -9 $$'")).await.unwrap();
        let (_, end) = rest(&mut session.split().1).await;
        assert_eq!(end.unwrap(), ExitCode(137));
    });
}

#[test]
fn a_one_off_process_is_run_listed_entered_and_stopped() {
    let story = deployed();
    client_side(async {
        let rack = rack_of(&story);
        let options = RunOptions {
            command: Some("sleep 600".into()),
            environment: [("COLOR".into(), "a b&c".into())].into(),
            ..RunOptions::default()
        };
        let started = rack.start_process(&app(), &"web".parse().unwrap(), &options).await.unwrap();
        let id = started.id;
        let shown = rack.process(&app(), &id).await.unwrap();
        assert_eq!((shown.command.as_str(), shown.name.as_str()), ("sleep 600", "web"));
        let command = piped("sh -c 'echo $COLOR; ls web.py'");
        let (_input, mut output) = rack.exec(&app(), &id, &command).await.unwrap().split();
        assert_eq!(rest(&mut output).await.0, "a b&c\nweb.py\n");
        rack.stop_process(&app(), &id).await.unwrap();
        while rack.process(&app(), &id).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let error = rack.start_process(&app(), &"nope".parse().unwrap(), &options).await;
        assert_eq!(error.unwrap_err().to_string(), "service not found: nope");
    });
}

#[test]
fn a_rack_that_stops_ends_sessions_and_one_off_processes() {
    let mut story = deployed();
    client_side(async {
        let rack = rack_of(&story);
        let (_input, mut output) =
            exec(&rack, &piped("sh -c 'echo here; sleep 600'")).await.split();
        shows(&mut output, "here\n").await;
        let options = RunOptions { command: Some("sleep 600".into()), ..RunOptions::default() };
        rack.start_process(&app(), &"web".parse().unwrap(), &options).await.unwrap();
        // The rack has a runtime of its own.
        std::thread::scope(|scope| scope.spawn(|| story.stop_rack()).join().unwrap());
        let (_, end) = rest(&mut output).await;
        assert!(matches!(end, Err(SessionError::Broken(_))), "{end:?}");
    });
}

/// Sends back what it receives on a connection, once the other side has finished.
const ECHO: &str = r#"
import os, socketserver

class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b"hello\n")
        self.wfile.write(self.rfile.read())

class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 500

Server(("127.0.0.1", int(os.environ["PORT"])), Echo).serve_forever()
"#;

/// A connection through a tunnel.
async fn tunneled(rack: &Rack, host: &str, port: u16) -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (ours, theirs) = tokio::join!(TcpStream::connect(address), listener.accept());
    let tunnel = rack.proxy(host, port).await.unwrap();
    tokio::spawn(tunnel.carry(theirs.unwrap().0));
    ours.unwrap()
}

#[test]
fn two_hundred_connections_go_through_tunnels_at_once_and_each_side_ends_by_itself() {
    let story = Story::new("web");
    std::fs::write(story.path("web").join("web.py"), ECHO).unwrap();
    story.deploy();
    let port = story.port_of("web");
    client_side(async {
        let rack = rack_of(&story);
        let mut connections = Vec::new();
        for number in 0..200 {
            // By its address and by its name in the manifest.
            let (host, port) =
                if number % 2 == 0 { ("127.0.0.1", port) } else { ("web.web", 3000) };
            let mut connection = tunneled(&rack, host, port).await;
            let mut greeting = [0; 6];
            connection.read_exact(&mut greeting).await.unwrap();
            assert_eq!(&greeting, b"hello\n");
            connections.push(connection);
        }
        for (number, connection) in connections.iter_mut().enumerate() {
            connection.write_all(format!("this is {number}").as_bytes()).await.unwrap();
            connection.shutdown().await.unwrap();
        }
        for (number, connection) in connections.iter_mut().enumerate() {
            let mut answer = String::new();
            connection.read_to_string(&mut answer).await.unwrap();
            assert_eq!(answer, format!("this is {number}"));
        }
    });
}

#[test]
fn a_tunnel_carries_megabytes_of_any_bytes() {
    let story = Story::new("web");
    std::fs::write(story.path("web").join("web.py"), ECHO).unwrap();
    story.deploy();
    client_side(async {
        let rack = rack_of(&story);
        let (mut reader, mut writer) = tunneled(&rack, "web.web", 3000).await.into_split();
        let sent: Vec<u8> = (0..8_000_000_u32).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let sending = async {
            writer.write_all(&sent).await.unwrap();
            writer.shutdown().await.unwrap();
        };
        let mut received = Vec::new();
        let receiving = async { reader.read_to_end(&mut received).await.unwrap() };
        tokio::join!(sending, receiving);
        assert!(received[6..] == sent, "{} bytes of {}", received.len(), sent.len());
    });
}

#[test]
fn a_tunnel_leads_only_to_what_the_rack_runs() {
    let story = deployed();
    client_side(async {
        let rack = rack_of(&story);
        for (host, port) in [("example.com", 80), ("127.0.0.1", 1), ("web.web", 1), ("web", 3000)] {
            let tunnel = rack.proxy(host, port).await.unwrap();
            let (local, _other) = tokio::io::duplex(64);
            match tunnel.carry(local).await {
                Err(TunnelError::Refused(words)) => assert_eq!(words, "invalid proxy host"),
                other => panic!("{host}:{port}: {other:?}"),
            }
        }
    });
}

async fn all_of(mut download: Download) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some(piece) = download.next().await.unwrap() {
        bytes.extend_from_slice(&piece);
    }
    bytes
}

fn archive(name: &str, content: &[u8]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    archive.append_data(&mut header, name, content).unwrap();
    archive.into_inner().unwrap()
}

#[test]
fn files_go_into_a_process_and_come_out_of_it() {
    let story = deployed();
    client_side(async {
        let rack = rack_of(&story);
        let (app, process) = (app(), process(&rack).await);
        let sent = archive("data/notes.txt", b"remember");
        let upload = ReaderUpload::new(std::io::Cursor::new(sent));
        rack.upload_files(&app, &process, upload, &[]).await.unwrap();
        let (_input, mut output) = exec(&rack, &piped("cat data/notes.txt")).await.split();
        assert_eq!(rest(&mut output).await.0, "remember");

        let download = rack.download_files(&app, &process, "/data").await.unwrap();
        let bytes = all_of(download).await;
        let mut archive = tar::Archive::new(&bytes[..]);
        let names: Vec<String> = archive
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().path().unwrap().display().to_string())
            .map(|name| name.trim_end_matches('/').to_owned())
            .collect();
        assert_eq!(names, ["data", "data/notes.txt"]);

        for path in ["/nope", "/../../etc/passwd", "../x"] {
            let error = rack.download_files(&app, &process, path).await.unwrap_err();
            assert_eq!(error.to_string(), format!("no such file: {path}"));
        }
        rack.delete_files(&app, &process, &["/data/notes.txt".into()]).await.unwrap();
        assert!(rack.download_files(&app, &process, "/data/notes.txt").await.is_err());
    });
}

#[test]
fn an_archive_that_leads_out_of_a_process_or_is_cut_is_refused() {
    let story = deployed();
    client_side(async {
        let rack = rack_of(&story);
        let (app, process) = (app(), process(&rack).await);
        let mut outside = archive("aa/evil", b"x");
        outside[..2].copy_from_slice(b"..");
        let header = &mut outside[..512];
        header[148..156].copy_from_slice(b"        ");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        let cut = archive("big", &[7; 4096])[..2000].to_vec();
        for bytes in [outside, cut] {
            let upload = ReaderUpload::new(std::io::Cursor::new(bytes));
            let error = rack.upload_files(&app, &process, upload, &[]).await.unwrap_err();
            assert_eq!(error.status(), Some(400), "{error}");
        }
    });
}
