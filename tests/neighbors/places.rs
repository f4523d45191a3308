//! Other users, and what is in the place where the rack writes.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::account::{NOBODY, as_each_user};
use super::support::is_root;

/// Connects to a socket, and reports how that ended.
const CONNECT: &str = "import socket, sys\n\
    try:\n    socket.socket(socket.AF_UNIX).connect(sys.argv[1])\n    print('connected')\n\
    except OSError as error:\n    print(type(error).__name__)";

#[test]
fn another_user_can_not_connect_to_the_socket() {
    if !is_root() {
        eprintln!("skipped: only root can act as another user");
        return;
    }
    as_each_user(|account| {
        account.ok("convox rack start --detach");
        let stranger = NOBODY - 1;
        let mut connect = Command::new("python3");
        connect.args(["-c", CONNECT]).arg(account.data().join("rack.sock"));
        let output = connect.uid(stranger).gid(stranger).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "PermissionError\n");
    });
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
        // The stranger cannot write to the directory, so root puts its socket there.
        let socket = account.data().join("rack.sock");
        let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        std::os::unix::fs::chown(&socket, Some(NOBODY - 1), Some(NOBODY - 1)).unwrap();
        account.fails("convox apps", "the development rack is not running");
        listener.set_nonblocking(true).unwrap();
        assert!(listener.accept().is_err(), "it was connected to");
        account.ok("convox rack start --detach");
        assert!(account.ok("convox apps").contains("web"));
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
        let data = account.create_data();
        fs::set_permissions(&data, fs::Permissions::from_mode(0o500)).unwrap();
        if account.is_root() {
            return; // Permissions do not count.
        }
        account.fails("convox rack start --detach", "Permission denied");
    });
}

#[test]
fn links_where_the_rack_writes_lead_nowhere_else() {
    as_each_user(|account| {
        let data = account.create_data();
        let victim = account.path("victim");
        fs::write(&victim, "mine\n").unwrap();
        account.own(&victim);
        for name in ["rack.json", "rack.redb.new", "rack.sock"] {
            symlink(&victim, data.join(name)).unwrap();
        }
        // What makes it a rack's directory.
        fs::write(data.join("rack.lock"), "").unwrap();
        fs::remove_file(data.join("rack.json")).unwrap();
        account.own(&data);
        let port = account.deploy();
        account.await_response(port);
        account.ok("convox rack stop");
        assert_eq!(fs::read_to_string(&victim).unwrap(), "mine\n");
    });
}
