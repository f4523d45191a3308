use std::io;
use std::path::Path;

use rustix::process::Signal;
use tokio::process::Command;

use super::{Client, Driver, Import, Marks, Place, Program, Step, program};
use crate::resources::place::USER;

const PACKAGE: &str = "postgresql";
const PSQL: Program = Program { names: &["psql"], package: "postgresql-client" };
const PG_DUMP: Program = Program { names: &["pg_dump"], package: "postgresql-client" };

/// PostgreSQL.
pub(super) struct Postgres;

impl Driver for Postgres {
    fn name(&self) -> &'static str {
        "postgres"
    }

    fn server(&self) -> Program {
        Program { names: &["postgres"], package: PACKAGE }
    }

    fn refuses_root(&self) -> bool {
        true
    }

    fn initialize(&self, place: &Place, server: &Path, data: &Path) -> io::Result<Vec<Step>> {
        // It belongs to the server, which may be a link.
        let server = server.canonicalize()?;
        let mut fill = program(place, &server.with_file_name("initdb"));
        fill.arg("-D").arg(data).current_dir(data);
        // There are no local connections, only those to a port.
        fill.args(["-U", USER, "--auth-local=trust", "--auth-host=scram-sha-256"]);
        fill.args(["--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"]);
        let mut create = program(place, &server);
        create.args(["--single", "-c", "password_encryption=scram-sha-256", "-D"]);
        create.arg(data).arg("postgres").current_dir(data);
        let password = place.password();
        let statements =
            format!("ALTER USER {USER} PASSWORD '{password}'\nCREATE DATABASE {USER}\n");
        Ok(vec![
            Step { command: fill, input: String::new() },
            Step { command: create, input: statements },
        ])
    }

    fn serve(&self, place: &Place, server: &Path) -> io::Result<Command> {
        let mut command = program(place, server);
        command.arg("-D").arg(&place.data).current_dir(&place.data);
        command.args(["-p", &place.port.to_string()]);
        for setting in ["listen_addresses=127.0.0.1", "unix_socket_directories="] {
            command.args(["-c", setting]);
        }
        Ok(command)
    }

    /// Fast shutdown: TERM would wait for all clients.
    fn stop_signal(&self) -> Signal {
        Signal::INT
    }

    fn probe(&self, place: &Place) -> Option<Client> {
        Some(client(place, PSQL, &["-X", "-A", "-t", "-c", "select 'ready'"]))
    }

    fn url(&self, place: &Place) -> String {
        format!("postgres://{USER}:{}@127.0.0.1:{}/{USER}", place.password(), place.port)
    }

    fn console(&self, place: &Place) -> Option<Client> {
        Some(client(place, PSQL, &[]))
    }

    /// The dump replaces what it finds, so that it loads again.
    fn export(&self, place: &Place) -> Option<Client> {
        let options = ["--no-acl", "--no-owner", "--clean", "--if-exists"];
        Some(client(place, PG_DUMP, &options))
    }

    fn import(&self, place: &Place) -> Option<Import> {
        let options = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "--single-transaction", "-f", "-"];
        let marks = Marks {
            begin: "-- PostgreSQL database dump",
            end: "-- PostgreSQL database dump complete",
        };
        Some(Import::Client { client: client(place, PSQL, &options), marks })
    }
}

fn client(place: &Place, program: Program, more: &[&str]) -> Client {
    let port = place.port.to_string();
    let server = ["-h", "127.0.0.1", "-p", &port, "-U", USER, "-d", USER];
    Client::new(program, server.into_iter().chain(more.iter().copied()))
        .env("PGPASSWORD", place.password())
}
