use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use chaos_core::{
    Error, ErrorKind, Result,
    clock::{Clock, SystemClock},
    text::escaped,
};
use reqwest::{Client, Url, header::CONTENT_TYPE, redirect::Policy};
use ring::hmac;
use rustls::{ClientConfig, RootCertStore, crypto::ring::default_provider};

use super::{answer::error_of, style::Style};
use crate::{
    authorities::Authorities, channel::Channel, message::Message, patience::PATIENCE, secret::Secrets,
};

/// The header of the signature.
const SIGNATURE: &str = "chaos-signature";

/// The header of [`Message::id`].
const ID: &str = "chaos-message-id";

/// Sends each message by HTTP: to a program of your own, to Slack or to Microsoft Teams.
///
/// The URL is a secret, because whoever has it may post there: only its host is ever shown. Redirects are not followed.
/// Proxies are those of `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`. The authorities of certificates are those of this
/// machine; if it has none, those that Mozilla trusts.
///
/// Any answer of 200 to 299 means that the message is delivered. After 408, 425, 429 and from 500 on, and if the
/// connection fails, it is tried again for ten minutes; a `Retry-After` is heeded. After any other answer it is given
/// up.
///
/// Each request has the header `Chaos-Message-Id`, which is the same for each attempt. If a secret is
/// [set](WebhookBuilder::secret), it also has `Chaos-Signature: t=SECONDS,v1=HEX`: the time of the attempt in seconds
/// since 1970, and the HMAC-SHA256, by that secret, of these seconds in decimal digits, a full stop and the body.
/// Refuse a request whose signature is not the same or whose time is long ago.
///
/// ```
/// use chaos_notify::{Kind, Notifier, Settings, webhook::{Style, Webhook}};
///
/// # fn main() -> chaos_core::Result<()> {
/// let slack = Webhook::to("https://hooks.slack.com/services/T000/B000/XXXX").style(Style::Slack).build()?;
/// let notifier = Notifier::over(slack, Settings::default().least(Kind::Recovered));
/// # Ok(())
/// # }
/// ```
pub struct Webhook {
    client: Client,
    url: Url,
    style: Style,
    key: Option<hmac::Key>,
    secrets: Secrets,
    clock: Arc<dyn Clock>,
    name: String,
}

/// Settings of a [`Webhook`]; made by [`Webhook::to`].
#[must_use = "nothing is sent before the webhook is built"]
pub struct WebhookBuilder {
    url: String,
    style: Style,
    secret: Option<String>,
    trusting: Option<PathBuf>,
    clock: Arc<dyn Clock>,
}

impl Webhook {
    /// Starts with the URL, which begins with `https://` or `http://`.
    pub fn to(url: impl Into<String>) -> WebhookBuilder {
        let clock = Arc::new(SystemClock::default());
        WebhookBuilder { url: url.into(), style: Style::default(), secret: None, trusting: None, clock }
    }

    fn signature(&self, body: &str) -> Option<String> {
        let key = self.key.as_ref()?;
        let seconds = self.clock.now().as_second();
        let tag = hmac::sign(key, format!("{seconds}.{body}").as_bytes());
        let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        Some(format!("t={seconds},v1={hex}"))
    }

    /// The error of a request without an answer. It names no URL.
    fn failed(&self, error: reqwest::Error) -> Error {
        let kind = if error.is_timeout() { ErrorKind::Timeout } else { ErrorKind::Unavailable };
        let what =
            if error.is_connect() { "the webhook cannot be reached" } else { "the webhook did not answer" };
        // As text: the causes of a foreign error are of any kind.
        let cause = chain(&error.without_url());
        Error::new(kind, what).with("webhook", &self.name).caused_by(self.secrets.withheld(&cause).to_owned())
    }
}

impl WebhookBuilder {
    /// What is sent. Default: [`Style::Json`].
    pub fn style(mut self, style: Style) -> Self {
        self.style = style;
        self
    }

    /// Signs each request with this secret. Only for [`Style::Json`]; Slack and Teams check no signature.
    pub fn secret(mut self, secret: impl Into<String>) -> Self {
        self.secret = Some(secret.into());
        self
    }

    /// Also trusts the authorities whose certificates are in this file, in PEM.
    pub fn trusting(mut self, file: impl Into<PathBuf>) -> Self {
        self.trusting = Some(file.into());
        self
    }

    /// Sets the clock by which requests are signed. Default: [`SystemClock`].
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Reads the certificates. It connects to nothing.
    ///
    /// # Errors
    /// `InvalidInput` for a URL that is none, which is not shown, for an empty secret or one beside another style than
    /// our own, and for a file that holds no certificates.
    pub fn build(self) -> Result<Webhook> {
        let Self { url, style, secret, trusting, clock } = self;
        let invalid = || {
            let expected = "a URL that begins with https:// or http:// and names a host";
            Error::invalid("URL of webhook", "not shown, because it may be a secret", expected)
        };
        let url = Url::parse(url.trim()).map_err(|_| invalid())?;
        let host = url.host_str().filter(|_| matches!(url.scheme(), "http" | "https")).ok_or_else(invalid)?;
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let name = format!("webhook of {host}{port}");
        let key = match &secret {
            None => None,
            Some(_) if style != Style::Json => {
                let expected = "none with this style, because only our own JSON is signed";
                return Err(Error::invalid("secret of webhook", "not shown", expected).with("style", style));
            }
            Some(secret) if secret.trim().is_empty() => {
                return Err(Error::invalid("secret of webhook", "none", "at least one character"));
            }
            Some(secret) => Some(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes())),
        };
        let client = client(&Authorities::read(trusting.as_deref())?)?;
        let secrets = Secrets::of(parts(&url).into_iter().chain(secret));
        Ok(Webhook { client, url, style, key, secrets, clock, name })
    }
}

/// An error and its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut chain = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        chain.push_str(": ");
        chain.push_str(&cause.to_string());
        next = cause.source();
    }
    escaped(&chain).to_string()
}

/// The parts of a URL by which access may be given.
fn parts(url: &Url) -> Vec<String> {
    let path = url.path_segments().into_iter().flatten().map(str::to_owned);
    let query = url.query_pairs().map(|(_, value)| value.into_owned());
    let raw = url.query().map(str::to_owned);
    let login = [url.username().to_owned(), url.password().unwrap_or_default().to_owned()];
    path.chain(query).chain(raw).chain(login).collect()
}

fn client(authorities: &Authorities) -> Result<Client> {
    let failed = |error: Error| Error::new(ErrorKind::Other, "HTTPS cannot be set up").caused_by(error);
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(authorities.certificates.iter().cloned());
    if authorities.as_of_mozilla {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    // By name: a program with two providers has no default one, and would panic.
    let tls = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(Error::new(ErrorKind::Other, error.to_string())))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Client::builder()
        .tls_backend_preconfigured(tls)
        .http1_only()
        .redirect(Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        // The next message comes in hours, when a connection that was kept is long gone.
        .pool_max_idle_per_host(0)
        .user_agent(concat!("chaos-notify/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| failed(Error::new(ErrorKind::Other, error.without_url().to_string())))
}

#[async_trait]
impl Channel for Webhook {
    async fn send(&self, message: &Message) -> Result<()> {
        let body = self.style.body(message);
        let mut request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(ID, message.id());
        if let Some(signature) = self.signature(&body) {
            request = request.header(SIGNATURE, signature);
        }
        let response = request.body(body).send().await.map_err(|error| self.failed(error))?;
        match error_of(response, self.clock.now(), &self.secrets).await {
            None => Ok(()),
            Some(error) => Err(error.with("webhook", &self.name)),
        }
    }

    fn patience(&self) -> Duration {
        PATIENCE
    }

    fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_signed = self.key.is_some();
        f.debug_struct("Webhook")
            .field("name", &self.name)
            .field("style", &self.style)
            .field("is_signed", &is_signed)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for WebhookBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookBuilder")
            .field("style", &self.style)
            .field("trusting", &self.trusting)
            .finish_non_exhaustive()
    }
}
