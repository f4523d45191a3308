//! What commands know of the command line as a whole. It is passed in, as it is made of commands.

use std::io;

use clap_complete::Shell;

/// The command line of the program.
pub(crate) trait CommandLine {
    /// The completion script for a shell.
    fn completions(&self, shell: Shell) -> String;

    /// The manual page of a command or a topic; `None` if the words name neither.
    ///
    /// # Errors
    /// The page can't be rendered.
    fn manual_page(&self, words: &[String]) -> io::Result<Option<ManualPage>>;

    /// All manual pages.
    ///
    /// # Errors
    /// A page can't be rendered.
    fn manual_pages(&self) -> io::Result<Vec<ManualPage>>;
}

/// A manual page.
pub(crate) struct ManualPage {
    /// The name of its file, such as `convox-deploy.1`.
    pub(crate) file: String,
    /// The page in roff, which `man` reads.
    pub(crate) roff: String,
    /// What `help` prints about the same.
    pub(crate) text: String,
}
