//! What `build` and `deploy` take.

use std::path::PathBuf;

use crate::flows::build::Request;
use convox_client::rack::BuildOptions;

// The source and how it is built.
#[derive(clap::Args)]
pub(super) struct SourceFlags {
    /// Directory to build
    #[arg(value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// Build argument for the Dockerfile; can be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = build_arg)]
    build_args: Vec<String>,
    /// Description of the build; defaults to the last git commit, if no tracked file has changed
    #[arg(short, long, value_name = "TEXT")]
    description: Option<String>,
    /// Build for development
    #[arg(long)]
    development: bool,
    /// Manifest to use instead of convox.yml
    #[arg(short, long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// Ask the rack to build without its cache; v3 racks use it anyway
    #[arg(long)]
    no_cache: bool,
    /// Serve a wildcard domain (v2 racks)
    #[arg(long)]
    wildcard_domain: bool,
    /// Create the app if it does not exist
    #[arg(long)]
    create: bool,
}

/// Racks join the arguments with commas and split them at each one.
fn build_arg(text: &str) -> Result<String, String> {
    if !text.contains('=') {
        return Err("KEY=VALUE expected".to_owned());
    }
    if text.contains(',') {
        return Err("racks split build arguments at commas, so they cannot contain any".to_owned());
    }
    Ok(text.to_owned())
}

impl SourceFlags {
    pub(super) fn request(self) -> Request {
        let options = BuildOptions {
            build_args: self.build_args,
            description: self.description,
            development: self.development,
            no_cache: self.no_cache,
            wildcard_domain: self.wildcard_domain,
            ..BuildOptions::default()
        };
        Request { dir: self.dir, manifest: self.manifest, create: self.create, options }
    }
}
