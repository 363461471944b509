use clap::Args;

use super::super::given::Given;

/// The people to notify.
#[derive(Clone, Debug, Default, Args)]
#[command(
    next_help_heading = "Notifications, with any provider; they need the feature aws, and use --region, --profile and \
        --assume-role"
)]
pub(in super::super) struct NotifyArguments {
    /// Notify the subscribers of this SNS topic
    #[arg(long, value_name = "TOPIC")]
    pub(super) sns: Option<String>,
    /// Send mail through SES: the sender and the recipients
    #[arg(long, value_name = "FROM,TO", value_delimiter = ',')]
    pub(super) ses: Vec<String>,
    /// Inject nothing unless it was announced first
    #[arg(long)]
    pub(super) announce: bool,
}

impl NotifyArguments {
    /// Whether a service of AWS is used, whichever provider the groups belong to.
    pub(in super::super) fn needs_aws(&self) -> bool {
        self.sns.is_some() || !self.ses.is_empty()
    }

    /// The arguments as they were given.
    pub(in super::super) fn given(&self) -> Vec<Given> {
        Given::some("--sns", self.sns.as_ref())
            .into_iter()
            .chain(Given::list("--ses", &self.ses))
            .chain(self.announce.then(|| Given::flag("--announce")))
            .collect()
    }
}
