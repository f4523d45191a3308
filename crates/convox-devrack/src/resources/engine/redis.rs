use std::io;
use std::path::Path;

use tokio::process::Command;

use super::{Client, Driver, Import, Place, Program, program};

const DUMP: &str = "dump.rdb";
const CLIENT: Program = Program { names: &["redis-cli"], package: "redis-tools" };

/// Redis, which writes its data to a file after changes and when it is stopped.
pub(super) struct Redis;

impl Driver for Redis {
    fn name(&self) -> &'static str {
        "redis"
    }

    fn server(&self) -> Program {
        Program { names: &["redis-server"], package: "redis-server" }
    }

    fn serve(&self, place: &Place, server: &Path) -> io::Result<Command> {
        let text = format!(
            "bind 127.0.0.1\nport {}\nrequirepass {}\ndir \"{}\"\ndbfilename {DUMP}\nsave 5 1\nappendonly no\n\
             loglevel warning\ndaemonize no\n",
            place.port,
            place.password(),
            place.data.display(),
        );
        let settings = place.write_private("redis.conf", &text)?;
        let mut command = program(place, server);
        command.arg(settings);
        Ok(command)
    }

    /// While it loads its data, Redis answers all commands with an error.
    fn probe(&self, place: &Place) -> Option<Client> {
        Some(client(place, &["echo", "ready"]))
    }

    fn url(&self, place: &Place) -> String {
        format!("redis://default:{}@127.0.0.1:{}/0", place.password(), place.port)
    }

    fn console(&self, place: &Place) -> Option<Client> {
        Some(client(place, &[]))
    }

    fn export(&self, place: &Place) -> Option<Client> {
        Some(client(place, &["--rdb", "-"]))
    }

    fn import(&self, _place: &Place) -> Option<Import> {
        Some(Import::File { name: DUMP, begins: b"REDIS" })
    }
}

fn client(place: &Place, more: &[&str]) -> Client {
    let port = place.port.to_string();
    let arguments = ["-h", "127.0.0.1", "-p", &port].into_iter().chain(more.iter().copied());
    Client::new(CLIENT, arguments).env("REDISCLI_AUTH", place.password())
}
