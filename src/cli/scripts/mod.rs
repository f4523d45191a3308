//! Completion scripts: those of clap, and around them a function that asks this program for the
//! names that a rack has.
//!
//! clap's own engine for names that are known only at run time is unstable, and has neither a time
//! limit nor a cache.

use std::fmt::Write;

use clap_complete::Shell;

use super::full_command;
use super::live;

/// How the function for the whole program begins in the scripts of clap for bash and zsh.
const FUNCTION: &str = "\n_convox() {\n";

/// The script for a shell.
pub(super) fn completions(shell: Shell) -> String {
    let script = of_clap(shell);
    match shell {
        Shell::Bash => around(&script, include_str!("convox.bash")),
        Shell::Zsh => around(&script, include_str!("convox.zsh")),
        Shell::Fish => script + &for_fish(),
        _ => script,
    }
}

fn of_clap(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut full_command(), "convox", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// Puts our function in place of clap's, which it calls for everything that is not on a rack.
fn around(script: &str, ours: &str) -> String {
    let script = format!("\n{script}");
    let renamed = format!("\n{ours}_convox_static() {{\n");
    script.replacen(FUNCTION, &renamed, 1).trim_start().to_owned()
}

/// fish completes the value of an option only from lines about this option.
fn for_fish() -> String {
    let mut script = include_str!("convox.fish").to_owned();
    for (short, long) in live::options(&full_command()) {
        let short = short.map_or(String::new(), |short| format!(" -s {short}"));
        // Writing to a string never fails.
        let _ = writeln!(
            script,
            "complete -c convox{short} -l {long} -x -k -n __convox_is_live -a '(__convox_names)'"
        );
    }
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_function_of_clap_is_found_in_its_scripts() {
        for shell in [Shell::Bash, Shell::Zsh] {
            assert_eq!(format!("\n{}", of_clap(shell)).matches(FUNCTION).count(), 1, "{shell}");
            let script = format!("\n{}", completions(shell));
            for function in ["\n_convox() {\n", "\n_convox_static() {\n"] {
                assert_eq!(script.matches(function).count(), 1, "{shell}: {function}");
            }
        }
        assert!(completions(Shell::Zsh).starts_with("#compdef convox\n"));
    }
}
