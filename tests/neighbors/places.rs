//! Other users, and what is in the place where the rack writes.

use std::fs;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::account::{Account, STRANGER, as_each_user, stderr};
use super::disks::SmallDisk;
use super::support::is_root;

/// Connects to a socket, and reports how that ended.
const CONNECT: &str = "import socket, sys\n\
    try:\n    s = socket.socket(socket.AF_UNIX)\n    s.connect(sys.argv[1])\n    \
    s.sendall(b'GET /check HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n')\n    print('connected', s.recv(100))\n\
    except OSError as error:\n    print(type(error).__name__)";

/// What another user gets who connects to the socket: an error, or what is sent in response to a
/// request.
fn as_stranger(account: &Account) -> String {
    let mut connect = Command::new("python3");
    connect.args(["-c", CONNECT]).arg(account.data().join("rack.sock"));
    let output = connect.uid(STRANGER).gid(STRANGER).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn another_user_can_not_connect_to_the_socket() {
    if !is_root() {
        eprintln!("skipped: only root can act as another user");
        return;
    }
    as_each_user(|account| {
        account.ok("convox rack start --detach");
        assert_eq!(as_stranger(account), "PermissionError\n");
        // Even if the permissions are no obstacle, the rack does not answer.
        for (path, mode) in [(account.path(""), 0o755), (account.data(), 0o755)] {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        }
        let socket = account.data().join("rack.sock");
        fs::set_permissions(&socket, fs::Permissions::from_mode(0o666)).unwrap();
        let seen = as_stranger(account);
        assert!(!seen.contains("Permission") && !seen.contains("HTTP"), "{seen}");
        account.ok("convox apps");
    });
}

/// A socket of another user in the place of the rack's. The stranger can't write to the directory,
/// so root puts it there.
fn foreign_socket(account: &Account) -> UnixListener {
    let socket = account.data().join("rack.sock");
    // It may be gone with its rack.
    let _removed = fs::remove_file(&socket);
    let listener = UnixListener::bind(&socket).unwrap();
    std::os::unix::fs::chown(&socket, Some(STRANGER), Some(STRANGER)).unwrap();
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o666)).unwrap();
    listener.set_nonblocking(true).unwrap();
    listener
}

#[test]
fn a_process_of_another_user_on_the_path_of_the_socket_gets_no_request() {
    if !is_root() {
        eprintln!("skipped: only root can act as another user");
        return;
    }
    as_each_user(|account| {
        account.ok("convox rack start --detach");
        account.ok("convox apps create web");
        account.ok("convox rack stop");
        let listener = foreign_socket(account);
        account.fails("convox apps", "the development rack is not running");
        assert!(listener.accept().is_err(), "it was connected to");
        account.ok("convox rack start --detach");
        assert!(account.ok("convox apps").contains("web"));
    });
}

#[test]
fn a_process_of_another_user_that_takes_the_place_of_a_dead_rack_gets_no_request() {
    if !is_root() {
        eprintln!("skipped: only root can act as another user");
        return;
    }
    as_each_user(|account| {
        account.deploy();
        let mut following = account.start("convox logs");
        let mut first = [0];
        following.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
        account.kill_rack();
        let listener = foreign_socket(account);
        let ended = following.wait_with_output().unwrap();
        assert!(stderr(&ended).contains("the socket belongs to another user"), "{ended:?}");
        assert!(listener.accept().is_err(), "it was connected to");
        account.ok("convox rack start --detach");
        account.ok("convox apps wait web");
    });
}

#[test]
fn a_directory_in_which_all_users_can_write_is_refused_and_keeps_its_mode() {
    as_each_user(|account| {
        let data = account.create_data();
        fs::set_permissions(&data, fs::Permissions::from_mode(0o1777)).unwrap();
        account.fails("convox rack start --detach", "all users can write to it");
        assert_eq!(fs::metadata(&data).unwrap().mode() & 0o7777, 0o1777);
        assert_eq!(fs::read_dir(&data).unwrap().count(), 0);
    });
}

#[test]
fn a_read_only_directory_is_named() {
    as_each_user(|account| {
        if account.is_root() {
            // Permissions do not count.
            let Some(disk) = SmallDisk::mount(&account.path("disk")) else { return };
            account.set_data(disk.path());
            disk.make_read_only();
            account.fails("convox rack start --detach", "Read-only file system");
            return;
        }
        let data = account.create_data();
        fs::set_permissions(&data, fs::Permissions::from_mode(0o500)).unwrap();
        account.fails("convox rack start --detach", "Permission denied");
    });
}

/// What the rack replaces leads nowhere else, and what it appends to is refused as a link.
#[test]
fn links_where_the_rack_writes_lead_nowhere_else() {
    as_each_user(|account| {
        let data = account.create_data();
        let victim = account.path("victim");
        fs::write(&victim, "mine\n").unwrap();
        account.own(&victim);
        // What makes it a rack's directory.
        fs::write(data.join("start.lock"), "").unwrap();
        for name in ["rack.redb.new", "rack.sock"] {
            symlink(&victim, data.join(name)).unwrap();
        }
        for name in ["rack.lock", "rack.log"] {
            symlink(&victim, data.join(name)).unwrap();
            account.own(&data);
            account.fails("convox rack start --detach", &format!("{name} can't be used: "));
            fs::remove_file(data.join(name)).unwrap();
        }
        let port = account.deploy();
        account.await_response(port);
        // While it runs: the record of a process is replaced at the next start.
        account.ok("convox rack stop");
        fs::remove_file(data.join("rack.json")).unwrap();
        symlink(account.path("nothing"), data.join("rack.json")).unwrap();
        account.own(&data);
        account.ok("convox rack start --detach");
        account.await_response(port);
        account.ok("convox rack stop");
        assert_eq!(fs::read_to_string(&victim).unwrap(), "mine\n");
        assert!(!account.path("nothing").exists());
    });
}
