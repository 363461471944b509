use clap::Args;

use super::super::given::Given;

/// Which availability sets and scale sets.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Availability sets and scale sets, with --provider azure")]
pub(in super::super) struct AzureArguments {
    /// In these subscriptions; by default AZURE_SUBSCRIPTION_ID
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    pub(super) subscription: Vec<String>,
    /// Only in these resource groups
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(super) resource_group: Vec<String>,
    /// Victims of one fault domain (a rack) only: this domain, or `any`, drawn by the seed
    #[arg(long, value_name = "DOMAIN", conflicts_with = "zone")]
    pub(super) fault_domain: Option<String>,
}

impl AzureArguments {
    /// The arguments as they were given.
    pub(in super::super) fn given(&self) -> Vec<Given> {
        Given::list("--subscription", &self.subscription)
            .into_iter()
            .chain(Given::list("--resource-group", &self.resource_group))
            .chain(Given::some("--fault-domain", self.fault_domain.as_ref()))
            .collect()
    }
}
