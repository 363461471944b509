use chaos_core::{Error, Result};

use crate::model::region_name::validate_region;

/// A topic of SNS, by its ARN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Topic {
    arn: String,
    region: String,
}

impl Topic {
    /// # Errors
    /// `InvalidInput` if it is not the ARN of a topic.
    pub(super) fn parse(arn: &str) -> Result<Self> {
        let wrong = || {
            let expected = "the ARN of a topic, like arn:aws:sns:eu-west-1:123456789012:chaos";
            Error::invalid("topic", format!("{arn:?}"), expected)
        };
        let parts: Vec<&str> = arn.split(':').collect();
        let ["arn", partition, "sns", region, account, name] = parts[..] else { return Err(wrong()) };
        let is_of_aws = partition.strip_prefix("aws").is_some_and(|rest| {
            rest.is_empty()
                || rest.starts_with('-') && rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
        });
        let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        let stem = name.strip_suffix(".fifo").unwrap_or(name);
        let is_name = !stem.is_empty()
            && name.len() <= 256
            && stem.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        if !(is_of_aws && is_account && is_name) || validate_region(region).is_err() {
            return Err(wrong());
        }
        Ok(Self { arn: arn.to_owned(), region: region.to_owned() })
    }

    pub(super) fn arn(&self) -> &str {
        &self.arn
    }

    pub(super) fn region(&self) -> &str {
        &self.region
    }

    /// Whether it keeps the order of messages, and requires a group for each.
    pub(super) fn is_fifo(&self) -> bool {
        self.arn.ends_with(".fifo")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_tells_the_region() {
        let topic = Topic::parse("arn:aws:sns:eu-west-1:123456789012:on-call_2").unwrap();
        assert_eq!((topic.region(), topic.is_fifo()), ("eu-west-1", false));
        let topic = Topic::parse("arn:aws-us-gov:sns:us-gov-east-1:123456789012:chaos.fifo").unwrap();
        assert_eq!((topic.region(), topic.is_fifo()), ("us-gov-east-1", true));
    }

    #[test]
    fn what_is_no_topic_is_refused() {
        for arn in [
            "",
            "chaos",
            "arn:aws:sqs:eu-west-1:123456789012:chaos",
            "arn:aws:sns:eu-west-1:123456789012:chaos:0d4c9a5e-subscription",
            "arn:aws:sns:eu-west-1:123456789012:",
            "arn:aws:sns:eu-west-1:123456789012:.fifo",
            "arn:aws:sns:eu-west-1:123456789012:a b",
            "arn:aws:sns:eu-west-1:12345:chaos",
            "arn:aws:sns:evil.example/:123456789012:chaos",
            "arn:elsewhere:sns:eu-west-1:123456789012:chaos",
            "arn:aws:sns:eu-west-1:123456789012:chaos\n",
        ] {
            let error = Topic::parse(arn).expect_err(arn).to_string();
            assert!(error.starts_with(&format!("invalid topic: {arn:?}")), "{error}");
        }
        assert!(Topic::parse(&format!("arn:aws:sns:eu-west-1:123456789012:{}", "a".repeat(257))).is_err());
    }
}
