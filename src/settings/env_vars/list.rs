//! The lists of variables, from which the documentation is generated.

/// A variable's name and effect, for documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// The name in the environment.
    pub name: &'static str,
    /// What it does, and its default.
    pub what: &'static str,
}

/// The documented variables, in the order of the documentation.
#[rustfmt::skip] // a table
pub const ALL: &[Variable] = &[
    Variable { name: "RACK_URL", what: "The rack's address, https://convox:PASSWORD@HOST. Overrides every other choice of a rack." },
    Variable { name: "CONVOX_RACK", what: "The rack to use if --rack is not given: its name, or a unique part of it. `dev` is the development rack." },
    Variable { name: "CONVOX_APP", what: "The app to use if neither an argument nor --app names one." },
    Variable { name: "CONVOX_HOST", what: "The host of the console, instead of that of the last login." },
    Variable { name: "CONVOX_PASSWORD", what: "The password or token for the console, instead of the stored one." },
    Variable { name: "CONVOX_TOKEN", what: "The token that `login` uses if --token is not given." },
    Variable { name: "CONVOX_CONFIG", what: "The settings directory. Default: `convox` in XDG_CONFIG_HOME, or in ~/.config (macOS: `~/Library/Preferences`)." },
    Variable { name: "CONVOX_DATA", what: "The data directory of the development rack. Default: `convox/rack` in XDG_DATA_HOME, or in ~/.local/share (macOS: `~/Library/Application Support`)." },
    Variable { name: "CONVOX_ACTOR", what: "The name of the user, for the rack's audit log." },
    Variable { name: "USER", what: "Who changes a budget, if CONVOX_ACTOR is not set." },
    Variable { name: "USERNAME", what: "The same, if USER is not set." },
    Variable { name: "CONVOX_DEBUG", what: "`true` or `1`: print a line on stderr for each request and socket, like --debug." },
    Variable { name: "CONVOX_STYLE", what: "`classic` (the default) or `v3`: the style of deploy, releases, releases promote and apps if --style is not given." },
    Variable { name: "CONVOX_WAIT", what: "`true` or `1`: wait, as if --wait were given to every command that has it." },
    Variable { name: "CONVOX_CA_CERT", what: "A PEM file with certificate authorities to trust in addition to the system's." },
    Variable { name: "CONVOX_TRUST", what: "The SHA-256 fingerprint of a rack's certificate to trust." },
    Variable { name: "CONVOX_RETRY", what: "How long to retry failed requests, in seconds. Default: 60; 0 disables retries." },
    Variable { name: "CONVOX_CONNECT_TIMEOUT", what: "Time limit for connecting. Default: 10s." },
    Variable { name: "CONVOX_READ_TIMEOUT", what: "Time limit for the response to a request that only reads. Default: 60s." },
    Variable { name: "CONVOX_CHANGE_TIMEOUT", what: "Time limit for the response to a request that changes something, or to an upload. Default: 15m." },
    Variable { name: "CONVOX_STALL_TIMEOUT", what: "Time limit for a transfer without progress. Default: 60s." },
    Variable { name: "CONVOX_PING_INTERVAL", what: "Time between pings on a socket. Default: 10s." },
    Variable { name: "CONVOX_SOCKET_TIMEOUT", what: "Time after which a socket is given up if the other end acknowledges nothing. Default: 20s." },
    Variable { name: "XDG_CONFIG_HOME", what: "The parent of the settings directory, if an absolute path. See CONVOX_CONFIG." },
    Variable { name: "XDG_DATA_HOME", what: "The parent of the development rack's data directory, if an absolute path. See CONVOX_DATA." },
    Variable { name: "HOME", what: "The home directory." },
    Variable { name: "PWD", what: "The working directory as the shell spells it, for the default name of the app." },
    Variable { name: "X_DEV_ALLOW_HTTP", what: "`true`: connect to the console over plain HTTP (for tests)." },
    Variable { name: "TEST", what: "`true`: send no git commit with a build." },
    Variable { name: "NO_COLOR", what: "Any value: no colors." },
    Variable { name: "TERM", what: "`dumb`, empty or unset: no colors, and no lines that are redrawn." },
    Variable { name: "PATH", what: "Where git, terraform and the commands of the development rack's services are found." },
    Variable { name: "LANG", what: "Passed to the services of the development rack." },
    Variable { name: "TMPDIR", what: "The directory for temporary files. Passed to the services of the development rack." },
];

/// Variables that only tune the client, for tests. They may change at any time.
pub const UNDOCUMENTED: &[&str] =
    &["CONVOX_LOOK_TIME", "CONVOX_FIRST_CONTACT_TIME", "CONVOX_LOG_GRACE", "CONVOX_POLL_INTERVAL"];

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
