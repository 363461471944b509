use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chaos_core::{Capability, CapabilitySet, Clock, Error, ErrorKind, Lifecycle, Permit, Result, TargetId};
use rustix::process::Signal;

use crate::{
    janitor::Janitor,
    locate::Locate,
    process_handle::{Activity, ProcessHandle},
};

/// How long a process may take to end after SIGTERM before it is killed.
pub(crate) const GRACE: Duration = Duration::from_secs(10);

/// How long SIGSTOP is watched before the stop is left to the janitor alone.
const STOPPED_WITHIN: Duration = Duration::from_secs(1);

/// Ends, stops and continues the process that a target is at the moment of the call.
#[derive(Debug)]
pub(crate) struct ProcessLifecycle {
    target: TargetId,
    process: Arc<dyn Locate>,
    operations: CapabilitySet,
    clock: Arc<dyn Clock>,
}

impl ProcessLifecycle {
    /// `restarted`: something starts the process again after it has ended, so that it can be rebooted.
    pub(crate) fn new(
        target: TargetId,
        process: Arc<dyn Locate>,
        restarted: bool,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let operations = CapabilitySet::of([Capability::Terminate, Capability::Stop, Capability::Start]);
        let reboot = CapabilitySet::of(restarted.then_some(Capability::Reboot));
        Self { target, process, operations: operations.union(reboot), clock }
    }

    fn open(&self) -> Result<Option<ProcessHandle>> {
        match self.process.process()? {
            Some(identity) => ProcessHandle::open(identity),
            None => Ok(None),
        }
    }
}

#[async_trait]
impl Lifecycle for ProcessLifecycle {
    fn operations(&self) -> CapabilitySet {
        self.operations
    }

    /// SIGKILL. Returns when the process has ended.
    async fn terminate(&self, _: &Permit) -> Result<()> {
        match self.open()? {
            Some(process) => kill(&process).await,
            None => Ok(()),
        }
    }

    /// SIGSTOP, which ends at the permit's deadline even if this process is killed.
    async fn stop(&self, permit: &Permit) -> Result<()> {
        let gone =
            || Error::new(ErrorKind::Conflict, "there is no process to stop").with("target", &self.target);
        let process = self.open()?.ok_or_else(gone)?;
        let remaining = || {
            let remaining = permit.remaining();
            if remaining.is_zero() {
                let why = "the fault's deadline has passed, so that nothing is stopped";
                return Err(Error::new(ErrorKind::Refused, why).with("target", &self.target));
            }
            Ok(remaining)
        };
        let clock = self.clock.as_ref();
        let janitor =
            Janitor::start(process.identity(), remaining()?, permit.fault(), &self.target, clock).await?;
        remaining()?;
        stop_watched(&process, janitor, clock).await
    }

    /// SIGCONT.
    async fn start(&self, _: &Permit) -> Result<()> {
        match self.open()? {
            Some(process) => process.signal(Signal::CONT).map(drop),
            None => Ok(()),
        }
    }

    /// SIGTERM, and SIGKILL where that is not enough. Returns when the process has ended; its supervisor starts the next one.
    async fn reboot(&self, permit: &Permit) -> Result<()> {
        if !self.operations.contains(Capability::Reboot) {
            return Err(Error::unsupported("reboot").with("fault", permit.fault()));
        }
        match self.open()? {
            Some(process) => end(&process, self.clock.as_ref()).await,
            None => Ok(()),
        }
    }
}

/// Kills a process, and returns when it has ended.
pub(crate) async fn kill(process: &ProcessHandle) -> Result<()> {
    process.signal(Signal::KILL)?;
    process.ended().await
}

/// Asks a process to end and kills it after a grace of 10 seconds. Returns when it has ended.
pub(crate) async fn end(process: &ProcessHandle, clock: &dyn Clock) -> Result<()> {
    process.signal(Signal::TERM)?;
    // A stopped process acts on nothing else.
    process.signal(Signal::CONT)?;
    tokio::select! {
        biased;
        ended = process.ended() => ended,
        () = clock.sleep(GRACE) => kill(process).await,
    }
}

/// Stops a process under the eyes of a janitor. Returns when it was seen stopped, or, where it is slow to act on the signal,
/// after a second: then the janitor watches until the deadline.
async fn stop_watched(process: &ProcessHandle, mut janitor: Janitor, clock: &dyn Clock) -> Result<()> {
    if !process.signal(Signal::STOP)? {
        return Ok(());
    }
    janitor.keep_watch();
    // No event tells a process that is not the parent that another has stopped.
    let mut pause = Duration::from_millis(1);
    let mut waited = Duration::ZERO;
    loop {
        match process.activity()? {
            Activity::Stopped | Activity::Ended => {
                janitor.was_stopped();
                return Ok(());
            }
            Activity::Running if waited >= STOPPED_WITHIN => return Ok(()),
            Activity::Running => {
                clock.sleep(pause).await;
                waited += pause;
                pause = (pause * 2).min(Duration::from_millis(100));
            }
        }
    }
}
