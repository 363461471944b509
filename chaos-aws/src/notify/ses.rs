use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_sesv2::{
    error::BuildError,
    types::{Body, Content, Destination, EmailContent, Message as Mail},
};
use chaos_core::{
    Error, ErrorKind, Observer, Result,
    clock::Clock,
    observer::{Activity, Intended},
};
use chaos_notify::{Channel, Deliveries, Message, Notifier};
use jiff::Timestamp;

use super::{
    address::Address,
    settings::{Settings, settings_of_notifiers},
};
use crate::{
    client::{connection::Role, error::failed, retries::retries},
    model::region_name::validate_region,
};

/// The maximum number of recipients of one message in SES.
const MOST_RECIPIENTS: usize = 50;

/// Sends e-mail through SES about each fault: its target, the reason, the times, the recovery, and how to undo it by
/// hand.
///
/// The sender, or its domain, must be a verified identity of the account and region. In the sandbox of SES, every
/// recipient must be one too. All recipients of a message see each other. Needs `ses:SendEmail` on the identity. Clones
/// share one queue.
///
/// ```no_run
/// use std::time::Duration;
///
/// use chaos_aws::{AutoScaling, SesNotifier};
/// use chaos_core::{Monkey, observer::TracingObserver};
///
/// # async fn example() -> chaos_core::Result<()> {
/// let ses = SesNotifier::from("Chaos <chaos@example.com>").to("on-call@example.com").build().await?;
/// let monkey = Monkey::builder()
///     .provider(AutoScaling::from_env().await?)
///     .observer(TracingObserver::default())
///     .observer(ses.clone())
///     .build()?;
/// monkey.run_once().await?;
/// // Messages are sent in the background. Wait for the last ones before the program ends.
/// let sent = ses.flush(Duration::from_secs(30)).await;
/// assert!(sent.is_complete(), "{sent}");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SesNotifier {
    notifier: Notifier,
}

/// The sender, the recipients and the connection to SES; made by [`SesNotifier::from`].
#[derive(Debug)]
#[must_use = "nothing is sent before the notifier is built"]
pub struct SesNotifierBuilder {
    sender: String,
    recipients: Vec<String>,
    region: Option<String>,
    settings: Settings,
}

impl SesNotifier {
    /// Starts with the sender, `chaos@example.com` or `Chaos <chaos@example.com>`, and AWS's default credential chain.
    pub fn from(sender: impl Into<String>) -> SesNotifierBuilder {
        SesNotifierBuilder {
            sender: sender.into(),
            recipients: Vec::new(),
            region: None,
            settings: Settings::default(),
        }
    }

    /// Waits until every message so far is delivered or given up, for at most `limit`, and returns the delivery counts.
    ///
    /// Cancel safe: the messages are still sent, as long as the runtime lives.
    pub async fn flush(&self, limit: Duration) -> Deliveries {
        self.notifier.flush(limit).await
    }

    /// The delivery counts of the messages so far.
    pub fn deliveries(&self) -> Deliveries {
        self.notifier.deliveries()
    }
}

impl SesNotifierBuilder {
    /// Adds a recipient. From 1 to 50.
    pub fn to(mut self, recipient: impl Into<String>) -> Self {
        self.recipients.push(recipient.into());
        self
    }

    /// Sends through SES in this region. Default: `AWS_REGION`, or that of the profile.
    pub fn region(mut self, name: impl Into<String>) -> Self {
        self.region = Some(name.into());
        self
    }

    settings_of_notifiers!();

    /// Reads the configuration. This makes no call: the first message tells whether the sender is verified.
    ///
    /// # Errors
    /// `InvalidInput` for an invalid address, region, endpoint or role, for too few or too many recipients, and if no
    /// region is configured.
    ///
    /// Cancel safe: it only reads.
    pub async fn build(mut self) -> Result<SesNotifier> {
        let sender = Address::parse("sender", &self.sender)?;
        let recipients = self.recipients.iter().map(|recipient| Address::parse("recipient", recipient));
        let recipients = recipients.collect::<Result<Vec<_>>>()?;
        if !(1..=MOST_RECIPIENTS).contains(&recipients.len()) {
            let expected = format!("from 1 to {MOST_RECIPIENTS}");
            return Err(Error::invalid("number of recipients", recipients.len(), expected));
        }
        if let Some(region) = &self.region {
            validate_region(region)?;
        }
        self.settings.connection.validate()?;
        let config = std::mem::take(&mut self.settings.connection).open(self.region.as_deref()).await;
        let Some(region) = config.region().map(|region| region.as_ref().to_owned()) else {
            let expected = "a region: name one, or set AWS_REGION, or set a region in the profile";
            return Err(Error::invalid("region", "none", expected));
        };
        let name = format!("SES in {region} from {sender}");
        let config =
            aws_sdk_sesv2::config::Builder::from(&config).retry_partition(retries("ses", &region)).build();
        let client = aws_sdk_sesv2::Client::from_conf(config);
        let channel = SesChannel { client, sender, recipients, region, name };
        Ok(SesNotifier { notifier: Notifier::over(channel, self.settings.notifier) })
    }
}

#[async_trait]
impl Observer for SesNotifier {
    fn observe(&self, at: Timestamp, activity: &Activity) {
        self.notifier.observe(at, activity);
    }

    async fn before_injection(&self, at: Timestamp, intended: &Intended) -> Result<()> {
        self.notifier.before_injection(at, intended).await
    }
}

#[derive(Debug)]
struct SesChannel {
    client: aws_sdk_sesv2::Client,
    sender: Address,
    recipients: Vec<Address>,
    region: String,
    name: String,
}

#[async_trait]
impl Channel for SesChannel {
    async fn send(&self, message: &Message) -> Result<()> {
        let content = content(message)
            .map_err(|error| Error::new(ErrorKind::Other, "an e-mail cannot be built").caused_by(error))?;
        let recipients = self.recipients.iter().map(|recipient| recipient.as_str().to_owned()).collect();
        let call = self
            .client
            .send_email()
            .from_email_address(self.sender.as_str())
            .destination(Destination::builder().set_to_addresses(Some(recipients)).build())
            .content(content);
        match call.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(failed("ses:SendEmail", &self.region, error).with("sender", &self.sender)),
        }
    }

    fn name(&self) -> &str {
        &self.name
    }
}

fn content(message: &Message) -> Result<EmailContent, BuildError> {
    let text = |text: &str| Content::builder().charset("UTF-8").data(text).build();
    let body = Body::builder().text(text(&message.body)?).build();
    let mail = Mail::builder().subject(text(&message.subject)?).body(body).build();
    Ok(EmailContent::builder().simple(mail).build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bad_settings_name_field_and_value() {
        let ses = || SesNotifier::from("chaos@example.com").region("eu-west-1");
        let crowd = (0..51).fold(ses(), |ses, number| ses.to(format!("a{number}@example.com")));
        for (builder, expected) in [
            (SesNotifier::from("chaos").to("a@example.com"), "invalid sender: \"chaos\""),
            (ses().to("a@example.com\nBcc: b@example.com"), "invalid recipient: \"a@example.com\\nBcc"),
            (ses(), "invalid number of recipients: 0"),
            (crowd, "invalid number of recipients: 51"),
            (ses().to("a@example.com").region("Dublin"), "invalid region: \"Dublin\""),
            (ses().to("a@example.com").endpoint("localhost"), "invalid endpoint: \"localhost\""),
        ] {
            let error = builder.build().await.expect_err(expected);
            assert!(error.to_string().starts_with(expected), "{error}");
        }
        let config = SdkConfig::builder().behavior_version(aws_config::BehaviorVersion::latest()).build();
        let nowhere = SesNotifier::from("chaos@example.com").to("a@example.com").sdk_config(config);
        let error = nowhere.build().await.unwrap_err().to_string();
        assert!(error.starts_with("invalid region: none; expected a region"), "{error}");
    }
}
