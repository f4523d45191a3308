//! Clients that take what they can get, and services that print without end.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};

use super::account::{Account, NOBODY, as_each_user, stderr};
use super::support::{is_root, until};

fn connect(account: &Account) -> Option<UnixStream> {
    UnixStream::connect(account.data().join("rack.sock")).ok()
}

#[test]
fn clients_that_say_nothing_or_read_nothing_keep_no_one_else_from_the_rack() {
    as_each_user(|account| {
        let port = account.deploy();
        let silent: Vec<UnixStream> = (0..200).filter_map(|_| connect(account)).collect();
        let mut slow: Vec<UnixStream> = (0..20).filter_map(|_| connect(account)).collect();
        for client in &mut slow {
            // The rack may have closed it by now.
            let _sent = client.write_all(b"GET /apps HTTP/1.1\r\nHost: rack\r\nX-Slow: ");
        }
        let mut deaf: Vec<UnixStream> = (0..20).filter_map(|_| connect(account)).collect();
        for client in &mut deaf {
            let _sent = client
                .write_all(&b"GET /apps/web/releases HTTP/1.1\r\nHost: rack\r\n\r\n".repeat(200));
        }
        account.ok("convox apps");
        account.ok("convox deploy --wait");
        account.await_response(port);
        drop((silent, slow, deaf));
    });
}

#[test]
fn a_rack_with_few_descriptors_goes_on() {
    as_each_user(|account| {
        let mut command =
            account.command_in_shell("ulimit -n 64; exec \"$@\"", "convox rack start");
        let mut rack: Child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut first = [0];
        rack.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
        let port = account.deploy();
        let idle: Vec<UnixStream> = (0..100).filter_map(|_| connect(account)).collect();
        // More than the rack can accept: the others wait, and go away again.
        drop(idle);
        until("a response of the rack", || {
            account.run("convox apps").status.success().then_some(())
        });
        account.await_response(port);
        account.ok("convox rack stop");
        rack.wait().unwrap();
    });
}

#[test]
fn the_limit_of_descriptors_is_raised_for_the_rack() {
    as_each_user(|account| {
        let mut start =
            account.command_in_shell("ulimit -Sn 128; exec \"$@\"", "convox rack start --detach");
        assert!(start.output().unwrap().status.success());
        let status: serde_json::Value =
            serde_json::from_str(&account.ok("convox rack status --json")).unwrap();
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", status["pid"])).unwrap();
        let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
        let soft: u64 = files.split_whitespace().nth(3).unwrap().parse().unwrap();
        assert!(soft > 128, "{files}");
    });
}

/// The limit counts all processes of a user, so the user is one that has no others. For root there
/// is none.
#[test]
fn too_few_threads_are_an_error() {
    if !is_root() {
        eprintln!("skipped: only root can act as another user");
        return;
    }
    let account = Account::new(Some(NOBODY - 2));
    if !account.can_run() {
        eprintln!("skipped: an ordinary user can't run the program where it is built");
        return;
    }
    let mut errors = 0;
    for limit in 1..=6 {
        for line in ["convox rack start --detach", "convox deploy --create --wait", "convox apps"] {
            // The option differs between shells.
            let shell = format!("ulimit -u {limit} 2>/dev/null || ulimit -p {limit}; exec \"$@\"");
            let output = account.command_in_shell(&shell, line).output().unwrap();
            let text = stderr(&output);
            assert!(matches!(output.status.code(), Some(0 | 1)), "{limit}: {line}: {text}");
            assert!(!text.contains("panicked"), "{limit}: {line}: {text}");
            errors += usize::from(text.contains("no thread can be started: "));
        }
    }
    assert!(errors > 0, "none of the limits was too low");
}

#[test]
fn a_service_that_prints_without_end_fills_neither_the_disk_nor_the_rack() {
    as_each_user(|account| {
        account.write_manifest(
            "services:\n  web:\n    build: .\n    command: python3 web.py\n    port: 3000\n  noise:\n    \
             build: .\n    command: yes this line is printed over and over again\n",
        );
        account.ok("convox deploy --create --wait");
        let size = || directory_size(&account.data().join("apps/web/log"));
        until("a long log", || (size() > 8 << 20).then_some(()));
        // Twice the limit while it is cut.
        for _ in 0..5 {
            account.ok("convox apps");
            assert!(size() < 24 << 20, "{}", size());
        }
        let last = account.ok("convox logs --no-follow --tail 3 -s noise");
        assert_eq!(last.lines().count(), 3);
        for line in last.lines() {
            assert!(line.ends_with("this line is printed over and over again"), "{line}");
        }
        account.ok("convox apps delete web");
    });
}

fn directory_size(directory: &std::path::Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(directory) else { return 0 };
    entries.flatten().filter_map(|entry| entry.metadata().ok()).map(|about| about.len()).sum()
}
