//! An event of your own: a service whose configuration is gone for a while.
//!
//! `prepare` looks and returns the injection together with its recovery. The recovery is data: it is in the journal
//! before the file is touched, and is read back from there, so a later process can undo the fault as well.

use std::{fs, path::PathBuf, time::Duration};

use chaos_core::{
    CapabilitySet, ChaosEvent, Error, ErrorKind, FaultId, Hold, MemoryJournal, Monkey, Permit, Prepared,
    Recovery, RecoveryScope, Registry, Result, Scope, TargetId, Verdict, async_trait,
};
use chaos_local::Fleet;
use serde::{Deserialize, Serialize};

/// Moves a configuration file out of the way for two seconds.
#[derive(Debug)]
struct LoseConfiguration {
    file: PathBuf,
}

#[async_trait]
impl ChaosEvent for LoseConfiguration {
    fn name(&self) -> &'static str {
        "lose-configuration"
    }

    fn requires(&self) -> CapabilitySet {
        // A file on this machine needs no capability of the target.
        CapabilitySet::default()
    }

    fn hold(&self) -> Hold {
        Hold::lasting(Duration::from_secs(2)).unwrap_or(Hold::DEFAULT)
    }

    async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
        // The fault's id is in the name, so two faults never share a file.
        let aside = self.file.with_extension(format!("aside-{}", scope.fault()));
        let (from, to) = (self.file.clone(), aside.clone());
        Ok(Prepared::new(PutBack { file: self.file.clone(), aside }, |_permit| {
            Box::pin(async move { fs::rename(from, to).map_err(failed) })
        }))
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct PutBack {
    file: PathBuf,
    aside: PathBuf,
}

#[async_trait]
impl Recovery for PutBack {
    const KIND: &'static str = "examples/put-back/1";

    /// It may run more than once, and after an injection that never happened.
    async fn recover(&self, _: &RecoveryScope, _: &Permit) -> Result<()> {
        if self.aside.exists() { fs::rename(&self.aside, &self.file).map_err(failed) } else { Ok(()) }
    }

    async fn verify(&self, _: &RecoveryScope) -> Result<Verdict> {
        let is_back = self.file.exists() && !self.aside.exists();
        Ok(if is_back { Verdict::Back } else { Verdict::NotYet("the file is not back".to_owned()) })
    }

    fn by_hand(&self, _: &TargetId, _: FaultId) -> String {
        format!("mv {} {}", self.aside.display(), self.file.display())
    }
}

fn failed(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Other, "the configuration file cannot be moved").caused_by(error)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let file = std::env::temp_dir().join(format!("own-event-{}.toml", std::process::id()));
    fs::write(&file, "colour = 'green'\n").map_err(failed)?;
    let web = Fleet::of("sleep").arg("600").name("web").replicas(2).start().await?;
    let monkey = Monkey::builder()
        .provider(web.clone())
        .event(LoseConfiguration { file: file.clone() })
        .unleash(MemoryJournal::new(), Registry::default().register::<PutBack>())
        .build()?;
    println!("{}", monkey.run_once().await?);
    println!("configuration: {}", fs::read_to_string(&file).map_err(failed)?.trim());
    fs::remove_file(&file).map_err(failed)?;
    web.stop().await
}
