//! A terminal for a program.

use std::fs::{File, OpenOptions};
use std::os::fd::OwnedFd;
use std::process::Stdio;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// Our end of a terminal, and the program's.
pub(crate) struct Pty {
    pub(crate) ours: File,
    theirs: File,
}

impl Pty {
    pub(crate) fn open() -> Self {
        let ours: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap().into_string().unwrap();
        let theirs = OpenOptions::new().read(true).write(true).open(name).unwrap();
        Self { ours: File::from(ours), theirs }
    }

    pub(crate) fn theirs(&self) -> Stdio {
        self.theirs.try_clone().unwrap().into()
    }
}
