//! The lists of variables, from which the documentation is generated.

/// A variable's name and effect, for documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// The name in the environment.
    pub name: &'static str,
    /// What it does, and its default.
    pub what: &'static str,
    /// The commands whose help names it.
    pub used_by: UsedBy,
}

/// What makes use of a variable or a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsedBy {
    /// Commands that talk to a rack.
    Rack,
    /// Commands that talk to a machine.
    Machine,
    /// Commands that act on an app.
    App,
    /// Commands with both output styles.
    Style,
    /// Commands with `--wait`.
    Wait,
    /// Commands that package a directory.
    Source,
    /// `login`.
    Login,
    /// Commands that read or change the settings directory.
    Settings,
    /// Commands that manage the development rack.
    DevRack,
    /// Most commands, so that only the list of all variables names it.
    Any,
}

/// Variables that the program does not read itself.
pub const LIBRARIES: &[(&str, &str)] = &[
    (
        "`HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`",
        "Proxies for requests and sockets. `NO_PROXY` lists what is reached without one, as for \
         curl and Go programs: `*`, hosts with their subdomains, `*.domain`, IP addresses and CIDR \
         blocks, also with a port. A rack on the loopback interface is never reached through a \
         proxy.",
    ),
    (
        "`SSL_CERT_FILE`, `SSL_CERT_DIR`",
        "Where the certificate authorities of the system are, instead of the usual places.",
    ),
];

/// The documented variables, in the order of the documentation.
#[rustfmt::skip] // a table
pub const ALL: &[Variable] = &[
    Variable { name: "RACK_URL", used_by: UsedBy::Rack, what: "The rack's address, https://convox:PASSWORD@HOST. Overrides every other choice of a rack." },
    Variable { name: "CONVOX_RACK", used_by: UsedBy::Rack, what: "The rack to use if --rack is not given: its name, or a unique part of it. `dev` is the development rack." },
    Variable { name: "CONVOX_MACHINE", used_by: UsedBy::Machine, what: "The machine that `cloud` commands use if --machine is not given: its name, or a unique part of organization/name." },
    Variable { name: "CONVOX_APP", used_by: UsedBy::App, what: "The app to use if neither an argument nor --app names one." },
    Variable { name: "CONVOX_HOST", used_by: UsedBy::Settings, what: "The host of the console, instead of that of the last login." },
    Variable { name: "CONVOX_PASSWORD", used_by: UsedBy::Settings, what: "The password or token for the console, instead of the stored one." },
    Variable { name: "CONVOX_TOKEN", used_by: UsedBy::Login, what: "The token that `login` uses if --token is not given." },
    Variable { name: "CONVOX_CONFIG", used_by: UsedBy::Settings, what: "The settings directory. Default: `convox` in XDG_CONFIG_HOME, or in ~/.config (macOS: `~/Library/Preferences`)." },
    Variable { name: "CONVOX_DATA", used_by: UsedBy::DevRack, what: "The data directory of the development rack. Default: `convox/rack` in XDG_DATA_HOME, or in ~/.local/share (macOS: `~/Library/Application Support`)." },
    Variable { name: "CONVOX_ACTOR", used_by: UsedBy::Any, what: "The name of the user, for the rack's audit log." },
    Variable { name: "USER", used_by: UsedBy::Any, what: "Who changes a budget, if CONVOX_ACTOR is not set." },
    Variable { name: "USERNAME", used_by: UsedBy::Any, what: "The same, if USER is not set." },
    Variable { name: "CONVOX_DEBUG", used_by: UsedBy::Any, what: "`true` or `1`: print a line on stderr for each request and socket, like --debug." },
    Variable { name: "CONVOX_STYLE", used_by: UsedBy::Style, what: "`classic` (the default) or `v3`: the style of deploy, releases, releases promote and apps if --style is not given." },
    Variable { name: "CONVOX_WAIT", used_by: UsedBy::Wait, what: "`true` or `1`: wait, as if --wait were given to every command that has it." },
    Variable { name: "CONVOX_CA_CERT", used_by: UsedBy::Rack, what: "A PEM file with certificate authorities to trust in addition to the system's." },
    Variable { name: "CONVOX_TRUST", used_by: UsedBy::Rack, what: "The SHA-256 fingerprint of a rack's certificate to trust." },
    Variable { name: "CONVOX_RETRY", used_by: UsedBy::Rack, what: "How long to retry failed requests, in seconds. Default: 60; 0 disables retries." },
    Variable { name: "CONVOX_CONNECT_TIMEOUT", used_by: UsedBy::Any, what: "Time limit for connecting. Default: 10s." },
    Variable { name: "CONVOX_READ_TIMEOUT", used_by: UsedBy::Any, what: "Time limit for the response to a request that only reads. Default: 60s." },
    Variable { name: "CONVOX_CHANGE_TIMEOUT", used_by: UsedBy::Any, what: "Time limit for the response to a request that changes something, or to an upload. Default: 15m." },
    Variable { name: "CONVOX_STALL_TIMEOUT", used_by: UsedBy::Any, what: "Time limit for a transfer without progress. Default: 60s." },
    Variable { name: "CONVOX_PING_INTERVAL", used_by: UsedBy::Any, what: "Time between pings on a socket. Default: 10s." },
    Variable { name: "CONVOX_SOCKET_TIMEOUT", used_by: UsedBy::Any, what: "Time after which a socket is given up if the other end acknowledges nothing. Default: 20s." },
    Variable { name: "CONVOX_TERRAFORM_SOURCE", used_by: UsedBy::Any, what: "The source of the Terraform module of racks that Terraform manages on this machine, with `%s` for the provider. Default: that of the rack's version on GitHub." },
    Variable { name: "DIGITALOCEAN_ACCESS_ID", used_by: UsedBy::Any, what: "With DIGITALOCEAN_SECRET_KEY and DIGITALOCEAN_TOKEN: the credentials that are written to `main.tf` of a Terraform rack on DigitalOcean." },
    Variable { name: "DIGITALOCEAN_SECRET_KEY", used_by: UsedBy::Any, what: "See DIGITALOCEAN_ACCESS_ID." },
    Variable { name: "DIGITALOCEAN_TOKEN", used_by: UsedBy::Any, what: "See DIGITALOCEAN_ACCESS_ID." },
    Variable { name: "XDG_CONFIG_HOME", used_by: UsedBy::Any, what: "The parent of the settings directory, if an absolute path. See CONVOX_CONFIG." },
    Variable { name: "XDG_DATA_HOME", used_by: UsedBy::Any, what: "The parent of the development rack's data directory, if an absolute path. See CONVOX_DATA." },
    Variable { name: "HOME", used_by: UsedBy::Any, what: "The home directory." },
    Variable { name: "PWD", used_by: UsedBy::Any, what: "The working directory as the shell spells it, for the default name of the app." },
    Variable { name: "X_DEV_ALLOW_HTTP", used_by: UsedBy::Any, what: "`true`: connect to the console over plain HTTP (for tests)." },
    Variable { name: "TEST", used_by: UsedBy::Source, what: "`true`: send no git commit with a build." },
    Variable { name: "NO_COLOR", used_by: UsedBy::Any, what: "Any value: no colors." },
    Variable { name: "TERM", used_by: UsedBy::Any, what: "`dumb`, empty or unset: no colors, and no lines that are redrawn." },
    Variable { name: "BROWSER", used_by: UsedBy::Any, what: "The program in which `open` shows an address, instead of the system's." },
    Variable { name: "VISUAL", used_by: UsedBy::Any, what: "The program that `env edit` opens, with its options. Default: EDITOR." },
    Variable { name: "EDITOR", used_by: UsedBy::Any, what: "The same, if VISUAL is not set. Default: vi." },
    Variable { name: "PAGER", used_by: UsedBy::Any, what: "The program that `man` shows text with if the program man is not installed. Default: less." },
    Variable { name: "PATH", used_by: UsedBy::Any, what: "Where git, terraform and the commands of the development rack's services are found." },
    Variable { name: "LANG", used_by: UsedBy::Any, what: "Passed to the services of the development rack." },
    Variable { name: "TMPDIR", used_by: UsedBy::Source, what: "The directory for temporary files. Passed to the services of the development rack." },
];

/// Variables that only tune the client, for tests. They may change at any time.
pub const UNDOCUMENTED: &[&str] = &[
    "CONVOX_RELEASES_URL",
    "CONVOX_LOOK_TIME",
    "CONVOX_FIRST_CONTACT_TIME",
    "CONVOX_LOG_GRACE",
    "CONVOX_POLL_INTERVAL",
];

/// The credentials that the Terraform module of racks on DigitalOcean takes, and their variables.
pub const DIGITAL_OCEAN: [(&str, &str); 3] = [
    ("access_id", "DIGITALOCEAN_ACCESS_ID"),
    ("secret_key", "DIGITALOCEAN_SECRET_KEY"),
    ("token", "DIGITALOCEAN_TOKEN"),
];

/// The variables that build steps of the development rack inherit in addition to those of services:
/// where toolchains are installed, and proxies.
pub const BUILD_VARIABLES: [&str; 12] = [
    "RUSTUP_HOME",
    "CARGO_HOME",
    "JAVA_HOME",
    "NVM_DIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
];
