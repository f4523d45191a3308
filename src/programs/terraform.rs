//! Terraform, which installs and changes the racks of this machine: reads its outputs, and runs it.

mod run;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

use super::{ProgramError, output};

pub(crate) use run::{Printed, RunError, run};

/// How long Terraform may take; it may have to fetch its state from a remote backend.
const LIMIT: Duration = Duration::from_secs(20);

/// The outputs of a rack's Terraform directory that a client needs.
#[derive(Debug, Default)]
pub struct Outputs {
    /// The rack's URL with its password; `None` until the rack is installed.
    pub api: Option<SecretString>,
    /// The cloud provider, for example `aws`.
    pub provider: Option<String>,
}

/// Why the outputs could not be read.
#[derive(Debug, thiserror::Error)]
pub enum TerraformError {
    /// Terraform did not run.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// Terraform exited with an error.
    #[error("terraform output failed in {0}")]
    Failed(String),
    /// Terraform did not print JSON. The text is not repeated, as it may contain passwords.
    #[error("terraform output in {0} did not print JSON")]
    Format(String),
}

#[derive(Deserialize)]
struct Raw {
    api: Option<RawOutput>,
    provider: Option<RawOutput>,
}

#[derive(Deserialize)]
struct RawOutput {
    value: serde_json::Value,
}

/// Reads the outputs of the rack whose Terraform configuration is in `dir`.
///
/// # Errors
/// Fails if Terraform is not installed, fails, takes too long, or prints something unexpected.
pub fn outputs(dir: &Path) -> Result<Outputs, TerraformError> {
    let mut terraform = Command::new("terraform");
    let output = output(terraform.args(["output", "-json"]).current_dir(dir), LIMIT)?;
    if !output.status.success() {
        return Err(TerraformError::Failed(dir.display().to_string()));
    }
    parse(&output.stdout).ok_or_else(|| TerraformError::Format(dir.display().to_string()))
}

fn parse(json: &[u8]) -> Option<Outputs> {
    let raw: Raw = serde_json::from_slice(json).ok()?;
    Some(Outputs {
        api: raw.api.and_then(text).map(SecretString::from),
        provider: raw.provider.and_then(text),
    })
}

fn text(output: RawOutput) -> Option<String> {
    output.value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn url_and_provider_are_read_and_other_outputs_ignored() {
        let json = br#"{
            "api": {"sensitive": true, "type": "string", "value": "https://convox:pw@api.test"},
            "provider": {"sensitive": false, "type": "string", "value": "aws"},
            "release": {"sensitive": false, "type": "string", "value": "3.24.6"}
        }"#;
        let outputs = parse(json).unwrap();
        assert_eq!(outputs.api.as_ref().unwrap().expose_secret(), "https://convox:pw@api.test");
        assert_eq!(outputs.provider.as_deref(), Some("aws"));
        assert!(!format!("{outputs:?}").contains("pw@"));
    }

    #[test]
    fn a_rack_that_is_not_installed_has_no_outputs() {
        for json in [&b"{}"[..], br#"{"api": {"value": ""}}"#, br#"{"api": {"value": null}}"#] {
            let outputs = parse(json).unwrap();
            assert!(outputs.api.is_none() && outputs.provider.is_none());
        }
    }

    #[test]
    fn unexpected_texts_are_refused() {
        for json in [&b""[..], b"Warning: no outputs", b"[]", br#"{"api": "x"}"#] {
            assert!(parse(json).is_none());
        }
    }
}
