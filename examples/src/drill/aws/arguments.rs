use std::str::FromStr;

use chaos_core::Error;
use clap::Args;

use super::super::given::Given;

/// Which auto-scaling groups, and who is told.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Auto-scaling groups, with --provider aws")]
pub(in super::super) struct AwsArguments {
    /// In these regions; AWS_REGION or that of the profile if not given
    #[arg(long, value_name = "REGIONS", value_delimiter = ',')]
    pub(super) region: Vec<String>,
    /// With this profile of the shared configuration
    #[arg(long, value_name = "NAME")]
    pub(super) profile: Option<String>,
    /// In this role
    #[arg(long, value_name = "ARN")]
    pub(super) assume_role: Option<String>,
    /// Only groups with this tag; again for more
    #[arg(long, value_name = "KEY=VALUE")]
    pub(super) tag: Vec<Tag>,
    /// Victims of one availability zone only: this one, or any, which the seed draws
    #[arg(long, value_name = "ZONE")]
    pub(super) zone: Option<String>,
}

/// A tag that a group must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) key: String,
    pub(super) value: String,
}

impl AwsArguments {
    /// The arguments as they were given.
    pub(in super::super) fn given(&self) -> Vec<Given> {
        let list = |name, words: &[String]| (!words.is_empty()).then(|| Given::new(name, words.join(",")));
        let one = |name, word: &Option<String>| word.as_ref().map(|word| Given::new(name, word));
        let tags = self.tag.iter().map(|tag| Given::new("--tag", format!("{}={}", tag.key, tag.value)));
        [
            list("--region", &self.region),
            one("--profile", &self.profile),
            one("--assume-role", &self.assume_role),
            one("--zone", &self.zone),
        ]
        .into_iter()
        .flatten()
        .chain(tags)
        .collect()
    }
}

impl FromStr for Tag {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() => {
                Ok(Self { key: key.to_owned(), value: value.to_owned() })
            }
            _ => Err(Error::invalid("tag", format!("{text:?}"), "KEY=VALUE")),
        }
    }
}
