use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chaos_aws::{Deliveries, SesNotifier, SnsNotifier};
use chaos_core::Error;

use super::{Notifier, NotifyArguments};
use crate::{drill::provider::ProviderArguments, program::ProgramError};

/// The longest time that the end of a drill waits for its last messages.
const LAST_MESSAGES: Duration = Duration::from_secs(20);

/// The notifiers that the arguments name, with the identity of the arguments of AWS.
pub(in super::super) async fn notifiers(
    arguments: &NotifyArguments,
    aws: &ProviderArguments,
) -> Result<Vec<Arc<dyn Notifier>>, ProgramError> {
    let mut notifiers: Vec<Arc<dyn Notifier>> = Vec::new();
    if let Some(topic) = &arguments.sns {
        let mut builder = SnsNotifier::to(topic);
        if let Some(profile) = aws.text("profile") {
            builder = builder.profile(profile);
        }
        if let Some(role) = aws.text("assume-role") {
            builder = builder.assume_role(role);
        }
        if arguments.announce {
            builder = builder.required();
        }
        notifiers.push(Arc::new(builder.build().await?));
    }
    if let Some((sender, recipients)) = arguments.ses.split_first() {
        let mut builder = recipients.iter().fold(SesNotifier::from(sender), |builder, to| builder.to(to));
        if let Some(region) = aws.text("region") {
            builder = builder.region(region);
        }
        if let Some(profile) = aws.text("profile") {
            builder = builder.profile(profile);
        }
        if let Some(role) = aws.text("assume-role") {
            builder = builder.assume_role(role);
        }
        if arguments.announce {
            builder = builder.required();
        }
        notifiers.push(Arc::new(builder.build().await?));
    }
    if arguments.announce && notifiers.is_empty() {
        return Err(Error::invalid("--announce", "given", "none without --sns and --ses").into());
    }
    Ok(notifiers)
}

#[async_trait]
impl Notifier for SnsNotifier {
    async fn finish(&self) -> Result<(), String> {
        told(self.flush(LAST_MESSAGES).await)
    }
}

#[async_trait]
impl Notifier for SesNotifier {
    async fn finish(&self) -> Result<(), String> {
        told(self.flush(LAST_MESSAGES).await)
    }
}

fn told(deliveries: Deliveries) -> Result<(), String> {
    if deliveries.is_complete() { Ok(()) } else { Err(deliveries.to_string()) }
}
