use std::{collections::BTreeSet, sync::Arc};

use chaos_core::{
    Journal, Monkey, Registry, Result,
    catalogue::ProviderCatalogue,
    chance::Entropy,
    clock::Clock,
    fault::{FaultRecord, FaultState},
    journal::Found,
};
use serde_json::Map;

use super::{ExperimentProvider, budget::BACK_WITHIN, narrow_journal::NarrowJournal, rollbacks::registry};
use crate::catalogues::Catalogues;

/// Recovers what earlier runs have left behind in the journal: experiments, and faults of targets that are known here.
/// What nobody here can reach is returned as it is, so that no experiment begins beside it.
pub(crate) async fn recover_pending(
    journal: &Arc<dyn Journal>,
    catalogues: &Catalogues,
    clock: &Arc<dyn Clock>,
    entropy: &Arc<dyn Entropy>,
) -> Result<Found> {
    let orphans = journal.orphans(clock.now()).await?.faults;
    if orphans.is_empty() {
        return Ok(Found::default());
    }
    let groups = orphans.iter().map(|fault| fault.group.clone());
    let opened = with_clouds(catalogues.providers.clone()).open_for(groups, &Map::new()).await;
    for error in &opened.refused {
        tracing::warn!(error = %error.chain(), "faults of an earlier run cannot be reached");
    }
    let mut reached: BTreeSet<String> =
        opened.providers.iter().map(|provider| provider.scheme().to_owned()).collect();
    reached.insert(ExperimentProvider::SCHEME.to_owned());
    let builder = Monkey::builder()
        .provider(ExperimentProvider::default())
        .recovery_budget(BACK_WITHIN)
        .clock(Arc::clone(clock))
        .entropy(Arc::clone(entropy));
    let builder = opened.providers.into_iter().fold(builder, |builder, provider| builder.provider(provider));
    let narrow = NarrowJournal::recovering(journal, reached.clone());
    let mut found = builder.unleash(narrow, recoveries(catalogues)).build()?.recover_pending().await?;
    let is_left = |fault: &FaultRecord| {
        fault.state != FaultState::Recovered && !reached.contains(fault.target.scheme())
    };
    found.faults.extend(orphans.into_iter().filter(is_left));
    Ok(found)
}

/// Every recovery that a journal of experiments may hold.
fn recoveries(catalogues: &Catalogues) -> Registry {
    with_events(catalogues.events.registry()).merge(registry())
}

/// Adds the recoveries of what functions inject.
#[cfg(any(feature = "aws", feature = "azure"))]
fn with_events(registry: Registry) -> Registry {
    registry.merge(crate::functions::recoveries())
}

#[cfg(not(any(feature = "aws", feature = "azure")))]
fn with_events(registry: Registry) -> Registry {
    registry
}

#[cfg(feature = "aws")]
fn with_aws(providers: ProviderCatalogue) -> ProviderCatalogue {
    if providers.knows("aws-asg") { providers } else { providers.register(chaos_aws::AwsProvider::default()) }
}

#[cfg(not(feature = "aws"))]
fn with_aws(providers: ProviderCatalogue) -> ProviderCatalogue {
    providers
}

#[cfg(feature = "azure")]
fn with_azure(providers: ProviderCatalogue) -> ProviderCatalogue {
    if providers.knows("azure-vmss") {
        providers
    } else {
        providers.register(chaos_azure::AzureProvider::default())
    }
}

#[cfg(not(feature = "azure"))]
fn with_azure(providers: ProviderCatalogue) -> ProviderCatalogue {
    providers
}

/// With those of the functions that are carried out here.
fn with_clouds(providers: ProviderCatalogue) -> ProviderCatalogue {
    with_azure(with_aws(providers))
}
