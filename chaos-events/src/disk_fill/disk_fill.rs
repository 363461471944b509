use std::time::Duration;

use async_trait::async_trait;
use chaos_core::{Capability, CapabilitySet, ChaosEvent, Error, Hold, Prepared, Result, Scope};

use crate::{
    disk_fill::{
        amount::Amount,
        free_space::FreeSpace,
        script::SCRIPT,
        space::{Space, measure},
    },
    host_script::HostFault,
};

/// Fills a file system on a target's machine for a while.
///
/// The space is really allocated, to a file without a name that one process holds until the deadline. When that process
/// ends or is killed, or the machine restarts, the kernel frees the space. Percentages are those of `df`: they refer to
/// the space for users other than root, so root's reserve is never touched. On a `tmpfs`, the space is the machine's
/// memory.
///
/// Some space always stays free, 64 MiB unless [`keeping_free`](DiskFill::keeping_free) sets another floor. If a
/// request exceeds that, it is met as far as possible, and the report says so. Others may write meanwhile: four times a
/// second, the fill gives back the space that is missing to the floor, and does not take it again. The report says how
/// much that was. If others write more than the floor at once, free space is below it for as long. A fill that has
/// given back everything is over before its time.
///
/// It runs on the machine of the target's [`Shell`](chaos_core::capability::Shell): for a process, on its machine.
/// Network file systems and FUSE are refused with `Unsupported`, because a file there could outlive the machine that
/// holds it. A file system that cannot be filled at all is refused before anything changes: because it has no free
/// inodes, because of a limit on file sizes (`ulimit -f`), or because the floor exceeds the whole file system. The
/// report tells the achieved `bytes` and `used_percent`. If the file system is already as full as requested, the report
/// says that nothing was hit.
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

impl DiskFill {
    const FLOOR: u64 = 64 << 20;

    /// Fills the file system of the directory `path` for 60 seconds, until this share of it is in use, in percent from
    /// 0.01 to 100.
    ///
    /// # Errors
    /// `InvalidInput` for anything else, and for a path that is not absolute.
    pub fn up_to_percent(path: impl Into<String>, percent: f64) -> Result<Self> {
        // Also for a value that is not a number.
        if !(0.01..=100.0).contains(&percent) {
            return Err(Error::invalid("percent", percent, "from 0.01 to 100 percent of the file system"));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is from 1 to 10,000")]
        let hundredths = (percent * 100.0).round() as u32;
        Self::new(path.into(), Amount::UpTo(hundredths))
    }

    /// Fills this many bytes of the file system of the directory `path` for 60 seconds.
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

    /// Fills the file system of the directory `path` for 60 seconds, and leaves this many bytes free, or the floor if
    /// that is more.
    ///
    /// # Errors
    /// `InvalidInput` for 10^18 or more, and for a path that is not absolute.
    pub fn all_but(path: impl Into<String>, bytes: u64) -> Result<Self> {
        Self::check_countable(bytes)?;
        Self::new(path.into(), Amount::AllBut(bytes))
    }

    /// The script accepts no number with more digits, and no file system is that large.
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

    /// Sets the floor: this many bytes always stay free. Default: 64 MiB.
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
