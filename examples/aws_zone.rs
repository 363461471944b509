//! A zone of AWS fails: every instance of one availability zone is terminated, in all groups with a tag.
//!
//! `aws_zone JOURNAL TAG=VALUE`, with AWS's usual credential chain and region. Try it as a dry run first:
//! leave `unleash` out.

use std::time::Duration;

use chaos_aws::{AutoScaling, AvailabilityZone};
use chaos_core::{BlastRadius, Monkey, Quota, plan::Percent};
use chaos_events::Terminate;
use chaos_journal::SqlJournal;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [journal, tag] = arguments.as_slice() else { return Err("usage: aws_zone JOURNAL TAG=VALUE".into()) };
    let (key, value) = tag.split_once('=').ok_or("a tag is KEY=VALUE")?;

    let monkey = Monkey::builder()
        .provider(AutoScaling::builder().tag(key, value).build().await?)
        // Each group replaces the terminated instances in its other zones.
        .event(Terminate::default())
        .blast_radius(
            BlastRadius::default()
                // The seed draws the zone. `AvailabilityZone::named("eu-west-1a")` names one.
                .within(AvailabilityZone::any())
                .targets_per_group(Quota::ALL)
                .targets_per_run(Quota::ALL)
                .min_healthy(Percent(50)),
        )
        // The time that the groups may take to be whole again.
        .recovery_budget(Duration::from_secs(20 * 60))
        .unleash(SqlJournal::open(journal).await?, chaos_events::registry())
        .build()?;

    println!("{}", monkey.plan().await?.explain());
    println!("{}", monkey.run_once().await?);
    Ok(())
}
