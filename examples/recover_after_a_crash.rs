//! After a crash: the recovery of a fault is in the journal before the fault exists, so the next start brings the
//! target back.
//!
//! `recover_after_a_crash JOURNAL PID SECONDS` freezes a process of yours for some seconds. Kill this program meanwhile
//! (`kill -9`), and start it again.

use std::time::Duration;

use chaos_core::{BlastRadius, Monkey};
use chaos_events::Stop;
use chaos_journal::SqlJournal;
use chaos_local::Processes;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [journal, pid, seconds] = arguments.as_slice() else {
        return Err("usage: recover_after_a_crash JOURNAL PID SECONDS".into());
    };
    let monkey = Monkey::builder()
        .provider(Processes::adopt("mine", [pid.parse::<u32>()?])?)
        .event(Stop::lasting(Duration::from_secs(seconds.parse()?))?)
        .blast_radius(BlastRadius::default().min_healthy(0))
        .unleash(SqlJournal::open(journal).await?, chaos_events::registry())
        .build()?;

    // Do this first. The provider finds the target by its id, and the registry reads its recovery back.
    for fault in monkey.recover_pending().await?.faults {
        println!("left behind by an earlier start: {} on {} is {}", fault.event, fault.target, fault.state);
    }
    println!("freezing {pid} for {seconds} s");
    println!("{}", monkey.run_once().await?);
    Ok(())
}
