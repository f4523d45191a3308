use secrecy::SecretString;
use serde::Serialize;

use crate::context::connection::rack_at;
use crate::context::{Confirmation, Context};
use crate::error::CommandError;
use crate::event::Event;
use crate::outcome::Outcome;
use crate::settings::{RackUrl, Scheme};
use convox_client::fingerprint::Fingerprint;
use convox_client::rack::{CertificateProblem, Error, Login};
use convox_client::transport::{PinnedBy, Trust};

/// Log in to a console, or trust a rack's certificate
///
/// Uses the token from --token, CONVOX_TOKEN, the settings directory, or a prompt.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  convox login console.convox.com")]
pub(crate) struct Args {
    /// Host, or host and port
    #[arg(value_name = "HOST", default_value = "console.convox.com")]
    host: String,
    /// Token; CONVOX_TOKEN or the prompt keep it out of the process list
    #[arg(short, long, value_name = "TOKEN")]
    token: Option<SecretString>,
    /// Trust the certificate that the host presents now, and no other from then on
    #[arg(long)]
    trust: bool,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    address(cx, &args.host, None)?;
    let token = Token::find(cx, &args)?;
    let pin = if args.trust { Some(presented(cx, &args.host).await?) } else { None };
    let attempt = Attempt { cx, host: &args.host, pin };
    let accepted = attempt.log_in(token).await?;
    store(cx, &args, &accepted)?;
    cx.emit(Event::Done(None))?;
    if let Some(pin) = accepted.pin {
        tell_of_pin(cx, &args.host, pin);
    }
    Ok(Outcome::json(LoggedIn { host: args.host, user: accepted.login.user }))
}

/// A token, and where it is from.
struct Token {
    secret: SecretString,
    stored: bool,
}

impl Token {
    fn find(cx: &Context, args: &Args) -> Result<Self, CommandError> {
        let given = args.token.clone().or(cx.settings.env.token.clone());
        if let Some(secret) = given {
            return Ok(Self { secret, stored: false });
        }
        match cx.settings.config.password(&args.host)? {
            Some(secret) => Ok(Self { secret, stored: true }),
            None => Self::ask(cx),
        }
    }

    fn ask(cx: &Context) -> Result<Self, CommandError> {
        let secret = cx.ask_secret("CLI Token: ")?;
        Ok(Self { secret, stored: false })
    }
}

/// What the host accepted.
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
    /// Shows the token; a stored one that is refused is asked for once more, and so is a
    /// certificate that nobody vouches for, where somebody can be asked.
    async fn log_in(mut self, mut token: Token) -> Result<Accepted, CommandError> {
        self.cx.emit(Event::Step(format!("Authenticating with {}", self.host)))?;
        loop {
            let error = match self.show(&token.secret).await {
                Ok(login) => return Ok(Accepted { login, token: token.secret, pin: self.pin }),
                Err(error) => error,
            };
            match &error {
                Error::Certificate(CertificateProblem::Unknown { fingerprint, .. })
                    if self.pin.is_none() && self.cx.can_ask() && self.trusts(fingerprint)? =>
                {
                    self.pin = Some(*fingerprint);
                }
                Error::Status { status: 401, message, .. }
                    if token.stored && self.cx.can_ask() && !has_run_out(message) =>
                {
                    self.cx.notice("the stored token is not accepted any more");
                    token = Token::ask(self.cx)?;
                }
                _ => return Err(refused(error)),
            }
        }
    }

    async fn show(&self, token: &SecretString) -> Result<Login, Error> {
        let setup = |error: CommandError| Error::Config(error.message());
        let address = address(self.cx, self.host, Some(token.clone())).map_err(setup)?;
        let trust = self.pin.map(|pin| Trust::Pinned(pin, PinnedBy::Login));
        let rack = rack_at(self.cx, &address, trust).map_err(setup)?;
        rack.login().await
    }

    fn trusts(&self, fingerprint: &Fingerprint) -> Result<bool, CommandError> {
        let question = format!(
            "\nThe authenticity of {} can't be established.\n\
             The SHA-256 fingerprint of its certificate is {fingerprint}\nTrust it from now on?",
            self.host
        );
        self.cx.confirm(&question, Confirmation::Yes)
    }
}

fn has_run_out(message: &str) -> bool {
    message.contains("cli token is expired")
}

/// A wrong token reads as it always did; everything else says what it is.
fn refused(error: Error) -> CommandError {
    match &error {
        Error::Status { status: 401, message, .. } if !has_run_out(message) => {
            CommandError::new("invalid login")
                .hint("check that the token is right, and for this host")
        }
        _ => error.into(),
    }
}

/// The certificate that the host shows now, learnt without showing it any token.
async fn presented(cx: &Context, host: &str) -> Result<Fingerprint, CommandError> {
    let address = address(cx, host, None)?;
    if address.scheme() != Scheme::Https {
        return Err(CommandError::usage(format!(
            "{host} is not reached over https: there is no certificate to trust"
        )));
    }
    let none = Trust::Pinned(Fingerprint([0; 32]), PinnedBy::Login);
    match rack_at(cx, &address, Some(none))?.login().await {
        Err(Error::Certificate(CertificateProblem::Changed { fingerprint, .. })) => Ok(fingerprint),
        Err(error) => Err(error.into()),
        Ok(_) => Err(CommandError::new(format!("{host} showed no certificate"))),
    }
}

fn address(cx: &Context, host: &str, token: Option<SecretString>) -> Result<RackUrl, CommandError> {
    RackUrl::for_host(cx.settings.console_scheme(), host, token).map_err(CommandError::usage)
}

fn tell_of_pin(cx: &Context, host: &str, pin: Fingerprint) {
    cx.notice(format!("from now on {host} is trusted by this certificate alone: {pin}"));
    if cx.settings.env.trust.is_some_and(|set| set != pin) {
        cx.warn(format!(
            "CONVOX_TRUST names another certificate and comes before this one: \
             set CONVOX_TRUST={pin} or unset it"
        ));
    }
}

/// A rack that was pinned is no console: the console of the last login stays.
fn store(cx: &Context, args: &Args, accepted: &Accepted) -> Result<(), CommandError> {
    let files = &cx.settings.config;
    let address = address(cx, &args.host, None)?;
    if let Some(pin) = accepted.pin {
        files.store_pin(&address.host_port(), pin)?;
    }
    files.store_password(&args.host, &accepted.token)?;
    if let Some(user) = &accepted.login.user {
        files.store_user_id(user)?;
    }
    if accepted.login.user.is_some() || !args.trust {
        files.store_console_host(&args.host)?;
        // An older client's choice of a rack belongs to another console.
        files.forget_legacy_rack()?;
    }
    Ok(())
}

#[derive(Serialize)]
struct LoggedIn {
    host: String,
    user: Option<String>,
}
