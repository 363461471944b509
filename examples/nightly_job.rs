//! A nightly job: one replica of each group, in office hours, each at most once a day, until you stop it.
//!
//! `nightly_job JOURNAL [--now]` waits for office hours; with `--now` it begins whatever the hour.

use std::{sync::Arc, time::Duration};

use chaos_core::{
    BlastRadius, BusinessHours, Calendar, Monkey, Observer, Quota, Result, calendar::Always, jiff::Timestamp,
    observer::Activity,
};
use chaos_events::Terminate;
use chaos_journal::SqlJournal;
use chaos_local::{Fleet, Fleets};

/// Prints the end of each run.
#[derive(Debug)]
struct Print;

impl Observer for Print {
    fn observe(&self, at: Timestamp, activity: &Activity) {
        if let Activity::Armed { .. } | Activity::Recovered { .. } | Activity::RunEnded { .. } = activity {
            println!("{at:.0} {activity}");
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let journal = std::env::args_os().nth(1).unwrap_or_else(|| "chaos.journal".into());
    let calendar: Arc<dyn Calendar> = match std::env::args().nth(2).as_deref() {
        Some("--now") => Arc::new(Always),
        _ => Arc::new(BusinessHours::new("Europe/Berlin")?.hours(9, 15)),
    };
    let web = Fleet::of("sleep").arg("600").name("web").replicas(3).start().await?;
    let shop = Fleet::of("sleep").arg("600").name("shop").replicas(3).start().await?;
    let monkey = Monkey::builder()
        .provider(Fleets::of([web.clone(), shop.clone()]))
        .event(Terminate::default())
        .calendar(calendar)
        .blast_radius(BlastRadius::default().targets_per_group(1).targets_per_run(Quota::ALL))
        .cool_down(Duration::from_secs(24 * 3600))
        .every(Duration::from_secs(3600))
        .also_observe(Print)
        // On disk: the recovery of each fault, and when each target was hit.
        .unleash(SqlJournal::open(journal).await?, chaos_events::registry())
        .build()?;

    // Ctrl-C ends the holds, and waits until every target is back.
    monkey.run(async { drop(tokio::signal::ctrl_c().await) }).await?;
    println!("every target is back");
    web.stop().await?;
    shop.stop().await
}
