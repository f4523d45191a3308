use std::io;
use std::path::Path;

use tokio::process::Command;

use super::{Client, Driver, Import, Marks, Place, Program, Step, program};
use crate::resources::place::USER;

const PACKAGE: &str = "mariadb-server";
const CLIENT: Program = Program { names: &["mariadb", "mysql"], package: "mariadb-client" };
const DUMP: Program = Program { names: &["mariadb-dump", "mysqldump"], package: "mariadb-client" };

/// MariaDB or MySQL. Apps can use either with the same drivers, so each stands in for the other.
pub(super) struct MySql {
    pub(super) prefers_mariadb: bool,
}

impl Driver for MySql {
    fn name(&self) -> &'static str {
        if self.prefers_mariadb { "mariadb" } else { "mysql" }
    }

    fn server(&self) -> Program {
        let names: &[&str] =
            if self.prefers_mariadb { &["mariadbd", "mysqld"] } else { &["mysqld", "mariadbd"] };
        Program { names, package: PACKAGE }
    }

    fn initialize(&self, place: &Place, server: &Path, data: &Path) -> io::Result<Vec<Step>> {
        let mut command = if is_mariadb(server) {
            let installer = Program { names: &["mariadb-install-db"], package: PACKAGE };
            let installer = installer.find(&place.base).map_err(io::Error::other)?;
            let mut command = program(place, &installer);
            command.args(["--no-defaults", "--skip-test-db"]);
            command.arg("--auth-root-authentication-method=normal");
            command
        } else {
            let mut command = program(place, server);
            command.args(["--no-defaults", "--initialize-insecure"]);
            command
        };
        command.arg(option("--datadir=", data)).args(user()).current_dir(data);
        Ok(vec![Step { command, input: String::new() }])
    }

    fn serve(&self, place: &Place, server: &Path) -> io::Result<Command> {
        let accounts = place.write_private("accounts.sql", &accounts(place.password()))?;
        let mut command = program(place, server);
        command.arg("--no-defaults").arg(option("--datadir=", &place.data)).args(user());
        command.arg(option("--init-file=", &accounts));
        // In the data directory: the system limits the length of its path.
        command.arg("--socket=server.sock");
        command.arg(option("--pid-file=", &place.directory.join("server.pid")));
        command.args(["--bind-address=127.0.0.1", "--skip-name-resolve"]);
        command.args(["--character-set-server=utf8mb4", &format!("--port={}", place.port)]);
        match is_mariadb(server) {
            true => command.arg("--silent-startup"),
            false => command.args(["--log-error-verbosity=2", "--mysqlx=OFF"]),
        };
        Ok(command)
    }

    fn probe(&self, place: &Place) -> Option<Client> {
        Some(client(place, CLIENT, &["-N", "-e", "select 'ready'", USER]))
    }

    fn url(&self, place: &Place) -> String {
        format!("mysql://{USER}:{}@127.0.0.1:{}/{USER}", place.password(), place.port)
    }

    fn console(&self, place: &Place) -> Option<Client> {
        Some(client(place, CLIENT, &[USER]))
    }

    fn export(&self, place: &Place) -> Option<Client> {
        let options =
            ["--single-transaction", "--routines", "--triggers", "--no-tablespaces", USER];
        Some(client(place, DUMP, &options))
    }

    fn import(&self, place: &Place) -> Option<Import> {
        let marks = Marks { begin: "-- Host: ", end: "-- Dump completed" };
        Some(Import::Client { client: client(place, CLIENT, &["--batch", USER]), marks })
    }
}

/// Whether a server is MariaDB, whose packages call it by both names.
fn is_mariadb(server: &Path) -> bool {
    let target = server.canonicalize().unwrap_or_else(|_| server.to_owned());
    target.file_name().is_some_and(|name| name.to_string_lossy().contains("mariadb"))
}

fn option(name: &str, path: &Path) -> std::ffi::OsString {
    let mut option = std::ffi::OsString::from(name);
    option.push(path);
    option
}

/// As root both refuse to run without this option.
fn user() -> Option<&'static str> {
    rustix::process::geteuid().is_root().then_some("--user=root")
}

/// What the server does at each start. The names and the password need no quoting.
fn accounts(password: &str) -> String {
    let hosts = ["localhost", "127.0.0.1"].map(|host| {
        format!(
            "CREATE USER IF NOT EXISTS '{USER}'@'{host}' IDENTIFIED BY '{password}';\n\
             GRANT ALL ON *.* TO '{USER}'@'{host}';\n"
        )
    });
    format!(
        "CREATE DATABASE IF NOT EXISTS {USER} CHARACTER SET utf8mb4;\n\
         ALTER USER 'root'@'localhost' IDENTIFIED BY '{password}';\n{}",
        hosts.concat()
    )
}

fn client(place: &Place, program: Program, more: &[&str]) -> Client {
    let port = format!("--port={}", place.port);
    let user = format!("--user={USER}");
    let server = ["--no-defaults", "--host=127.0.0.1", "--protocol=tcp", &port, &user];
    Client::new(program, server.into_iter().chain(more.iter().copied()))
        .env("MYSQL_PWD", place.password())
}
