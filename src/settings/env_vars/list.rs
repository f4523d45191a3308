//! The list of variables, from which the documentation is generated.

/// A variable's name and effect, for documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// The name in the environment.
    pub name: &'static str,
    /// What it does, and its default.
    pub help: &'static str,
    /// Left out of the documentation: tuning for tests, which may change at any time.
    pub hidden: bool,
}

impl Variable {
    const fn new(name: &'static str, help: &'static str) -> Self {
        Self { name, help, hidden: false }
    }

    const fn hidden(name: &'static str, help: &'static str) -> Self {
        Self { name, help, hidden: true }
    }
}

/// Returns the documented variables, in the order of the documentation.
pub fn documented() -> impl Iterator<Item = &'static Variable> {
    ALL.iter().filter(|variable| !variable.hidden)
}

/// Every variable that is read, in the order of the documentation.
#[rustfmt::skip] // a table
pub const ALL: &[Variable] = &[
    Variable::new("RACK_URL", "The rack's address, https://convox:PASSWORD@HOST. Overrides every other choice of a rack."),
    Variable::new("CONVOX_RACK", "The rack to use if --rack is not given: its name, or a unique part of it. `dev` is the development rack."),
    Variable::new("CONVOX_APP", "The app to use if neither an argument nor --app names one."),
    Variable::new("CONVOX_HOST", "The host of the console, instead of that of the last login."),
    Variable::new("CONVOX_PASSWORD", "The password or token for the console, instead of the stored one."),
    Variable::new("CONVOX_TOKEN", "The token that `login` uses if --token is not given."),
    Variable::new("CONVOX_CONFIG", "The settings directory. Default: `convox` in XDG_CONFIG_HOME, or in ~/.config (macOS: `~/Library/Preferences`)."),
    Variable::new("CONVOX_DATA", "The data directory of the development rack. Default: `convox/rack` in XDG_DATA_HOME, or in ~/.local/share (macOS: `~/Library/Application Support`)."),
    Variable::new("CONVOX_ACTOR", "The name of the user, for the rack's audit log."),
    Variable::new("CONVOX_DEBUG", "`true` or `1`: print a line on stderr for each request and socket, like --debug."),
    Variable::new("CONVOX_STYLE", "`classic` (the default) or `v3`: the style of deploy, releases, releases promote and apps if --style is not given."),
    Variable::new("CONVOX_WAIT", "`true` or `1`: wait, as if --wait were given to every command that has it."),
    Variable::new("CONVOX_CA_CERT", "A PEM file with certificate authorities to trust in addition to the system's."),
    Variable::new("CONVOX_TRUST", "The SHA-256 fingerprint of a rack's certificate to trust."),
    Variable::new("CONVOX_RETRY", "How long to retry failed requests, in seconds. Default: 60; 0 disables retries."),
    Variable::new("CONVOX_CONNECT_TIMEOUT", "Time limit for connecting. Default: 10s."),
    Variable::new("CONVOX_READ_TIMEOUT", "Time limit for the response to a request that only reads. Default: 60s."),
    Variable::new("CONVOX_CHANGE_TIMEOUT", "Time limit for the response to a request that changes something, or to an upload. Default: 15m."),
    Variable::new("CONVOX_STALL_TIMEOUT", "Time limit for a transfer without progress. Default: 60s."),
    Variable::new("CONVOX_PING_INTERVAL", "Time between pings on a socket. Default: 10s."),
    Variable::new("CONVOX_SOCKET_TIMEOUT", "Time after which a socket is given up if the other end acknowledges nothing. Default: 20s."),
    Variable::hidden("CONVOX_LOOK_TIME", "How long to search for a build, promote or release whose response was lost. Default: 15s."),
    Variable::hidden("CONVOX_FIRST_CONTACT_TIME", "How long to retry while the rack has not responded to this command yet. Default: 5s."),
    Variable::hidden("CONVOX_LOG_GRACE", "How long to wait for the rest of a build's log once the build has ended. Default: 2s."),
    Variable::hidden("CONVOX_POLL_INTERVAL", "The first pause between two polls of a wait, which grows to three times as long. Default: 250ms."),
    Variable::new("XDG_CONFIG_HOME", "The parent of the settings directory, if an absolute path. See CONVOX_CONFIG."),
    Variable::new("XDG_DATA_HOME", "The parent of the development rack's data directory, if an absolute path. See CONVOX_DATA."),
    Variable::new("HOME", "The home directory."),
    Variable::new("PWD", "The working directory as the shell spells it, for the default name of the app."),
    Variable::new("X_DEV_ALLOW_HTTP", "`true`: connect to the console over plain HTTP (for tests)."),
    Variable::new("TEST", "`true`: send no git commit with a build."),
    Variable::new("NO_COLOR", "Any value: no colors."),
    Variable::new("TERM", "`dumb`, empty or unset: no colors, and no lines that are redrawn."),
    Variable::new("PATH", "Where git, terraform and the commands of the development rack's services are found."),
    Variable::new("LANG", "Passed to the services of the development rack."),
    Variable::new("TMPDIR", "The directory for temporary files. Passed to the services of the development rack."),
];
