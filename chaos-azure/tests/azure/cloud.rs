//! A fake of Azure for one test, and the providers over it.

use std::sync::Arc;

use async_trait::async_trait;
use azure_core::{
    credentials::{AccessToken, TokenCredential, TokenRequestOptions},
    time::{Duration, OffsetDateTime},
};
use chaos_azure::{AvailabilitySets, AzureBuilder, ScaleSets};
use chaos_core::{
    Group, Provider, Result,
    clock::{Clock, SystemClock},
    provider::GroupFilter,
};
use fake_azure::{FakeArm, PowerState};
use futures_util::TryStreamExt;

pub(crate) const SUBSCRIPTION: &str = FakeArm::SUBSCRIPTION;

/// The token that the fake knows from the beginning.
#[derive(Debug)]
pub(crate) struct KnownToken;

#[async_trait]
impl TokenCredential for KnownToken {
    async fn get_token(
        &self,
        _: &[&str],
        _: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        let expires = OffsetDateTime::UNIX_EPOCH + Duration::days(365_000);
        Ok(AccessToken::new(FakeArm::TOKEN, expires))
    }
}

pub(crate) fn sets(fake: &FakeArm) -> AzureBuilder<AvailabilitySets> {
    let builder = AvailabilitySets::builder().subscription(SUBSCRIPTION).endpoint(fake.endpoint());
    builder.credential(Arc::new(KnownToken))
}

pub(crate) fn scale_sets(fake: &FakeArm) -> AzureBuilder<ScaleSets> {
    let builder = ScaleSets::builder().subscription(SUBSCRIPTION).endpoint(fake.endpoint());
    builder.credential(Arc::new(KnownToken))
}

/// In the order of their ids.
pub(crate) async fn list(provider: &impl Provider) -> Result<Vec<Group>> {
    let mut groups: Vec<Group> = provider.groups(&GroupFilter::all()).try_collect().await?;
    groups.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(groups)
}

pub(crate) async fn only_group(provider: &impl Provider) -> Group {
    let mut groups = list(provider).await.unwrap();
    assert_eq!(groups.len(), 1);
    groups.remove(0)
}

/// Waits until the condition holds. That takes moments here; after a minute, this panics.
pub(crate) async fn until(what: &str, is_so: impl Fn() -> bool) {
    let clock = SystemClock::default();
    let begun = clock.monotonic();
    while !is_so() {
        assert!(
            clock.monotonic() - begun < std::time::Duration::from_secs(60),
            "waited in vain until {what}"
        );
        clock.sleep(std::time::Duration::from_millis(10)).await;
    }
}

/// Returns when this machine is stopped.
pub(crate) async fn until_stopped(fake: &FakeArm, name: &str) {
    until("the machine is stopped", || fake.power_state(&machine(name)) == Some(PowerState::Stopped)).await;
}

/// The path of a machine in ARM.
pub(crate) fn machine(name: &str) -> String {
    format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/shop/providers/Microsoft.Compute/virtualMachines/{name}"
    )
}

/// How many requests of this method had a path that ends like this, in either case.
pub(crate) fn count(fake: &FakeArm, method: &str, end: &str) -> usize {
    let end = end.to_lowercase();
    let requests = fake.requests();
    requests
        .iter()
        .filter(|request| request.method == method && request.path.to_lowercase().ends_with(&end))
        .count()
}
