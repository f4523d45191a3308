//! Racks that Terraform manages on this machine: a directory with `main.tf` and `vars.json`.

mod files;
mod main_tf;
mod module;
mod vars;

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde::Deserialize;

use crate::context::Context;
use crate::error::{CommandError, ErrorKind};
use crate::event::{Event, ProgramOutput};
use crate::flows::rack_version::Version;
use crate::programs::terraform::{self, Printed};
use crate::settings::{ExposeSecret, env_vars::DIGITAL_OCEAN};
use crate::signals;
use convox_client::rack::SystemUpdate;
use files::Originals;
use main_tf::Configuration;
use vars::Vars;

/// The first version whose module has the variable `rack_name`.
const WITH_RACK_NAME: Version = Version(3, 11, 2);

/// A rack that Terraform manages on this machine.
#[derive(Debug)]
pub(crate) struct TerraformRack {
    name: String,
    dir: PathBuf,
    provider: OnceCell<String>,
}

/// How far a change has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Only files have changed.
    Files,
    /// Terraform may have changed the rack.
    Apply,
}

/// What Terraform keeps in its lock file, as far as people need it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct LockInfo {
    #[serde(rename = "ID")]
    id: String,
    who: String,
    created: String,
}

impl TerraformRack {
    /// The rack `name`, whose `main.tf` is in `dir`. Nothing is read yet.
    pub(crate) fn new(name: String, dir: PathBuf) -> Self {
        Self { name, dir, provider: OnceCell::new() }
    }

    /// Reads its parameters from `vars.json`.
    pub(crate) fn parameters(&self) -> Result<BTreeMap<String, String>, CommandError> {
        Ok(Vars::read(&self.dir)?.parameters())
    }

    /// Reads its version from `vars.json`.
    pub(crate) fn release(&self) -> Result<String, CommandError> {
        let release = Vars::read(&self.dir)?.release().map(str::to_owned);
        release.ok_or_else(|| {
            let file = self.dir.join(vars::FILE);
            CommandError::new("could not determine current release")
                .hint(format!("add it to {} as \"release\"", file.display()))
        })
    }

    /// Returns its provider, a Terraform output.
    pub(crate) fn provider(&self) -> Result<&str, CommandError> {
        if let Some(provider) = self.provider.get() {
            return Ok(provider);
        }
        let outputs = terraform::outputs(&self.dir)?;
        let Some(provider) = outputs.provider else {
            let dir = self.dir.display();
            return Err(CommandError::new(format!(
                "rack {} is not installed: Terraform has no state of it in {dir}",
                self.name
            ))
            .hint(format!("if its installation was interrupted, run terraform apply in {dir}")));
        };
        Ok(self.provider.get_or_init(|| provider))
    }

    /// Changes parameters or the version: writes `vars.json` and `main.tf`, and has Terraform apply
    /// them. If it does not, the files are put back.
    ///
    /// A signal is passed on to Terraform, whose end is waited for.
    pub(crate) async fn change(
        &self,
        cx: &Context,
        change: &SystemUpdate,
    ) -> Result<(), CommandError> {
        let _lock = files::lock(&self.dir)?;
        self.refuse_if_locked()?;
        self.provider()?;
        let claim = signals::claim();
        let mut originals = Originals::default();
        let mut stage = Stage::Files;
        let changed = self.write_and_apply(cx, change, &mut originals, &mut stage).await;
        let ended = match changed {
            Ok(()) => Ok(()),
            Err(error) => Err(self.undone(error, stage, originals)),
        };
        claim.release().await;
        ended
    }

    async fn write_and_apply(
        &self,
        cx: &Context,
        change: &SystemUpdate,
        originals: &mut Originals,
        stage: &mut Stage,
    ) -> Result<(), CommandError> {
        let mut vars = Vars::read(&self.dir)?;
        let release = match &change.version {
            Some(version) => version.clone(),
            None => self.release()?,
        };
        vars.set(&change.parameters);
        vars.set_release(&release, &self.name);
        originals.replace(&self.dir.join(vars::FILE), &vars.text()?)?;
        let mut variables = self.variables(cx, &vars, &release)?;
        self.write_main(cx, originals, &variables, &release)?;
        self.run(cx, &["init", "-force-copy", "-no-color", "-upgrade"], false).await?;
        if self.leave_out_unsupported(cx, &mut variables, change, &release)? {
            self.write_main(cx, originals, &variables, &release)?;
        }
        *stage = Stage::Apply;
        self.run(cx, &["apply", "-auto-approve", "-no-color"], true).await
    }

    /// The variables of the module.
    fn variables(
        &self,
        cx: &Context,
        vars: &Vars,
        release: &str,
    ) -> Result<BTreeMap<String, String>, CommandError> {
        let mut variables = vars.all().clone();
        if Version::parse(release).is_some_and(|version| version >= WITH_RACK_NAME) {
            variables.entry("rack_name".to_owned()).or_insert_with(|| self.name.clone());
        }
        if self.provider()? == "do" {
            let given = &cx.settings.env.digital_ocean;
            for (name, secret) in given {
                let value = || secret.expose_secret().to_owned();
                variables.entry((*name).to_owned()).or_insert_with(value);
            }
            let missing = DIGITAL_OCEAN.iter().filter(|(name, _)| !variables.contains_key(*name));
            let missing: Vec<_> = missing.map(|(_, variable)| *variable).collect();
            if !missing.is_empty() {
                return Err(CommandError::new(format!("required env: {}", missing.join(", ")))
                    .hint("set these environment variables to the credentials of DigitalOcean"));
            }
        }
        Ok(variables)
    }

    fn write_main(
        &self,
        cx: &Context,
        originals: &mut Originals,
        variables: &BTreeMap<String, String>,
        release: &str,
    ) -> Result<(), CommandError> {
        let provider = self.provider()?;
        let own = cx.settings.env.terraform_source.as_deref();
        let source = main_tf::source(own, provider, release);
        let configuration = Configuration { source, provider, release, variables };
        originals.replace(&self.dir.join(main_tf::FILE), &configuration.text()?)
    }

    /// Leaves variables out of `main.tf` that the module of this version does not have; `vars.json`
    /// keeps them for one that does. Returns whether there are any.
    fn leave_out_unsupported(
        &self,
        cx: &Context,
        variables: &mut BTreeMap<String, String>,
        change: &SystemUpdate,
        release: &str,
    ) -> Result<bool, CommandError> {
        let Some(declared) = module::declared(&self.dir) else { return Ok(false) };
        let unsupported: Vec<String> =
            variables.keys().filter(|name| !declared.contains(*name)).cloned().collect();
        if let Some(name) = unsupported.iter().find(|name| change.parameters.contains_key(*name)) {
            return Err(CommandError::new(format!(
                "parameter {name} is not supported by version {release}"
            )));
        }
        variables.retain(|name, _| declared.contains(name));
        if !unsupported.is_empty() {
            cx.notice(format!(
                "leaving out parameters not supported by version {release}: {} (vars.json keeps \
                 them)",
                unsupported.join(", ")
            ));
        }
        Ok(!unsupported.is_empty())
    }

    async fn run(&self, cx: &Context, args: &[&str], completes: bool) -> Result<(), CommandError> {
        let show = |printed| {
            cx.emit(Event::Program(match printed {
                Printed::Out(bytes) => ProgramOutput::Out(bytes),
                Printed::Err(bytes) => ProgramOutput::Err(bytes),
            }))
        };
        terraform::run::<CommandError>(&self.dir, args, completes, show).await
    }

    /// Refuses a rack whose state another run of Terraform has locked.
    fn refuse_if_locked(&self) -> Result<(), CommandError> {
        let path = self.dir.join(".terraform.tfstate.lock.info");
        let Ok(text) = fs::read(&path) else { return Ok(()) };
        let info: LockInfo = serde_json::from_slice(&text).unwrap_or_default();
        let who = match info.who.as_str() {
            "" => String::new(),
            who => format!(" by {who} since {}", info.created),
        };
        let error = CommandError::new(format!(
            "rack {} is being changed: its state is locked{who}",
            self.name
        ))
        .hint("wait until that run of Terraform has ended, and try again");
        Err(match info.id.as_str() {
            "" => error,
            id => error.hint(format!(
                "if no Terraform is running, run terraform force-unlock {id} in {}",
                self.dir.display()
            )),
        })
    }

    /// Puts the files back, and says what is true now.
    fn undone(&self, error: CommandError, stage: Stage, originals: Originals) -> CommandError {
        let name = &self.name;
        let mut state = match stage {
            Stage::Files => format!("rack {name} is unchanged"),
            Stage::Apply => format!(
                "main.tf and vars.json are as before, but Terraform may have changed a part of rack \
                 {name}"
            ),
        };
        if let Err(failure) = originals.restore() {
            state = format!("main.tf and vars.json can't be put back: {failure}");
        }
        let hints = error.hints().to_vec();
        let error = match error.kind() {
            ErrorKind::Ended(signal) => CommandError::ended_while(signal, state),
            kind => CommandError::new(format!("{}; {state}", error.message())).with_kind(kind),
        };
        let error = error.with_hints(hints);
        match stage {
            Stage::Files => error,
            Stage::Apply => error.hint(format!(
                "see what is left to change with terraform plan in {}",
                self.dir.display()
            )),
        }
    }
}
