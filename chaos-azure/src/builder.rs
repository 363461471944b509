use std::{env, marker::PhantomData, path::Path, sync::Arc};

use azure_core::{
    credentials::{Secret, TokenCredential},
    http::HttpClient,
};
use chaos_core::{
    Error, Result,
    clock::{Clock, SystemClock},
    listing::Consent,
};

use crate::{
    capability::means::Means,
    client::{
        azure::Azure,
        connection::{Connection, settings_of_connections},
        credentials::Credentials,
    },
    discovery::{fleet::Fleet, selection::Selection},
    model::{
        cloud::Cloud,
        modes::{RebootMode, StopMode},
        own_machine::{FIRMWARE, OwnMachine},
        resource_id::{is_name, is_subscription},
    },
};

/// The subscriptions, the sets and the credentials of a provider; made by
/// [`AvailabilitySets::builder`](crate::AvailabilitySets::builder) and
/// [`ScaleSets::builder`](crate::ScaleSets::builder).
///
/// A set must match one of the resource groups, one of the names or patterns, and every tag. As in Azure, the case of
/// names, resource groups and keys of tags does not matter.
#[derive(Debug)]
#[must_use = "nothing is listed before the provider is built"]
pub struct AzureBuilder<P> {
    subscriptions: Vec<String>,
    connection: Connection,
    pub(crate) selection: Selection,
    stop: StopMode,
    reboot: RebootMode,
    has_shell: bool,
    has_engine: bool,
    own_machine: Option<String>,
    includes_own_machine: bool,
    clock: Arc<dyn Clock>,
    builds: PhantomData<fn() -> P>,
}

impl<P> AzureBuilder<P> {
    pub(crate) fn new() -> Self {
        Self {
            subscriptions: Vec::new(),
            connection: Connection::default(),
            selection: Selection::default(),
            stop: StopMode::default(),
            reboot: RebootMode::default(),
            has_shell: true,
            has_engine: true,
            own_machine: None,
            includes_own_machine: false,
            clock: Arc::new(SystemClock::default()),
            builds: PhantomData,
        }
    }

    /// Adds a subscription to list, by its id. Default: `AZURE_SUBSCRIPTION_ID`.
    pub fn subscription(mut self, id: impl Into<String>) -> Self {
        self.subscriptions.push(id.into());
        self
    }

    /// Adds subscriptions to list, all at once.
    pub fn subscriptions(mut self, ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.subscriptions.extend(ids.into_iter().map(Into::into));
        self
    }

    settings_of_connections!();

    /// Lists sets in this resource group.
    pub fn resource_group(mut self, name: impl Into<String>) -> Self {
        self.selection.resource_groups.insert(name.into().to_lowercase());
        self
    }

    /// Lists the sets with this name.
    pub fn group(mut self, name: impl Into<String>) -> Self {
        self.selection.groups = self.selection.groups.name(name);
        self
    }

    /// Lists sets whose name matches this pattern, in which `*` stands for any characters and `?` for one.
    pub fn groups_like(mut self, pattern: impl Into<String>) -> Self {
        self.selection.groups = self.selection.groups.names_like(pattern);
        self
    }

    /// Lists sets with this tag. If you set several values for the same key, any of them matches.
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.selection.groups = self.selection.groups.tag(key, value);
        self
    }

    /// Lists sets that have a tag with this key, with any value.
    pub fn tag_key(mut self, key: impl Into<String>) -> Self {
        self.selection.groups = self.selection.groups.tag_key(key);
        self
    }

    /// Allows only machines that have opted in: the tag [`chaos:enabled`](crate::ENABLED_TAG) of their set or of
    /// themselves is `true`. By default, all machines are allowed except those with `false`.
    pub fn require_opt_in(mut self) -> Self {
        self.selection.groups = self.selection.groups.consent(Consent::Required);
        self
    }

    /// Chooses how machines are stopped. Default: an orderly shutdown.
    pub fn stop_mode(mut self, mode: StopMode) -> Self {
        self.stop = mode;
        self
    }

    /// Chooses how machines are rebooted. Default: a restart on the same host.
    pub fn reboot_mode(mut self, mode: RebootMode) -> Self {
        self.reboot = mode;
        self
    }

    /// Offers no shell, so events that need one are not planned. Use it for machines without an agent. By default,
    /// every machine offers a shell unless it runs Windows, and the preparation of a fault checks the agent.
    pub fn without_shell(mut self) -> Self {
        self.has_shell = false;
        self
    }

    /// Offers no experiments of Chaos Studio, so events that need them are not planned. Earlier faults are still
    /// recovered.
    pub fn without_engine(mut self) -> Self {
        self.has_engine = false;
        self
    }

    /// Sets the machine on which this program runs, by its `vmId`. By default, it is read from the firmware of the
    /// machine, which only root may read; elsewhere it is unknown.
    pub fn own_machine(mut self, vm_id: impl Into<String>) -> Self {
        self.own_machine = Some(vm_id.into());
        self
    }

    /// Also allows the machine on which this program runs as a target. By default, it is excluded, with this reason.
    /// Another process must recover a fault there, from the same journal.
    pub fn include_own_machine(mut self) -> Self {
        self.includes_own_machine = true;
        self
    }

    /// Sets the clock of waits. Default: [`SystemClock`].
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The parts of a provider.
    pub(crate) fn fleet(mut self, may_terminate: bool) -> Result<Fleet> {
        let subscriptions = self.distinct_subscriptions()?;
        self.validate()?;
        let own_machine = self.find_own_machine()?.filter(|_| !self.includes_own_machine);
        let arm = self.connection.open(Arc::clone(&self.clock))?;
        Ok(Fleet {
            subscriptions,
            selection: self.selection,
            means: Means {
                azure: Arc::new(Azure::new(arm, self.clock)?),
                stop: self.stop,
                reboot: self.reboot,
                has_shell: self.has_shell,
                has_engine: self.has_engine,
                may_terminate,
                own_machine,
            },
        })
    }

    fn find_own_machine(&self) -> Result<Option<OwnMachine>> {
        let Some(id) = &self.own_machine else { return Ok(OwnMachine::find(Path::new(FIRMWARE))) };
        let wrong = || Error::invalid("own machine", format!("{id:?}"), "the vmId of a machine");
        OwnMachine::of(id).map(Some).ok_or_else(wrong)
    }

    /// Each once, in lower case.
    fn distinct_subscriptions(&mut self) -> Result<Vec<String>> {
        if self.subscriptions.is_empty() {
            self.subscriptions.extend(env::var("AZURE_SUBSCRIPTION_ID"));
        }
        if self.subscriptions.is_empty() {
            let expected = "the id of a subscription: name one, or set AZURE_SUBSCRIPTION_ID";
            return Err(Error::invalid("subscription", "none", expected));
        }
        let mut distinct = Vec::with_capacity(self.subscriptions.len());
        for id in &self.subscriptions {
            if !is_subscription(id) {
                let expected = "an id like 11111111-1111-4111-8111-111111111111, not its name";
                return Err(Error::invalid("subscription", format!("{id:?}"), expected));
            }
            let id = id.to_lowercase();
            if !distinct.contains(&id) {
                distinct.push(id);
            }
        }
        Ok(distinct)
    }

    fn validate(&self) -> Result<()> {
        for name in &self.selection.resource_groups {
            if !is_name(name) {
                return Err(Error::invalid("resource group", format!("{name:?}"), "the name of one"));
            }
        }
        for name in self.selection.groups.names() {
            if !is_name(name) {
                return Err(Error::invalid("group name", format!("{name:?}"), "the name of a set"));
            }
        }
        self.selection.groups.check()?;
        self.connection.validate()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AvailabilitySets;

    const SUBSCRIPTION: &str = "11111111-1111-4111-8111-11111111111A";

    fn sets() -> AzureBuilder<AvailabilitySets> {
        AvailabilitySets::builder().subscription(SUBSCRIPTION).azure_cli()
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        let refused = |builder: AzureBuilder<AvailabilitySets>| builder.build().unwrap_err().to_string();
        for (builder, expected) in [
            (sets().subscription("my subscription"), "invalid subscription: \"my subscription\""),
            (sets().endpoint("management.azure.com"), "invalid endpoint: \"management.azure.com\""),
            (sets().endpoint("http://arm.example"), "invalid endpoint"),
            (sets().endpoint("https://arm.example/path"), "invalid endpoint"),
            (sets().endpoint("https://user@arm.example"), "invalid endpoint"),
            (sets().authority("http://login.example"), "invalid authority"),
            (sets().audience("arm"), "invalid audience"),
            (sets().own_machine("web-0"), "invalid own machine: \"web-0\""),
            (sets().resource_group("a/b"), "invalid resource group: \"a/b\""),
            (sets().group(""), "invalid group name: \"\""),
            (sets().groups_like(""), "invalid name pattern: \"\""),
            (sets().tag("", "x"), "invalid tag: \"\""),
            (
                sets().client_secret("not a tenant", "client", "hush"),
                "the configuration of the Azure credentials is invalid",
            ),
        ] {
            let error = refused(builder);
            assert!(error.starts_with(expected), "{error}");
            assert!(!error.contains("hush"), "{error}");
        }
    }

    #[test]
    fn a_subscription_that_is_named_twice_is_listed_once() {
        let fleet = sets().subscription(SUBSCRIPTION.to_lowercase()).fleet(false).unwrap();
        assert_eq!(fleet.subscriptions, [SUBSCRIPTION.to_lowercase()]);
    }

    #[test]
    fn each_cloud_has_an_endpoint_and_this_machine_may_be_one() {
        for cloud in [Cloud::Public, Cloud::UsGovernment, Cloud::China] {
            sets().cloud(cloud).build().unwrap();
        }
        for url in ["http://127.0.0.1:80", "http://[::1]:1/", "http://localhost:1", "https://arm.example:443"]
        {
            sets().endpoint(url).build().expect(url);
        }
    }
}
