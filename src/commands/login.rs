use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use crate::context::connection::login_target;
use crate::context::{Confirmation, Context};
use crate::error::{CommandError, Hint};
use crate::event::Event;
use crate::outcome::Outcome;
use crate::settings::{ConfigError, ConfigWriter, RackKind, RackUrl, Scheme, trimmed_secret};
use convox_client::fingerprint::Fingerprint;
use convox_client::rack::{CertificateProblem, Error, Login, Refusal};
use convox_client::transport::{PinnedBy, Trust};

/// Log in to a console, or trust a rack's certificate
///
/// Uses the token from --token, CONVOX_TOKEN, the settings directory, or a prompt. If the console
/// requires a second factor, it is confirmed in the browser.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox login console.convox.com\n  \
                        convox login rack.example.com --trust")]
pub(crate) struct Args {
    /// Host, or host and port
    #[arg(value_name = "HOST", default_value = "console.convox.com")]
    host: String,
    /// Token; CONVOX_TOKEN or the prompt keep it out of the process list
    // 2.x clients call it the password.
    #[arg(short, long, value_name = "TOKEN", value_parser = trimmed_secret)]
    #[arg(alias = "password", short_alias = 'p')]
    token: Option<SecretString>,
    /// Trust the certificate that the host presents now, and no other from then on
    #[arg(long)]
    trust: bool,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    address(cx, &args.host, None)?;
    let token = Token::find(cx, &args).await?;
    let pin = if args.trust { Some(probe_certificate(cx, &args.host).await?) } else { None };
    let attempt = Attempt { cx, host: &args.host, pin };
    let accepted = attempt.log_in(token).await?;
    let address = address(cx, &args.host, None)?;
    let left = rack_left_behind(cx, &args.host);
    cx.write_settings(|config| {
        store(config, &address, &args, &accepted)?;
        if left.is_some() && accepted.login.user.is_some() {
            config.forget_current()
        } else {
            Ok(())
        }
    })
    .await?;
    cx.emit(Event::Done(None))?;
    if let Some(rack) = left.filter(|_| accepted.login.user.is_some()) {
        cx.notice_with(
            format!("{rack} is a rack of another console, and is no longer selected"),
            [Hint::command("choose a rack with", "switch").arg("RACK")],
        );
    }
    if let Some(pin) = accepted.pin {
        notice_pin(cx, &args.host, pin);
    }
    Ok(Outcome::json(LoggedIn { host: args.host, user: accepted.login.user }))
}

/// The selected rack, if it is one of another console than this. An unusable selection is left as it
/// is: the commands that use it report it.
fn rack_left_behind(cx: &Context, host: &str) -> Option<String> {
    let config = &cx.settings.config;
    let before = config.console_host().ok()??;
    let current = config.current().ok()??;
    (before != host && current.kind == RackKind::Console).then_some(current.name)
}

/// A token.
struct Token {
    secret: SecretString,
    /// It comes from the settings directory.
    is_stored: bool,
}

impl Token {
    async fn find(cx: &Context, args: &Args) -> Result<Self, CommandError> {
        let given = args.token.clone().or(cx.settings.env.token.clone());
        if let Some(secret) = given {
            return Ok(Self { secret, is_stored: false });
        }
        match cx.settings.config.password(&args.host)? {
            Some(secret) => Ok(Self { secret, is_stored: true }),
            None => Self::ask(cx).await,
        }
    }

    async fn ask(cx: &Context) -> Result<Self, CommandError> {
        let typed = cx.ask_secret("CLI Token: ").await?;
        let secret = trimmed_secret(typed.expose_secret())
            .map_err(|_| CommandError::new("no token was entered"))?;
        Ok(Self { secret, is_stored: false })
    }
}

/// A login that the host accepted.
struct Accepted {
    login: Login,
    token: SecretString,
    pin: Option<Fingerprint>,
}

struct Attempt<'a> {
    cx: &'a Context,
    host: &'a str,
    pin: Option<Fingerprint>,
}

impl Attempt<'_> {
    /// Presents the token to the host. On a terminal, asks for another token if the stored one is
    /// refused, and whether to trust a certificate that can't be verified.
    async fn log_in(mut self, mut token: Token) -> Result<Accepted, CommandError> {
        self.cx.emit(Event::Step(format!("Authenticating with {}", self.host)))?;
        loop {
            let error = match self.present(&token.secret).await {
                Ok(login) => return Ok(Accepted { login, token: token.secret, pin: self.pin }),
                Err(error) => error,
            };
            match &error {
                Error::Certificate(CertificateProblem::Unknown { fingerprint, .. })
                    if self.pin.is_none()
                        && self.cx.can_ask()
                        && self.confirm(fingerprint).await? =>
                {
                    self.pin = Some(*fingerprint);
                }
                error
                    if error.refusal() == Some(Refusal::Unauthorized)
                        && token.is_stored
                        && self.cx.can_ask() =>
                {
                    self.cx.notice("the stored token is no longer accepted");
                    token = Token::ask(self.cx).await?;
                }
                _ => return Err(refused(error)),
            }
        }
    }

    async fn present(&self, token: &SecretString) -> Result<Login, Error> {
        let setup = |error: CommandError| Error::Config(error.message());
        let address = address(self.cx, self.host, Some(token.clone())).map_err(setup)?;
        let trust = self.pin.map(|pin| Trust::Pinned(pin, PinnedBy::Login));
        login_target(self.cx, &address, trust).map_err(setup)?.login().await
    }

    async fn confirm(&self, fingerprint: &Fingerprint) -> Result<bool, CommandError> {
        let question = format!(
            "\nThe authenticity of {} can't be established.\n\
             The SHA-256 fingerprint of its certificate is {fingerprint}\nTrust it from now on?",
            self.host
        );
        self.cx.confirm(&question, Confirmation::Yes).await
    }
}

/// Reports a wrong token as other clients do.
fn refused(error: Error) -> CommandError {
    match error.refusal() {
        Some(Refusal::Unauthorized) => CommandError::new("invalid login")
            .hint("check that the token is right, and for this host"),
        _ => error.into(),
    }
}

/// Returns the certificate that the host presents, without sending it a token.
async fn probe_certificate(cx: &Context, host: &str) -> Result<Fingerprint, CommandError> {
    let address = address(cx, host, None)?;
    if address.scheme() != Scheme::Https {
        return Err(CommandError::usage(format!(
            "{host} has no certificate to trust: it is not reached over https"
        )));
    }
    Ok(convox_client::probe_certificate(&address, *cx.limits()).await?)
}

fn address(cx: &Context, host: &str, token: Option<SecretString>) -> Result<RackUrl, CommandError> {
    RackUrl::for_host(cx.settings.console_scheme(), host, token).map_err(CommandError::usage)
}

fn notice_pin(cx: &Context, host: &str, pin: Fingerprint) {
    cx.notice(format!("from now on, {host} is trusted with this certificate only: {pin}"));
    if cx.settings.env.trust.is_some_and(|set| set != pin) {
        let hint = format!("set CONVOX_TRUST={pin}, or unset it");
        cx.warn_with("CONVOX_TRUST overrides this with another certificate", [hint.into()]);
    }
}

/// Stores the login. The console of the last login is kept if a rack was pinned, since that is not
/// a console.
fn store(
    config: &ConfigWriter<'_>,
    address: &RackUrl,
    args: &Args,
    accepted: &Accepted,
) -> Result<(), ConfigError> {
    if let Some(pin) = accepted.pin {
        config.store_pin(&address.host_port(), pin)?;
    }
    config.store_password(&args.host, &accepted.token)?;
    if let Some(user) = &accepted.login.user {
        config.store_user_id(user)?;
    }
    if accepted.login.user.is_some() || !args.trust {
        config.store_console_host(&args.host)?;
        // The selection of an older client belongs to another console.
        config.forget_legacy_rack()?;
    }
    Ok(())
}

#[derive(Serialize)]
struct LoggedIn {
    host: String,
    user: Option<String>,
}
