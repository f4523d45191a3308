//! What Terraform knows of a rack that was installed from this machine.

use std::path::Path;
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;

use super::{ProgramError, run};

/// Terraform may have to fetch its state from elsewhere.
const LIMIT: Duration = Duration::from_secs(20);

/// The outputs of a rack's Terraform folder that matter to a client.
#[derive(Debug, Default)]
pub struct Outputs {
    /// The rack's address with its password; none until the rack is installed.
    pub api: Option<SecretString>,
    /// For example `aws`.
    pub provider: Option<String>,
}

/// Why Terraform told nothing.
#[derive(Debug, thiserror::Error)]
pub enum TerraformError {
    /// It did not run.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// It failed.
    #[error("terraform output failed in {0}: run it there to see why")]
    Failed(String),
    /// It wrote something else than JSON. The text is not repeated: it may hold passwords.
    #[error("terraform output in {0} wrote something else than JSON: run it there to see what")]
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

/// Asks Terraform for the outputs of the rack in `folder`.
///
/// # Errors
/// Terraform is missing, fails, hangs, or answers in another form.
pub fn outputs(folder: &Path) -> Result<Outputs, TerraformError> {
    let shown = || folder.display().to_string();
    let output = run("terraform", &["output", "-json"], folder, LIMIT)?;
    if !output.status.success() {
        return Err(TerraformError::Failed(shown()));
    }
    parse(&output.stdout).ok_or_else(|| TerraformError::Format(shown()))
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
    fn address_and_provider_are_read_and_the_rest_is_left() {
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
    fn a_rack_that_is_not_installed_yet_has_no_outputs() {
        for json in [&b"{}"[..], br#"{"api": {"value": ""}}"#, br#"{"api": {"value": null}}"#] {
            let outputs = parse(json).unwrap();
            assert!(outputs.api.is_none() && outputs.provider.is_none());
        }
    }

    #[test]
    fn other_texts_are_no_outputs() {
        for json in [&b""[..], b"Warning: no outputs", b"[]", br#"{"api": "x"}"#] {
            assert!(parse(json).is_none());
        }
    }
}
