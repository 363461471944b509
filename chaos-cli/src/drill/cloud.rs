use std::{str::FromStr, sync::Arc};

use chaos_core::{Error, Provider, provider::GroupFilter};
use clap::Args;

use super::given::Given;

/// Groups in a cloud: other people's machines, which are there before the drill and after it.
#[derive(Debug)]
pub(super) struct Cloud {
    pub(super) providers: Vec<Arc<dyn Provider>>,
    /// Which of their groups.
    pub(super) filter: GroupFilter,
}

/// Which groups of a cloud.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Groups in a cloud, with --provider aws or azure")]
pub(super) struct CloudArguments {
    /// Only groups with this tag; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub(super) tag: Vec<Tag>,
    /// Victims of one availability zone only: this zone, or `any`, drawn by the seed
    #[arg(long, value_name = "ZONE")]
    pub(super) zone: Option<String>,
}

/// A tag that a group must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) key: String,
    pub(super) value: String,
}

impl CloudArguments {
    /// The arguments as they were given.
    pub(super) fn given(&self) -> Vec<Given> {
        let tags = self.tag.iter().map(|tag| Given::new("--tag", format!("{}={}", tag.key, tag.value)));
        tags.chain(Given::some("--zone", self.zone.as_ref())).collect()
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
