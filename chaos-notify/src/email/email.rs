use std::{fmt, path::PathBuf, time::Duration};

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD};
use chaos_core::{Error, ErrorKind, Result};
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Tokio1Executor,
    message::Mailbox,
    transport::smtp::{
        self,
        authentication::Credentials,
        client::{Certificate, CertificateStore, Tls, TlsParameters},
    },
};

use super::letter::letter;
use crate::{
    authorities::Authorities, channel::Channel, message::Message, patience::PATIENCE, secret::Secrets,
};

/// Sends each message as a mail through an SMTP server.
///
/// All mails about one fault are one thread, and so are those about one run. Each has the header `Chaos-Kind`, by which
/// mail can be filtered: [`Kind::as_str`](crate::Kind::as_str). All recipients of a mail see each other; if the server
/// refuses one of them, it is sent to none. The authorities of certificates are those of this machine; if it has none,
/// those that Mozilla trusts.
///
/// After an answer of 400 to 499, and if the connection fails, a mail is tried again for ten minutes. After any other
/// refusal, such as a wrong password, it is given up.
///
/// ```
/// use chaos_notify::{Notifier, Settings, email::Email};
///
/// # fn main() -> chaos_core::Result<()> {
/// # let password = String::from("not a real one");
/// let mail = Email::starttls("smtp.example.com")
///     .login("chaos@example.com", password)
///     .from("Chaos <chaos@example.com>")
///     .to("on-call@example.com")
///     .build()?;
/// let notifier = Notifier::over(mail, Settings::default());
/// # Ok(())
/// # }
/// ```
pub struct Email {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    to: Vec<Mailbox>,
    secrets: Secrets,
    name: String,
}

/// The server, the sender and the recipients; made by [`Email::starttls`] and the like.
#[must_use = "nothing is sent before it is built"]
pub struct EmailBuilder {
    host: String,
    encryption: Encryption,
    port: Option<u16>,
    login: Option<(String, String)>,
    from: String,
    to: Vec<String>,
    trusting: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encryption {
    StartTls,
    Tls,
    None,
}

impl Encryption {
    fn port(self) -> u16 {
        match self {
            Self::StartTls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }
}

impl Email {
    /// A server at port 587, which must offer encryption by STARTTLS. Otherwise nothing is sent, neither a password nor
    /// a mail.
    pub fn starttls(host: impl Into<String>) -> EmailBuilder {
        EmailBuilder::over(Encryption::StartTls, host.into())
    }

    /// A server at port 465, with encryption from the first byte on.
    pub fn tls(host: impl Into<String>) -> EmailBuilder {
        EmailBuilder::over(Encryption::Tls, host.into())
    }

    /// A server at port 25, without encryption: a relay on this machine. It gets no password.
    pub fn unencrypted(host: impl Into<String>) -> EmailBuilder {
        EmailBuilder::over(Encryption::None, host.into())
    }

    fn failed(&self, error: &smtp::Error) -> Error {
        let code = error.status().map(u16::from);
        let (kind, what) = match code {
            Some(530 | 534 | 535 | 538) => {
                (ErrorKind::Denied, "the mail server refuses the login: check user and password")
            }
            Some(400..500) => (ErrorKind::Unavailable, "the mail server does not take a mail now"),
            Some(_) => (ErrorKind::Refused, "the mail server refuses a mail"),
            None if error.is_client() => {
                (ErrorKind::Unsupported, "the mail server does not offer what is needed to send a mail")
            }
            None if error.is_timeout() => (ErrorKind::Timeout, "the mail server does not answer"),
            None => (ErrorKind::Unavailable, "the mail server cannot be reached, or broke off"),
        };
        // As text, because the server's words may be the password.
        let words = error.to_string();
        Error::new(kind, what).with("channel", &self.name).caused_by(self.secrets.withheld(&words).to_owned())
    }
}

impl EmailBuilder {
    fn over(encryption: Encryption, host: String) -> Self {
        let (port, login, from, to, trusting) = (None, None, String::new(), Vec::new(), None);
        Self { host, encryption, port, login, from, to, trusting }
    }

    /// Another port.
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Logs in. Only over an encrypted connection.
    pub fn login(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.login = Some((user.into(), password.into()));
        self
    }

    /// The sender: `chaos@example.com` or `Chaos <chaos@example.com>`.
    pub fn from(mut self, sender: impl Into<String>) -> Self {
        self.from = sender.into();
        self
    }

    /// Adds a recipient. There must be one.
    pub fn to(mut self, recipient: impl Into<String>) -> Self {
        self.to.push(recipient.into());
        self
    }

    /// Also trusts the authorities whose certificates are in this file, in PEM.
    pub fn trusting(mut self, file: impl Into<PathBuf>) -> Self {
        self.trusting = Some(file.into());
        self
    }

    /// Reads the certificates. It connects to nothing.
    ///
    /// # Errors
    /// `InvalidInput` for an empty host, an address that is none, no recipient, a login without encryption, and a file
    /// that holds no certificates.
    pub fn build(self) -> Result<Email> {
        let Self { host, encryption, port, login, from, to, trusting } = self;
        let host = host.trim();
        if host.is_empty() || host.contains(|character: char| character.is_whitespace() || character == '/') {
            let expected = "the name or the address of a mail server, without a port";
            return Err(Error::invalid("host of mail", format!("{host:?}"), expected));
        }
        if login.is_some() && encryption == Encryption::None {
            let expected = "none without encryption: use STARTTLS or TLS, or leave out the login";
            return Err(Error::invalid("login of mail", "a password", expected));
        }
        let sender = address("sender", &from)?;
        let to = to.iter().map(|to| address("recipient", to)).collect::<Result<Vec<_>>>()?;
        if to.is_empty() {
            return Err(Error::invalid("number of recipients", 0, "at least one"));
        }
        let port = port.unwrap_or_else(|| encryption.port());
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(port)
            // The sender of messages has a clock, and drops an attempt that takes too long.
            .timeout(None);
        if encryption == Encryption::None {
            if trusting.is_some() {
                let expected = "none without encryption, because no certificate is shown";
                return Err(Error::invalid("trusting", "a file", expected));
            }
        } else {
            let tls = parameters(host, &Authorities::read(trusting.as_deref())?)?;
            let tls = match encryption {
                Encryption::StartTls => Tls::Required(tls),
                _ => Tls::Wrapper(tls),
            };
            transport = transport.tls(tls);
        }
        let mut secrets = Secrets::default();
        if let Some((user, password)) = login {
            let encoded =
                [password.clone(), format!("\0{user}\0{password}")].map(|text| STANDARD.encode(text));
            secrets = Secrets::of(encoded.into_iter().chain([password.clone()]));
            transport = transport.credentials(Credentials::new(user, password));
        }
        let name = format!("mail from {} through {host}:{port}", sender.email);
        Ok(Email { transport: transport.build(), from: sender, to, secrets, name })
    }
}

fn address(field: &str, text: &str) -> Result<Mailbox> {
    let invalid = || {
        let expected = "name@example.com or A Name <name@example.com>";
        Error::invalid(field, format!("{text:?}"), expected)
    };
    if text.chars().any(char::is_control) {
        return Err(invalid());
    }
    text.parse().map_err(|_| invalid())
}

fn parameters(host: &str, authorities: &Authorities) -> Result<TlsParameters> {
    let failed = |error: smtp::Error| {
        Error::new(ErrorKind::Other, "TLS for mail cannot be set up").caused_by(error.to_string())
    };
    let store =
        if authorities.as_of_mozilla { CertificateStore::WebpkiRoots } else { CertificateStore::None };
    let mut parameters = TlsParameters::builder(host.to_owned()).certificate_store(store);
    for certificate in &authorities.certificates {
        let certificate = Certificate::from_der(certificate.to_vec()).map_err(failed)?;
        parameters = parameters.add_root_certificate(certificate);
    }
    parameters.build().map_err(failed)
}

#[async_trait]
impl Channel for Email {
    async fn send(&self, message: &Message) -> Result<()> {
        let letter = letter(message, &self.from, &self.to)?;
        match self.transport.send(letter).await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.failed(&error)),
        }
    }

    fn patience(&self) -> Duration {
        PATIENCE
    }

    fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Email")
            .field("name", &self.name)
            .field("to", &self.to.iter().map(|to| to.email.to_string()).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for EmailBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmailBuilder")
            .field("host", &self.host)
            .field("encryption", &self.encryption)
            .field("port", &self.port)
            .field("from", &self.from)
            .field("to", &self.to)
            .finish_non_exhaustive()
    }
}
