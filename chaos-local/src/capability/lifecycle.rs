use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chaos_core::{
    Capability, CapabilitySet, Error, ErrorKind, Permit, Result, TargetId, capability::Lifecycle,
    clock::Clock,
};
use futures_util::future::try_join_all;
use rustix::process::Signal;

use crate::{
    capability::{by_hand, locate::Locate},
    client::{
        janitor::{Janitor, UptimeDeadline},
        process_handle::ProcessHandle,
        process_table::ProcessTable,
    },
    model::identity::ProcessIdentity,
};

/// How long processes may take to end after SIGTERM before they are killed.
pub(crate) const GRACE: Duration = Duration::from_secs(10);

/// How long processes are stopped before they are killed, in case the killing process dies in between.
const HALTED_BEFORE_THE_END: Duration = Duration::from_secs(10);

/// How often to look for processes that were started meanwhile.
const MOST_ROUNDS: usize = 20;

/// Ends, stops and continues the current process of a target, and all that belong to it.
#[derive(Debug)]
pub(crate) struct ProcessLifecycle {
    target: TargetId,
    process: Arc<dyn Locate>,
    operations: CapabilitySet,
    clock: Arc<dyn Clock>,
}

impl ProcessLifecycle {
    /// `restarted`: something restarts the process after it has ended, so it can be rebooted.
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

    /// Stops the process and all that belong to it, for this long and until the permit's deadline at the latest.
    /// Returns all of them.
    async fn halt(
        &self,
        process: &ProcessHandle,
        permit: &Permit,
        at_most: Duration,
    ) -> Result<Vec<ProcessIdentity>> {
        let remaining = || match permit.remaining() {
            Duration::ZERO => Err(too_late()),
            remaining => Ok(remaining.min(at_most)),
        };
        let mut halted = Vec::new();
        let halting = async {
            for _ in 0..MOST_ROUNDS {
                let mut family = ProcessTable::read()?.tree(process.identity());
                if family.iter().all(|member| halted.contains(member)) {
                    return Ok(());
                }
                let deadline = UptimeDeadline::after(remaining)?;
                let janitor =
                    Janitor::start(deadline, permit.fault(), &self.target, self.clock.as_ref()).await?;
                // The processes that were started while the janitor started.
                family = ProcessTable::read()?.tree(process.identity());
                if family.is_empty() {
                    return Ok(());
                }
                // Each janitor watches all of them: processes that an earlier one has stopped stay stopped.
                janitor.stop(&family, self.clock.as_ref()).await?;
                halted = family;
            }
            let what = "the target starts processes faster than they can be stopped; nothing is left stopped";
            Err(Error::new(ErrorKind::Conflict, what))
        };
        let ended = halting.await;
        match ended {
            Ok(()) => Ok(halted),
            Err(error) => {
                for member in open_all(&halted)? {
                    member.signal(Signal::CONT)?;
                }
                Err(error)
            }
        }
    }
}

#[async_trait]
impl Lifecycle for ProcessLifecycle {
    fn operations(&self) -> CapabilitySet {
        self.operations
    }

    /// For a start of the processes that belong to the target now: SIGCONT to each that is still the same process.
    fn by_hand(&self, operation: Capability) -> Option<String> {
        if operation != Capability::Start {
            return None;
        }
        let process = self.process.process().ok().flatten()?;
        by_hand::continued(&ProcessTable::read().ok()?.tree(process))
    }

    /// SIGKILL to the process and all that belong to it. They are stopped before that, so none of them starts another.
    /// Returns when they have ended.
    async fn terminate(&self, permit: &Permit) -> Result<()> {
        let Some(process) = self.open()? else { return Ok(()) };
        let named = |error: Error| error.with("target", &self.target);
        let halted = self.halt(&process, permit, HALTED_BEFORE_THE_END).await.map_err(named)?;
        kill_in_time(&open_all(&halted)?, permit).await.map_err(named)?;
        // If this came so late that they ran again.
        for _ in 0..MOST_ROUNDS {
            let left = ProcessTable::read()?.tree(process.identity());
            if left.is_empty() {
                break;
            }
            kill_in_time(&open_all(&left)?, permit).await.map_err(named)?;
        }
        Ok(())
    }

    /// SIGSTOP to the process and all that belong to it. The stop ends at the permit's deadline even if this process is
    /// killed.
    async fn stop(&self, permit: &Permit) -> Result<()> {
        let gone =
            || Error::new(ErrorKind::Conflict, "there is no process to stop").with("target", &self.target);
        let process = self.open()?.ok_or_else(gone)?;
        self.halt(&process, permit, Duration::MAX)
            .await
            .map(drop)
            .map_err(|error| error.with("target", &self.target))
    }

    /// SIGCONT to the process and all that belong to it.
    async fn start(&self, _: &Permit) -> Result<()> {
        let Some(process) = self.open()? else { return Ok(()) };
        let mut continued = Vec::new();
        // A continued process may have started others before the last one of the stop was continued.
        for _ in 0..MOST_ROUNDS {
            let family = ProcessTable::read()?.tree(process.identity());
            let new: Vec<_> = family.into_iter().filter(|member| !continued.contains(member)).collect();
            if new.is_empty() {
                break;
            }
            for member in open_all(&new)? {
                member.signal(Signal::CONT)?;
            }
            continued.extend(new);
        }
        Ok(())
    }

    /// SIGTERM to the process and all that belong to it, and SIGKILL if that is not enough. Returns when they have
    /// ended; the supervisor starts the next one.
    async fn reboot(&self, permit: &Permit) -> Result<()> {
        if !self.operations.contains(Capability::Reboot) {
            return Err(Error::unsupported("reboot").with("fault", permit.fault()));
        }
        let Some(process) = self.open()? else { return Ok(()) };
        let family = open_all(&ProcessTable::read()?.tree(process.identity()))?;
        // Only now, because the search takes a while, and this process may be frozen during it.
        if permit.remaining().is_zero() {
            return Err(too_late().with("target", &self.target));
        }
        end(&family, self.clock.as_ref()).await
    }
}

fn too_late() -> Error {
    Error::new(ErrorKind::Refused, "the fault's deadline has passed, so nothing is done")
}

/// Opens handles of the processes that have not ended.
fn open_all(processes: &[ProcessIdentity]) -> Result<Vec<ProcessHandle>> {
    processes.iter().filter_map(|process| ProcessHandle::open(*process).transpose()).collect()
}

/// Kills stopped processes, unless the fault's deadline has passed: if this process is frozen before this, it wakes up
/// when others have already recovered the fault. In that case, the processes run again.
async fn kill_in_time(halted: &[ProcessHandle], permit: &Permit) -> Result<()> {
    if permit.remaining().is_zero() {
        for process in halted {
            process.signal(Signal::CONT)?;
        }
        return Err(too_late());
    }
    kill(halted).await
}

/// Kills processes, and returns when they have ended.
pub(crate) async fn kill(processes: &[ProcessHandle]) -> Result<()> {
    for process in processes {
        process.signal(Signal::KILL)?;
    }
    all_ended(processes).await
}

/// Asks processes to end, and kills them after 10 seconds. Returns when they have ended.
pub(crate) async fn end(processes: &[ProcessHandle], clock: &dyn Clock) -> Result<()> {
    for process in processes {
        process.signal(Signal::TERM)?;
        // A stopped process acts on no other signal.
        process.signal(Signal::CONT)?;
    }
    tokio::select! {
        biased;
        ended = all_ended(processes) => ended,
        () = clock.sleep(GRACE) => kill(processes).await,
    }
}

async fn all_ended(processes: &[ProcessHandle]) -> Result<()> {
    try_join_all(processes.iter().map(ProcessHandle::ended)).await.map(drop)
}

#[cfg(test)]
mod tests {
    use std::{
        io::Read,
        process::{Child, Command, Stdio},
    };

    use chaos_core::clock::SystemClock;

    use super::*;
    use crate::client::process_handle::Activity;

    /// It ends with the test, even if the test fails.
    struct Victim(Child, [ProcessHandle; 1]);

    impl Victim {
        fn new() -> Self {
            Self::of(Command::new("sleep").arg("600"))
        }

        fn of(command: &mut Command) -> Self {
            let child = command.spawn().unwrap();
            let handle = ProcessHandle::of_child(&child).unwrap();
            Self(child, [handle])
        }

        fn identity(&self) -> ProcessIdentity {
            self.1[0].identity()
        }

        fn activity(&self) -> Activity {
            self.1[0].activity().unwrap()
        }
    }

    impl Drop for Victim {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    async fn janitor(remaining: Duration) -> Result<Janitor> {
        let target = "process:test/0".parse().unwrap();
        let deadline = UptimeDeadline::after(|| Ok(remaining)).unwrap();
        Janitor::start(deadline, "fault-of-test", &target, &SystemClock::default()).await
    }

    #[tokio::test]
    async fn a_janitor_stops_what_it_is_told_and_continues_it_at_its_deadline() {
        let victim = Victim::new();
        let janitor = janitor(Duration::from_millis(1500)).await.unwrap();
        janitor.stop(&[victim.identity()], &SystemClock::default()).await.unwrap();
        assert_eq!(victim.activity(), Activity::Stopped);
        for _ in 0..5000 {
            if victim.activity() != Activity::Stopped {
                return;
            }
            SystemClock::default().sleep(Duration::from_millis(2)).await;
        }
        panic!("it is still stopped");
    }

    #[tokio::test]
    async fn a_stop_that_is_dropped_leaves_nothing_stopped_then_or_later() {
        let clock = SystemClock::default();
        // At each step of the janitor's work.
        for waited in [0, 1, 3, 10, 30] {
            let victim = Victim::new();
            // What is stopped already and will never be seen to stop keeps it waiting.
            let halting = janitor(Duration::from_secs(600)).await.unwrap();
            let members = vec![victim.identity(); 1000];
            tokio::select! {
                biased;
                _ = halting.stop(&members, &clock) => {}
                () = clock.sleep(Duration::from_millis(waited)) => {
                    assert_ne!(victim.activity(), Activity::Stopped);
                    clock.sleep(Duration::from_millis(300)).await;
                    assert_ne!(victim.activity(), Activity::Stopped);
                }
            }
        }
    }

    #[tokio::test]
    async fn without_a_janitor_that_is_ready_there_is_an_error() {
        let error = janitor(Duration::ZERO).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.to_string().contains("nothing was stopped"), "{error}");
    }

    #[tokio::test]
    async fn a_stop_that_comes_too_late_stops_nothing() {
        let victim = Victim::new();
        let janitor = janitor(Duration::from_millis(300)).await.unwrap();
        // As if the injector were frozen meanwhile.
        SystemClock::default().sleep(Duration::from_millis(600)).await;
        let error = janitor.stop(&[victim.identity()], &SystemClock::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert_eq!(victim.activity(), Activity::Running);
    }

    #[tokio::test]
    async fn a_janitor_that_is_frozen_is_not_waited_for_beyond_the_deadline() {
        let (victim, clock) = (Victim::new(), SystemClock::default());
        let janitor = janitor(Duration::from_secs(1)).await.unwrap();
        janitor.signal(Signal::STOP);
        let members = [victim.identity()];
        tokio::select! {
            stopped = janitor.stop(&members, &clock) => {
                assert_eq!(stopped.unwrap_err().kind(), ErrorKind::Unavailable);
            }
            () = clock.sleep(Duration::from_secs(20)) => panic!("it waits"),
        }
        assert_eq!(victim.activity(), Activity::Running);
    }

    /// A clock by which every wait is over at once.
    #[derive(Debug)]
    struct Impatient;

    #[async_trait]
    impl Clock for Impatient {
        fn now(&self) -> jiff::Timestamp {
            jiff::Timestamp::UNIX_EPOCH
        }

        fn monotonic(&self) -> Duration {
            Duration::ZERO
        }

        async fn sleep(&self, duration: Duration) {
            assert_eq!(duration, GRACE);
        }
    }

    #[tokio::test]
    async fn what_does_not_end_within_the_grace_is_killed() {
        let mut deaf = Command::new("sh");
        deaf.args(["-c", "trap '' TERM; echo; while :; do sleep 0.01; done"]).stdout(Stdio::piped());
        let mut victim = Victim::of(&mut deaf);
        victim.0.stdout.take().unwrap().read_exact(&mut [0]).unwrap();
        let clock = SystemClock::default();
        tokio::select! {
            ended = end(&victim.1, &Impatient) => ended.unwrap(),
            () = clock.sleep(Duration::from_secs(10)) => panic!("it was not killed"),
        }
        assert_eq!(victim.activity(), Activity::Ended);
    }

    #[tokio::test]
    async fn what_is_stopped_can_end_by_itself() {
        let victim = Victim::new();
        janitor(Duration::from_secs(60))
            .await
            .unwrap()
            .stop(&[victim.identity()], &SystemClock::default())
            .await
            .unwrap();
        assert_eq!(victim.activity(), Activity::Stopped);
        let clock = SystemClock::default();
        tokio::select! {
            ended = end(&victim.1, &clock) => ended.unwrap(),
            () = clock.sleep(GRACE / 2) => panic!("it was about to be killed"),
        }
        assert_eq!(victim.activity(), Activity::Ended);
    }
}
