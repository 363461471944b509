use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_sns::types::MessageAttributeValue;
use chaos_core::{
    Error, ErrorKind, Observer, Result,
    clock::Clock,
    observer::{Activity, Intended},
};
use chaos_notify::{Channel, Deliveries, Message, Notifier};
use jiff::Timestamp;

use super::{
    settings::{Settings, settings_of_notifiers},
    topic::Topic,
};
use crate::client::{connection::Role, error::failed, retries::retries};

/// Notifies the subscribers of an SNS topic about each fault: its target, the reason, the times, the recovery, and how
/// to undo it by hand.
///
/// Each message has the attribute `kind`, by which subscriptions can filter: `announced`, `left-alone`,
/// `injection-failed`, `recovered`, `recovery-refused`, `recovery-failed`, `journal-failed`, `halted`,
/// `steady-state-violated`, `steady-again`, `not-steady-again`, `deviated`, `inconclusive` or
/// `nothing-injected`. If the queue is full, one digest stands for many messages, with the gravest kind among them.
/// Topics of type FIFO get each fault's messages as a group.
///
/// Needs `sns:Publish` on the topic. If the topic is encrypted with a key, it also needs `kms:GenerateDataKey` and
/// `kms:Decrypt` on that key. Clones share one queue.
///
/// ```no_run
/// use std::time::Duration;
///
/// use chaos_aws::{AutoScaling, SnsNotifier};
/// use chaos_core::{Monkey, observer::TracingObserver};
///
/// # async fn example() -> chaos_core::Result<()> {
/// let sns = SnsNotifier::to("arn:aws:sns:eu-west-1:123456789012:chaos").required().build().await?;
/// let monkey = Monkey::builder()
///     .provider(AutoScaling::from_env().await?)
///     .observer(TracingObserver::default())
///     .observer(sns.clone())
///     .build()?;
/// monkey.run_once().await?;
/// // Messages are sent in the background. Wait for the last ones before the program ends.
/// let sent = sns.flush(Duration::from_secs(30)).await;
/// assert!(sent.is_complete(), "{sent}");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SnsNotifier {
    notifier: Notifier,
}

/// The topic and the connection to SNS; made by [`SnsNotifier::to`].
#[derive(Debug)]
#[must_use = "nothing is sent before the notifier is built"]
pub struct SnsNotifierBuilder {
    topic: String,
    settings: Settings,
}

impl SnsNotifier {
    /// Starts with the ARN of a topic, which contains its region, and AWS's default credential chain.
    pub fn to(topic: impl Into<String>) -> SnsNotifierBuilder {
        SnsNotifierBuilder { topic: topic.into(), settings: Settings::default() }
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

impl SnsNotifierBuilder {
    settings_of_notifiers!();

    /// Reads the configuration. This makes no call: the first message tells whether the topic exists and may be written
    /// to.
    ///
    /// # Errors
    /// `InvalidInput` for an invalid topic, endpoint or role.
    ///
    /// Cancel safe: it only reads.
    pub async fn build(mut self) -> Result<SnsNotifier> {
        let topic = Topic::parse(&self.topic)?;
        self.settings.connection.validate()?;
        let config = std::mem::take(&mut self.settings.connection).open(Some(topic.region())).await;
        let config = aws_sdk_sns::config::Builder::from(&config)
            .retry_partition(retries("sns", topic.region()))
            .build();
        let channel = SnsChannel { client: aws_sdk_sns::Client::from_conf(config), topic };
        Ok(SnsNotifier { notifier: Notifier::over(channel, self.settings.notifier) })
    }
}

#[async_trait]
impl Observer for SnsNotifier {
    fn observe(&self, at: Timestamp, activity: &Activity) {
        self.notifier.observe(at, activity);
    }

    async fn before_injection(&self, at: Timestamp, intended: &Intended) -> Result<()> {
        self.notifier.before_injection(at, intended).await
    }
}

#[derive(Debug)]
struct SnsChannel {
    client: aws_sdk_sns::Client,
    topic: Topic,
}

#[async_trait]
impl Channel for SnsChannel {
    async fn send(&self, message: &Message) -> Result<()> {
        let kind = MessageAttributeValue::builder().data_type("String").string_value(message.kind.as_str());
        let kind = kind.build().map_err(|error| {
            Error::new(ErrorKind::Other, "an attribute of the message cannot be built").caused_by(error)
        })?;
        let mut call = self
            .client
            .publish()
            .topic_arn(self.topic.arn())
            .subject(&message.subject)
            .message(&message.body)
            .message_attributes("kind", kind);
        if self.topic.is_fifo() {
            let group = message.fault.map_or_else(|| "all".to_owned(), |fault| fault.to_string());
            call = call.message_group_id(group).message_deduplication_id(message.id());
        }
        match call.send().await {
            Ok(_) => Ok(()),
            Err(error) => {
                Err(failed("sns:Publish", self.topic.region(), error).with("topic", self.topic.arn()))
            }
        }
    }

    fn name(&self) -> &str {
        self.topic.arn()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bad_settings_name_field_and_value() {
        let topic = "arn:aws:sns:eu-west-1:123456789012:chaos";
        for (builder, expected) in [
            (SnsNotifier::to("chaos"), "invalid topic: \"chaos\""),
            (SnsNotifier::to(topic).endpoint("localhost"), "invalid endpoint: \"localhost\""),
            (SnsNotifier::to(topic).assume_role("chaos"), "invalid role: \"chaos\""),
        ] {
            let error = builder.build().await.expect_err(expected);
            assert!(error.to_string().starts_with(expected), "{error}");
        }
    }
}
