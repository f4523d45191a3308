//! The system user of servers that refuse to run as root.

use std::fs;
use std::io;
use std::path::Path;

use tokio::process::Command;

/// In order of preference. Database packages create the first one.
const USERS: [&str; 2] = ["postgres", "nobody"];

/// A system user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Account {
    user: u32,
    group: u32,
}

impl Account {
    /// Returns the user to run servers as; `None` if the rack's own user is not root.
    ///
    /// # Errors
    /// There is no such user.
    pub(super) fn instead_of_root() -> io::Result<Option<Self>> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let users = fs::read_to_string("/etc/passwd")?;
        let found = USERS.iter().find_map(|name| find(&users, name));
        let missing = || {
            io::Error::other(
                "it refuses to run as root, and this system has no user postgres or nobody",
            )
        };
        found.ok_or_else(missing).map(Some)
    }

    /// Makes a command run as this user.
    pub(super) fn applies_to(self, command: &mut Command) {
        command.uid(self.user).gid(self.group);
    }

    /// Gives a directory to this user.
    pub(super) fn owns(self, path: &Path) -> io::Result<()> {
        std::os::unix::fs::chown(path, Some(self.user), Some(self.group))
    }
}

/// Finds a user in the text of passwd(5): `NAME:PASSWORD:UID:GID:…`.
fn find(users: &str, name: &str) -> Option<Account> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then_some(())?;
        let user = fields.nth(1)?.parse().ok()?;
        Some(Account { user, group: fields.next()?.parse().ok()? })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let users = "root:x:0:0:root:/root:/bin/sh\npostgresql:x:7:8::/:\npostgres:x:101:104::/:\n";
        assert_eq!(find(users, "postgres"), Some(Account { user: 101, group: 104 }));
        assert_eq!(find(users, "nobody"), None);
        assert_eq!(find("postgres:x:many", "postgres"), None);
    }
}
