//! The second factor of a console, by way of the browser: its page signs the challenge and calls
//! back with the answer.

mod callback;

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures_util::future::BoxFuture;
use secrecy::SecretString;
use tokio::net::TcpListener;

use super::{Context, Severity, Ui};
use crate::error::WITHOUT_FACTOR;
use crate::programs::browser;
use crate::settings::RackUrl;
use convox_client::rack::{Client, Endpoint, Options, Rack};
use convox_client::transport::{Authenticator, FactorChallenge, FactorError};

/// How long a person may take.
const LIMIT: Duration = Duration::from_secs(5 * 60);

/// The page that asks for it.
const PAGE: &str = "/login/u2f";

/// Asks for the second factor in the browser.
pub(super) struct Browser {
    ui: Ui,
    program: Option<std::ffi::OsString>,
    /// Scheme, host and port of the console.
    console: String,
    /// The console for whoever asks without credentials, as browsers do.
    public: Rack,
}

impl Browser {
    pub(super) fn new(cx: &Context, console: &RackUrl, options: Options) -> Self {
        let url = Endpoint::from(console).url;
        Self {
            ui: cx.ui.clone(),
            program: cx.settings.env.browser.clone(),
            console: url.origin().ascii_serialization(),
            public: Rack::new(Client::new(Endpoint::new(url), options)).without_retries(),
        }
    }

    async fn ask(&self, challenge: FactorChallenge) -> Result<SecretString, FactorError> {
        if !self.ui.notices_are_seen() {
            return Err(FactorError::Unattended);
        }
        let cannot = |error: std::io::Error| {
            FactorError::Failed(format!("the browser's answer can't be received: {error}"))
        };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(cannot)?;
        let port = listener.local_addr().map_err(cannot)?.port();
        let page = self.page(&challenge.document, port);
        let event = if challenge.attempt > 1 {
            "refused the second factor"
        } else {
            "requires a second factor"
        };
        self.ui.notice(
            Severity::Notice,
            &format!("{} {event}; confirm it in the browser: {page}", self.console),
            &[],
        );
        tokio::select! {
            answer = callback::received(listener) => Ok(answer),
            () = self.warn_without_page() => Err(FactorError::Unattended),
            () = self.open(page) => Err(FactorError::Unattended),
            () = tokio::time::sleep(LIMIT) => Err(FactorError::TimedOut(LIMIT)),
        }
    }

    /// Warns if the console says that it has no page: those for 2.x clients, which read keys over USB,
    /// need none. It is no failure, as the console may say so only to whoever asks like this.
    async fn warn_without_page(&self) {
        let answer = self.public.get_raw(PAGE).await;
        if answer.is_err_and(|error| error.status() == Some(404)) {
            let text = "the console may have no such page (404), and keys are not read over USB";
            self.ui.notice(Severity::Warning, text, &[WITHOUT_FACTOR.into()]);
        }
        std::future::pending().await
    }

    /// Opens the page. The address was printed, so it is no failure if there is no browser.
    async fn open(&self, page: String) {
        let program = self.program.clone();
        let opened = tokio::task::spawn_blocking(move || browser::open(program, &page)).await;
        if let Ok(Err(error)) = opened {
            let text = format!("the browser can't be opened: {error}");
            self.ui.notice(Severity::Warning, &text, &["open the address yourself".into()]);
        }
        std::future::pending().await
    }

    /// The console's page for a challenge, which calls back at `port`.
    fn page(&self, document: &[u8], port: u16) -> String {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("callback_url", &format!("http://localhost:{port}"))
            .append_pair("token", &BASE64_STANDARD.encode(document))
            .finish();
        format!("{}{PAGE}?{query}", self.console)
    }
}

impl Authenticator for Browser {
    fn sign(&self, challenge: FactorChallenge) -> BoxFuture<'_, Result<SecretString, FactorError>> {
        Box::pin(self.ask(challenge))
    }
}
