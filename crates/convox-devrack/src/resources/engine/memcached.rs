use std::io;
use std::path::Path;

use tokio::process::Command;

use super::{Driver, Place, Program, program};

/// Memcached, without a password as on real racks.
pub(super) struct Memcached;

impl Driver for Memcached {
    fn name(&self) -> &'static str {
        "memcached"
    }

    fn server(&self) -> Program {
        Program { names: &["memcached"], package: "memcached" }
    }

    fn serve(&self, place: &Place, server: &Path) -> io::Result<Command> {
        let mut command = program(place, server);
        command.args(["-l", "127.0.0.1", "-U", "0", "-p", &place.port.to_string()]);
        if rustix::process::geteuid().is_root() {
            // As root it refuses to run without a user.
            command.args(["-u", "root"]);
        }
        Ok(command)
    }

    fn url(&self, place: &Place) -> String {
        format!("127.0.0.1:{}", place.port)
    }
}
