//! A rack of Azure fails: every machine of one fault domain is stopped, and started again after some seconds.
//!
//! `azure_rack JOURNAL RESOURCE_GROUP SECONDS`, with Azure's usual credential chain and the subscription of
//! `AZURE_SUBSCRIPTION_ID`. Try it as a dry run first: leave `unleash` out.

use std::time::Duration;

use chaos_azure::{AvailabilitySets, FAULT_DOMAIN_LABEL};
use chaos_core::{
    BlastRadius, Monkey, Quota,
    plan::{FailureDomain, Percent},
};
use chaos_events::Stop;
use chaos_journal::SqlJournal;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [journal, resource_group, seconds] = arguments.as_slice() else {
        return Err("usage: azure_rack JOURNAL RESOURCE_GROUP SECONDS".into());
    };
    let mut sets = AvailabilitySets::builder().resource_group(resource_group);
    // A Resource Manager other than the public one.
    if let Ok(endpoint) = std::env::var("AZURE_RESOURCE_MANAGER_ENDPOINT") {
        sets = sets.endpoint(endpoint);
    }

    let monkey = Monkey::builder()
        .provider(sets.build()?)
        .event(Stop::lasting(Duration::from_secs(seconds.parse()?))?)
        .blast_radius(
            BlastRadius::default()
                // The seed draws the rack. `.named("1")` names one.
                .within(FailureDomain::by_label(FAULT_DOMAIN_LABEL))
                .targets_per_group(Quota::ALL)
                .targets_per_run(Quota::ALL)
                .min_healthy(Percent(50)),
        )
        .unleash(SqlJournal::open(journal).await?, chaos_events::registry())
        .build()?;

    println!("{}", monkey.plan().await?.explain());
    println!("{}", monkey.run_once().await?);
    Ok(())
}
