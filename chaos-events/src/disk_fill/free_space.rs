use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chaos_core::{FaultId, Permit, Recovery, RecoveryScope, Result, TargetId, Verdict, fault::Injection};
use serde::{Deserialize, Serialize};

use crate::{
    disk_fill::{
        script::SCRIPT,
        space::{Space, measure},
    },
    host_script::{Answer, HostFault, Vantage, end_processes, quoted},
};

/// How long to wait for space that has not come back, once nothing of the fault holds it any more.
const PATIENCE: Duration = Duration::from_secs(5);

/// Frees the space of a [`DiskFill`](crate::DiskFill).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FreeSpace {
    /// A directory on the file system.
    pub path: String,
    /// The number of free bytes before the fault.
    pub free_before: u64,
    /// The number of its device, as reported by the machine.
    device: String,
    vantage: Vantage,
    #[serde(skip)]
    seen: Arc<Seen>,
}

/// The observations of this process so far.
#[derive(Debug, Default)]
struct Seen {
    /// The number of bytes that the fill gave to other writers.
    given_up: AtomicU64,
    /// The monotonic time at which, for the first time, nothing of the fault was left but space was still missing.
    missing_since: OnceLock<Duration>,
}

/// Two recoveries are equal whatever each has observed.
impl PartialEq for Seen {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Seen {}

impl FreeSpace {
    pub(super) fn new(path: &str, free_before: u64, device: &str, vantage: Vantage) -> Self {
        let (path, device) = (path.to_owned(), device.to_owned());
        Self { path, free_before, device, vantage, seen: Arc::default() }
    }

    async fn left_behind(&self, scope: &RecoveryScope) -> Result<Option<HostFault>> {
        let fault = HostFault::left_behind(SCRIPT, &self.vantage, scope).await?;
        Ok(fault.map(|fault| fault.with("path", &self.path)))
    }

    /// Records how much the guard of the fill has given up. The latest observation is the most complete.
    fn learn(&self, answer: &Answer) -> Result<()> {
        self.seen.given_up.fetch_max(answer.parse("given_up")?, Ordering::Relaxed);
        Ok(())
    }

    /// The verdict once no process holds anything.
    fn space(&self, scope: &RecoveryScope, answer: &Answer) -> Result<Verdict> {
        if answer.all("device").next() != Some(self.device.as_str()) {
            scope.note("the file system no longer exists");
            return Ok(Verdict::Back);
        }
        let missing = self.free_before.saturating_sub(Space::of(answer)?.free);
        if missing <= self.free_before / 100 {
            return Ok(Verdict::Back);
        }
        let now = scope.clock().monotonic();
        let since = *self.seen.missing_since.get_or_init(|| now);
        let missed = now.saturating_sub(since);
        // If there is little time to recover, half of it.
        let left = scope.recover_by().duration_since(scope.clock().now());
        let patience = PATIENCE.min((missed + Duration::try_from(left).unwrap_or_default()) / 2);
        if missed < patience {
            return Ok(Verdict::NotYet(format!("{missing} bytes less are free than before")));
        }
        scope.note(format!(
            "nothing of the fill is left; {missing} bytes less are free than before, because others took them"
        ));
        Ok(Verdict::Back)
    }
}

#[async_trait]
impl Recovery for FreeSpace {
    const KIND: &'static str = "chaos-events/free-space/1";

    async fn recover(&self, scope: &RecoveryScope, permit: &Permit) -> Result<()> {
        let Some(fault) = self.left_behind(scope).await? else { return Ok(()) };
        let answer = fault.with("free_before", self.free_before).stop(permit).await?;
        self.learn(&answer)?;
        match self.seen.given_up.load(Ordering::Relaxed) {
            0 => {}
            bytes => scope.note(format!("the fill gave {bytes} bytes to other writers before it ended")),
        }
        // If the reply of the injection was lost, this tells its effect.
        if scope.injection() != Injection::Returned && answer.parse::<u64>("bytes")? > 0 {
            measure(scope, &answer)?;
        }
        Ok(())
    }

    async fn verify(&self, scope: &RecoveryScope) -> Result<Verdict> {
        let Some(fault) = self.left_behind(scope).await? else {
            return Ok(Verdict::Gone("the target no longer exists, and neither does the fill".to_owned()));
        };
        let answer = fault.status().await?;
        self.learn(&answer)?;
        let (processes, open): (u32, u32) = (answer.parse("processes")?, answer.parse("open")?);
        let bytes: u64 = answer.parse("bytes")?;
        if scope.is_held() && bytes == 0 {
            // It has given back everything, or its holder was killed. Remaining processes hold nothing.
            return Ok(Verdict::Back);
        }
        if processes > 0 || open > 0 {
            return Ok(Verdict::NotYet(format!(
                "the fill is still there: {bytes} bytes, {processes} processes"
            )));
        }
        self.space(scope, &answer)
    }

    fn by_hand(&self, target: &TargetId, fault: FaultId) -> String {
        let end = end_processes(fault, &self.vantage);
        let name = format!(".chaos-fill-{fault}");
        let leftover = match quoted(&self.path) {
            Some(path) => {
                let owner = self.vantage.user().map(|user| format!(" -user {user}")).unwrap_or_default();
                format!(
                    ". An empty file may be left:\n\n    find {path} -maxdepth 1 -name {name} -type f -size 0{owner} \
                     -exec rm -f {{}} \\;"
                )
            }
            None => format!("; an empty file {name} may be left in {:?}.", self.path),
        };
        format!(
            "The fill ends by itself at the deadline. To end it earlier, run this on the machine of {target}, as root \
             or as the user who runs its scripts, until it prints nothing more:\n\n    {end}\n\nThe kernel frees the \
             space then{leftover}"
        )
    }
}
