use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chaos_core::{
    Capability, CapabilitySet, ChaosEvent, Error, FaultId, Hold, Permit, Prepared, Recovery, Result, Scope,
    TargetId, Verdict, fault::Injection,
};
use serde::{Deserialize, Serialize};

use crate::{
    by_hand::{end_processes, quoted},
    host_script::{Answer, HostFault, HostScript, Vantage},
};

const SCRIPT: HostScript = HostScript {
    event: "disk-fill",
    program: concat!(include_str!("../scripts/common.sh"), include_str!("../scripts/disk_fill.sh")),
};

/// How long space that has not come back is waited for, once nothing of the fault is left to hold it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Takes the space of a file system on a target's machine for a while.
///
/// The space is really allocated, to a file without a name that one process holds until the deadline: when that ends,
/// is killed or the machine restarts, the kernel frees it. Percentages are those of `df`: of what others than root may
/// use, so that root's reserve is never touched. On a `tmpfs` the space is the machine's memory.
///
/// Some space stays free in any case, 64 MiB unless [`keeping_free`](DiskFill::keeping_free) says otherwise: a request
/// for more is met as far as that allows, and the report says so. Others may write meanwhile: four times a second what
/// they lack is given back, and not taken again; the report says how much that was. One that writes more than that at
/// once gets below it for as long. A fill that has given way altogether is over before its time.
///
/// It runs where the target's [`Shell`](chaos_core::capability::Shell) runs: for a process, on its machine. File
/// systems of the network and FUSE are refused with `Unsupported`, because a file there could outlive the machine that
/// holds it. What cannot be filled at all, for want of inodes, under a limit of the size of files (`ulimit -f`) or with
/// a floor above the whole file system, is refused before anything changes. The report tells what was achieved, as
/// `bytes` and `used_percent`, and where the file system is as full as that already, that nothing was hit.
///
/// ```
/// use std::time::Duration;
/// use chaos_events::DiskFill;
///
/// let fill = DiskFill::up_to_percent("/var/lib/app", 95.0)?.keeping_free(1 << 30).lasting(Duration::from_secs(30))?;
/// assert!(DiskFill::up_to_percent("var/lib", 95.0).is_err());
/// # let _ = fill;
/// # Ok::<(), chaos_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct DiskFill {
    path: String,
    amount: Amount,
    floor: u64,
    hold: Hold,
}

#[derive(Clone, Copy, Debug)]
enum Amount {
    /// In hundredths of a percent.
    UpTo(u32),
    Bytes(u64),
    AllBut(u64),
}

impl DiskFill {
    const FLOOR: u64 = 64 << 20;

    /// Fills the file system that holds the directory `path` until this share of it is in use, in percent: from 0.01
    /// to 100. For 60 seconds.
    ///
    /// # Errors
    /// `InvalidInput` for anything else, and for a path that is not absolute.
    pub fn up_to_percent(path: impl Into<String>, percent: f64) -> Result<Self> {
        // Also for what is no number.
        if !(0.01..=100.0).contains(&percent) {
            return Err(Error::invalid("percent", percent, "from 0.01 to 100 percent of the file system"));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is from 1 to 10,000")]
        let hundredths = (percent * 100.0).round() as u32;
        Self::new(path.into(), Amount::UpTo(hundredths))
    }

    /// Takes this many bytes of the file system that holds the directory `path`. For 60 seconds.
    ///
    /// # Errors
    /// `InvalidInput` for zero, for 10^18 or more, and for a path that is not absolute.
    pub fn bytes(path: impl Into<String>, bytes: u64) -> Result<Self> {
        if bytes == 0 {
            return Err(Error::invalid("bytes", bytes, "at least 1"));
        }
        Self::check_countable(bytes)?;
        Self::new(path.into(), Amount::Bytes(bytes))
    }

    /// Leaves this many bytes free on the file system that holds the directory `path`, or the floor where that is more.
    /// For 60 seconds.
    ///
    /// # Errors
    /// `InvalidInput` for 10^18 or more, and for a path that is not absolute.
    pub fn all_but(path: impl Into<String>, bytes: u64) -> Result<Self> {
        Self::check_countable(bytes)?;
        Self::new(path.into(), Amount::AllBut(bytes))
    }

    /// The script takes no number with more digits than these, and no file system is as large.
    const COUNTABLE: u64 = 999_999_999_999_999_999;

    fn check_countable(bytes: u64) -> Result<()> {
        match bytes {
            ..=Self::COUNTABLE => Ok(()),
            _ => Err(Error::invalid("bytes", bytes, format!("at most {}", Self::COUNTABLE))),
        }
    }

    fn new(path: String, amount: Amount) -> Result<Self> {
        if !path.starts_with('/') || path.contains('\0') {
            return Err(Error::invalid("path", format!("{path:?}"), "an absolute path without NUL bytes"));
        }
        Ok(Self { path, amount, floor: Self::FLOOR, hold: Hold::DEFAULT })
    }

    /// Keeps this many bytes free whatever is asked for: the floor. 64 MiB unless this says otherwise.
    #[must_use]
    pub fn keeping_free(mut self, bytes: u64) -> Self {
        self.floor = bytes;
        self
    }

    /// Fills for this long.
    ///
    /// # Errors
    /// `InvalidInput` for zero and for more than 12 hours.
    pub fn lasting(mut self, duration: Duration) -> Result<Self> {
        self.hold = Hold::lasting(duration)?;
        Ok(self)
    }
}

impl Amount {
    /// As the script is told.
    fn parameters(self) -> (&'static str, u64) {
        match self {
            Self::UpTo(hundredths) => ("percent", u64::from(hundredths)),
            Self::Bytes(bytes) => ("bytes", bytes),
            Self::AllBut(bytes) => ("all_but", bytes),
        }
    }

    fn request(self, prepared: Prepared, free: u64) -> Prepared {
        match self {
            Self::UpTo(hundredths) => prepared.requesting("used_percent", f64::from(hundredths) / 100.0),
            Self::Bytes(bytes) => prepared.requesting("bytes", bytes as f64),
            Self::AllBut(bytes) => prepared.requesting("bytes", free.saturating_sub(bytes) as f64),
        }
    }
}

#[async_trait]
impl ChaosEvent for DiskFill {
    fn name(&self) -> &'static str {
        "disk-fill"
    }

    fn requires(&self) -> CapabilitySet {
        CapabilitySet::of([Capability::Shell])
    }

    fn hold(&self) -> Hold {
        self.hold
    }

    async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
        let (unit, amount) = self.amount.parameters();
        let fault = HostFault::prepared(SCRIPT, scope)?
            .with("path", &self.path)
            .with("unit", unit)
            .with("amount", amount)
            .with("floor", self.floor.min(Self::COUNTABLE));
        let named = |error: Error| error.with("path", &self.path);
        let ready = fault.preflight(scope).await.map_err(named)?;
        let space = Space::of(&ready.answer)?;
        let device = ready.answer.text("device")?.to_owned();
        let recovery = FreeSpace::new(&self.path, space.free, &device, ready.vantage.clone());
        let ready = ready.with("device", device);
        let begun = scope.clone();
        let prepared = Prepared::new(recovery, |permit| {
            Box::pin(async move {
                let answer = ready.start(permit.remaining(), permit).await?;
                answer.tell_notes(&begun);
                match answer.all("nothing").next() {
                    Some(why) => begun.no_effect(why),
                    // It returns when it has filled.
                    None => begun.see_effect(),
                }
                measure(&begun, &answer)
            })
        });
        let prepared = self.amount.request(prepared, space.free);
        Ok(prepared.requesting("seconds", self.hold.duration().as_secs_f64()))
    }
}

/// What `df` would say, in bytes.
struct Space {
    free: u64,
    used: u64,
}

impl Space {
    fn of(answer: &Answer) -> Result<Self> {
        Ok(Self { free: answer.parse("free")?, used: answer.parse("used")? })
    }

    fn used_percent(&self) -> f64 {
        100.0 * self.used as f64 / (self.used as f64 + self.free as f64)
    }
}

/// Reports how much the fill holds.
fn measure(scope: &Scope, answer: &Answer) -> Result<()> {
    scope.measure("bytes", answer.parse("bytes")?);
    scope.measure("used_percent", Space::of(answer)?.used_percent());
    Ok(())
}

/// Frees the space that a [`DiskFill`] takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FreeSpace {
    /// A directory on the file system.
    pub path: String,
    /// How many bytes of it were free before.
    pub free_before: u64,
    /// The number of its device, as the machine gave it.
    device: String,
    vantage: Vantage,
    #[serde(skip)]
    seen: Arc<Seen>,
}

/// What this process has seen of it so far.
#[derive(Debug, Default)]
struct Seen {
    /// How many bytes of the fill were given to other writers.
    given_up: AtomicU64,
    /// When, by the clock that nobody can set, nothing of the fault was left for the first time while space was still
    /// missing.
    missing_since: OnceLock<Duration>,
}

/// Two recoveries are the same whatever each has seen.
impl PartialEq for Seen {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Seen {}

impl FreeSpace {
    fn new(path: &str, free_before: u64, device: &str, vantage: Vantage) -> Self {
        let (path, device) = (path.to_owned(), device.to_owned());
        Self { path, free_before, device, vantage, seen: Arc::default() }
    }

    async fn left_behind(&self, scope: &Scope) -> Result<Option<HostFault>> {
        let fault = HostFault::left_behind(SCRIPT, &self.vantage, scope).await?;
        Ok(fault.map(|fault| fault.with("path", &self.path)))
    }

    /// Remembers what the guard of the fill has given up. The last that was seen of it says most.
    fn learn(&self, answer: &Answer) -> Result<()> {
        self.seen.given_up.fetch_max(answer.parse("given_up")?, Ordering::Relaxed);
        Ok(())
    }

    /// How it stands once no process holds anything.
    fn space(&self, scope: &Scope, answer: &Answer) -> Result<Verdict> {
        if answer.all("device").next() != Some(self.device.as_str()) {
            scope.note("the file system is not there any more");
            return Ok(Verdict::Back);
        }
        let missing = self.free_before.saturating_sub(Space::of(answer)?.free);
        if missing <= self.free_before / 100 {
            return Ok(Verdict::Back);
        }
        let now = scope.clock().monotonic();
        let since = *self.seen.missing_since.get_or_init(|| now);
        let missed = now.saturating_sub(since);
        // Where there is little time to recover, half of it.
        let left = scope.recover_by().duration_since(scope.clock().now());
        let patience = PATIENCE.min((missed + Duration::try_from(left).unwrap_or_default()) / 2);
        if missed < patience {
            return Ok(Verdict::NotYet(format!("{missing} bytes less are free than before")));
        }
        scope.note(format!(
            "nothing of the fill is left, and {missing} bytes less are free than before: others took them"
        ));
        Ok(Verdict::Back)
    }
}

#[async_trait]
impl Recovery for FreeSpace {
    const KIND: &'static str = "chaos-events/free-space/1";

    async fn recover(&self, scope: &Scope, permit: &Permit) -> Result<()> {
        let Some(fault) = self.left_behind(scope).await? else { return Ok(()) };
        let answer = fault.with("free_before", self.free_before).stop(permit).await?;
        self.learn(&answer)?;
        match self.seen.given_up.load(Ordering::Relaxed) {
            0 => {}
            bytes => scope
                .note(format!("{bytes} bytes of the fill were given to other writers before it was over")),
        }
        // Where the reply of the injection was lost, this tells what it did.
        if scope.injection() != Injection::Returned && answer.parse::<u64>("bytes")? > 0 {
            measure(scope, &answer)?;
        }
        Ok(())
    }

    async fn verify(&self, scope: &Scope) -> Result<Verdict> {
        let Some(fault) = self.left_behind(scope).await? else {
            return Ok(Verdict::Gone("the target exists no more, and the fill with it".to_owned()));
        };
        let answer = fault.status().await?;
        self.learn(&answer)?;
        let (processes, open): (u32, u32) = (answer.parse("processes")?, answer.parse("open")?);
        let bytes: u64 = answer.parse("bytes")?;
        if scope.is_held() && bytes == 0 {
            // It has given way altogether, or its holder was killed. Whatever is left holds nothing.
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
            "The fill ends by itself at the deadline. Before that, on the machine of {target}, as root or as the user \
             who runs its \
             scripts, until it says nothing more:\n\n    {end}\n\nThe kernel frees the space then{leftover}"
        )
    }
}
