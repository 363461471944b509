use std::{path::PathBuf, sync::Arc};

use chaos_core::{
    Error, Result,
    catalogue::{Arguments, Parameter, Parameters},
};
use chaos_notify::{
    Channel, JsonLines, Kind, Settings,
    email::Email,
    webhook::{Style, Webhook},
};

use super::{
    reader::{Reader, Section},
    secret::{Secret, secret},
};

/// One of `[[notify]]`: whom it tells what.
#[derive(Clone, Debug)]
pub(crate) struct NotifySection {
    /// Where it stands in the file.
    pub(crate) path: String,
    over: Over,
    is_required: bool,
    tells_idle_runs: bool,
    least: Option<Kind>,
}

#[derive(Clone, Debug)]
enum Over {
    Webhook { url: Secret, style: Style, secret: Option<Secret>, trusting: Option<PathBuf> },
    Email(Box<EmailSection>),
    JsonLines { file: Option<PathBuf> },
}

#[derive(Clone, Debug)]
struct EmailSection {
    host: String,
    encryption: String,
    port: Option<u16>,
    user: Option<String>,
    password: Option<Secret>,
    from: String,
    to: Vec<String>,
    trusting: Option<PathBuf>,
}

/// The kinds of notifiers, each with its meaning, its parameters and those of them that are secrets.
pub(super) fn kinds() -> [(&'static str, &'static str, Parameters, &'static [&'static str]); 3] {
    let trusting =
        || Parameter::text("trusting", "also trusts the authorities in this file, in PEM").value_name("PATH");
    let encryptions = [("starttls", "port 587"), ("tls", "port 465"), ("none", "a relay on this machine")];
    let email = common()
        .with(Parameter::text("host", "the mail server").required())
        .with(
            Parameter::choice("encryption", encryptions, "how the connection is encrypted")
                .default("starttls"),
        )
        .with(Parameter::count("port", 1..=65_535, "its port"))
        .with(Parameter::text("user", "who logs in").only_with("password"))
        .with(Parameter::text("password", "the password, never without encryption").only_with("user"))
        .with(Parameter::text("from", "the sender").required())
        .with(Parameter::text("to", "a recipient").repeated().required())
        .with(trusting());
    let webhook = common()
        .with(Parameter::text("url", "where messages are sent").required())
        .with(
            Parameter::choice("style", Style::ALL.map(|style| (style.as_str(), "")), "what is sent")
                .default("json"),
        )
        .with(Parameter::text("secret", "signs each request; only with the style json"))
        .with(trusting());
    let lines = common().with(
        Parameter::text("file", "a file, which SIGHUP opens anew")
            .value_name("PATH")
            .default("standard output"),
    );
    [
        ("email", "Mails", email, &["password"]),
        ("webhook", "Requests by HTTP: to a program, Slack or Teams", webhook, &["url", "secret"]),
        ("json-lines", "Lines of JSON", lines, &[]),
    ]
}

fn common() -> Parameters {
    let importance = Kind::ALL.map(|kind| (kind.as_str(), ""));
    Parameters::default()
        .with(Parameter::choice("least", importance, "leaves out what is less important than this"))
        .with(Parameter::flag("required", "nothing is injected unless its announcement was delivered"))
        .with(Parameter::flag("idle-runs", "also tells of runs that injected nothing"))
}

pub(super) fn read(reader: &mut Reader<'_>, mut section: Section) -> Option<NotifySection> {
    let names = kinds().map(|(name, ..)| name);
    let kind = reader.kind(&mut section, &names)?;
    let (name, _, parameters, secrets) = kinds().into_iter().find(|(name, ..)| *name == kind)?;
    let path = section.path.clone();
    let mut found: Vec<(&str, Secret)> = Vec::new();
    let mut is_sound = true;
    for field in secrets {
        let Some(value) = section.fields.get(*field) else { continue };
        match reader.sound(&format!("{path}.{field}"), secret(value, reader.surroundings())) {
            Some(secret) => found.push((field, secret)),
            None => is_sound = false,
        }
        // What is read below is only whether it was given.
        section.fields.insert((*field).to_owned(), "given".into());
    }
    let given = reader.read(section, name, &parameters)?;
    if !is_sound {
        return None;
    }
    let read = NotifySection::of(reader, path.clone(), name, &given, &found);
    let at = match read.as_ref().err().and_then(Error::field) {
        Some(field) if field.starts_with("URL") => format!("{path}.url"),
        Some(field) if field.starts_with("login") => format!("{path}.password"),
        _ => path,
    };
    reader.sound(&at, read)
}

impl NotifySection {
    fn of(
        reader: &Reader<'_>,
        path: String,
        name: &str,
        given: &Arguments,
        found: &[(&str, Secret)],
    ) -> Result<Self> {
        let secret =
            |field: &str| found.iter().find(|(name, _)| *name == field).map(|(_, secret)| secret.clone());
        let text = |field: &str| given.text(field).map(|text| text.map(str::to_owned));
        let file =
            |field: &str| given.text(field).map(|path| path.map(|path| reader.surroundings().path(path)));
        let over = match name {
            "webhook" => Over::Webhook {
                url: secret("url").ok_or_else(|| Error::invalid("url", "none", "a reference"))?,
                style: given.text("style")?.map(str::parse).transpose()?.unwrap_or_default(),
                secret: secret("secret"),
                trusting: file("trusting")?,
            },
            "email" => Over::Email(Box::new(EmailSection {
                host: text("host")?.unwrap_or_default(),
                encryption: text("encryption")?.unwrap_or_else(|| "starttls".to_owned()),
                port: given.count("port")?.and_then(|port| u16::try_from(port).ok()),
                user: text("user")?,
                password: secret("password"),
                from: text("from")?.unwrap_or_default(),
                to: given.texts("to")?.into_iter().map(str::to_owned).collect(),
                trusting: file("trusting")?,
            })),
            _ => Over::JsonLines { file: file("file")? },
        };
        let section = Self {
            path,
            over,
            is_required: given.is_given("required"),
            tells_idle_runs: given.is_given("idle-runs"),
            least: given.text("least")?.map(str::parse).transpose()?,
        };
        // What is wrong with its values is told now. A file of lines is not created before it is needed.
        if !matches!(section.over, Over::JsonLines { .. }) {
            section.channel()?;
        }
        Ok(section)
    }

    /// Its channel. Connects to nothing.
    pub(crate) fn channel(&self) -> Result<Opened> {
        Ok(match &self.over {
            Over::Webhook { url, style, secret, trusting } => {
                let mut webhook = Webhook::to(url.reveal()).style(*style);
                if let Some(secret) = secret {
                    webhook = webhook.secret(secret.reveal());
                }
                if let Some(file) = trusting {
                    webhook = webhook.trusting(file);
                }
                Opened::of(webhook.build()?)
            }
            Over::Email(email) => Opened::of(email.channel()?),
            Over::JsonLines { file } => {
                let lines = match file {
                    Some(path) => JsonLines::file(path)?,
                    None => JsonLines::stdout(),
                };
                Opened { channel: Arc::new(lines.clone()), lines: Some(lines) }
            }
        })
    }

    /// Its type.
    pub(crate) fn kind(&self) -> &'static str {
        match self.over {
            Over::Webhook { .. } => "webhook",
            Over::Email(_) => "email",
            Over::JsonLines { .. } => "json-lines",
        }
    }

    /// What it tells.
    pub(crate) fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        if self.is_required {
            settings = settings.required();
        }
        if self.tells_idle_runs {
            settings = settings.idle_runs();
        }
        match self.least {
            Some(kind) => settings.least(kind),
            None => settings,
        }
    }
}

impl EmailSection {
    fn channel(&self) -> Result<Email> {
        let mut email = match self.encryption.as_str() {
            "tls" => Email::tls(&self.host),
            "none" => Email::unencrypted(&self.host),
            _ => Email::starttls(&self.host),
        };
        if let Some(port) = self.port {
            email = email.port(port);
        }
        if let (Some(user), Some(password)) = (&self.user, &self.password) {
            email = email.login(user, password.reveal());
        }
        if let Some(file) = &self.trusting {
            email = email.trusting(file);
        }
        email = email.from(&self.from);
        self.to.iter().fold(email, |email, to| email.to(to)).build()
    }
}

/// A channel that is open.
#[derive(Clone, Debug)]
pub(crate) struct Opened {
    /// What messages are sent over.
    pub(crate) channel: Arc<dyn Channel>,
    /// The file that is opened anew, if it is one.
    pub(crate) lines: Option<JsonLines>,
}

impl Opened {
    fn of(channel: impl Channel) -> Self {
        Self { channel: Arc::new(channel), lines: None }
    }
}
