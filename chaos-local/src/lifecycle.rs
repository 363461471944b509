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

#[cfg(test)]
mod tests {
    use std::{
        fs,
        io::Read,
        process::{Child, Command, Stdio},
    };

    use chaos_core::SystemClock;

    use super::*;
    use crate::ProcessIdentity;

    /// It ends with the test, also where that fails.
    struct Victim(Child, ProcessHandle);

    impl Victim {
        fn new() -> Self {
            Self::of(Command::new("sleep").arg("600"))
        }

        fn of(command: &mut Command) -> Self {
            let child = command.spawn().unwrap();
            let handle = ProcessHandle::of_child(&child).unwrap();
            Self(child, handle)
        }
    }

    impl Drop for Victim {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    /// With the process that it is.
    async fn janitor(victim: &Victim, remaining: Duration) -> (Janitor, ProcessHandle) {
        // No other janitor has it.
        let fault = format!("fault-of-test-{}", victim.1.identity());
        let target = "process:test/0".parse().unwrap();
        let clock = SystemClock::default();
        let janitor = Janitor::start(victim.1.identity(), remaining, &fault, &target, &clock);
        let janitor = janitor.await.unwrap();
        let its_own = fs::read_dir("/proc").unwrap().find_map(|entry| {
            let entry = entry.unwrap();
            let arguments = fs::read(entry.path().join("cmdline")).ok()?;
            let is_it = arguments.split(|byte| *byte == 0).any(|argument| argument == fault.as_bytes());
            is_it.then(|| entry.file_name().to_str()?.parse().ok())?
        });
        let identity = ProcessIdentity::of_pid(its_own.expect("its argument is visible")).unwrap();
        let pid = identity.raw_pid().unwrap();
        assert_eq!(rustix::process::getpgid(Some(pid)).unwrap(), pid);
        (janitor, ProcessHandle::open(identity).unwrap().unwrap())
    }

    async fn until_stopped(process: &ProcessHandle, stopped: bool) {
        for _ in 0..5000 {
            if (process.activity().unwrap() == Activity::Stopped) == stopped {
                return;
            }
            SystemClock::default().sleep(Duration::from_millis(1)).await;
        }
        panic!("waited in vain until {process:?} is stopped: {stopped}");
    }

    async fn until_ended(process: &ProcessHandle) {
        let clock = SystemClock::default();
        tokio::select! {
            ended = process.ended() => ended.unwrap(),
            () = clock.sleep(Duration::from_secs(10)) => panic!("{process:?} does not end"),
        }
    }

    #[tokio::test]
    async fn a_janitor_leaves_although_it_never_saw_the_stop_itself() {
        let victim = Victim::new();
        let (janitor, its_process) = janitor(&victim, Duration::from_secs(600)).await;
        // It sleeps through the whole of it.
        its_process.signal(Signal::STOP).unwrap();
        until_stopped(&its_process, true).await;
        stop_watched(&victim.1, janitor, &SystemClock::default()).await.unwrap();
        assert_eq!(victim.1.activity().unwrap(), Activity::Stopped);
        victim.1.signal(Signal::CONT).unwrap();
        its_process.signal(Signal::CONT).unwrap();
        until_ended(&its_process).await;
    }

    #[tokio::test]
    async fn a_janitor_keeps_watch_over_a_stop_that_was_not_seen() {
        let victim = Victim::new();
        let (mut janitor, its_process) = janitor(&victim, Duration::from_millis(1500)).await;
        janitor.keep_watch();
        drop(janitor);
        victim.1.signal(Signal::STOP).unwrap();
        until_stopped(&victim.1, true).await;
        until_stopped(&victim.1, false).await;
        until_ended(&its_process).await;
    }

    #[tokio::test]
    async fn a_janitor_leaves_at_once_when_nothing_was_stopped() {
        let victim = Victim::new();
        let (janitor, its_process) = janitor(&victim, Duration::from_secs(600)).await;
        drop(janitor);
        until_ended(&its_process).await;
    }

    #[tokio::test]
    async fn without_a_janitor_that_is_ready_there_is_an_error() {
        let victim = Victim::new();
        let identity = victim.1.identity();
        let impostor = format!("{}.{}", identity.pid(), identity.start_time() + 1).parse().unwrap();
        let target = "process:test/0".parse().unwrap();
        for (process, remaining) in [(impostor, Duration::from_secs(600)), (identity, Duration::ZERO)] {
            let clock = SystemClock::default();
            let started = Janitor::start(process, remaining, "fault-of-test", &target, &clock);
            let error = started.await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            assert!(error.to_string().contains("nothing was stopped"), "{error}");
        }
    }

    /// A clock on which every wait is over at once.
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
        assert_eq!(victim.1.activity().unwrap(), Activity::Ended);
    }

    #[tokio::test]
    async fn what_is_stopped_can_end_by_itself() {
        let victim = Victim::new();
        victim.1.signal(Signal::STOP).unwrap();
        until_stopped(&victim.1, true).await;
        let clock = SystemClock::default();
        tokio::select! {
            ended = end(&victim.1, &clock) => ended.unwrap(),
            () = clock.sleep(GRACE / 2) => panic!("it was about to be killed"),
        }
        assert_eq!(victim.1.activity().unwrap(), Activity::Ended);
    }
}
