//! An observer that forbids: no fault while a deployment is under way.
//!
//! Every observer is asked before each injection, when the plan is made and nothing has happened yet. If any
//! of them returns an error, the target is left alone, and the report says why. No observer is asked before a recovery.

use std::path::PathBuf;

use chaos_core::{
    Error, ErrorKind, MemoryJournal, Monkey, Observer, Result, async_trait,
    jiff::Timestamp,
    observer::{Activity, Intended},
};
use chaos_events::Terminate;
use chaos_local::Fleet;

/// Looks for the file that your deployment keeps for as long as it takes.
#[derive(Debug)]
struct NotWhileDeploying {
    lock: PathBuf,
}

#[async_trait]
impl Observer for NotWhileDeploying {
    fn observe(&self, at: Timestamp, activity: &Activity) {
        if matches!(activity, Activity::Injecting { .. } | Activity::Recovered { .. }) {
            println!("{at:.0} {activity}");
        }
    }

    async fn before_injection(&self, _: Timestamp, intended: &Intended) -> Result<()> {
        if self.lock.exists() {
            let what = format!("a deployment is under way, so {} is left alone", intended.target);
            return Err(Error::new(ErrorKind::Refused, what));
        }
        Ok(())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let lock = std::env::args_os().nth(1).map_or_else(|| "deploy.lock".into(), PathBuf::from);
    let web = Fleet::of("sleep").arg("600").name("web").replicas(3).start().await?;
    let monkey = Monkey::builder()
        .provider(web.clone())
        .event(Terminate::default())
        // Adds an observer beside the log. `observer` would replace the log.
        .also_observe(NotWhileDeploying { lock })
        .unleash(MemoryJournal::new(), chaos_events::registry())
        .build()?;
    println!("{}", monkey.run_once().await?);
    web.stop().await
}
