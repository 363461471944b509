use std::{fs, io, process::Stdio, time::Duration};

use chaos_core::{Error, ErrorKind, Result, TargetId, clock::Clock};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use crate::{
    client::{process_handle::ProcessHandle, scarcity::scarcity, search_path::search_path},
    model::identity::ProcessIdentity,
};

const SCRIPT: &str = include_str!("janitor.sh");

/// How long a janitor may take to get ready.
const READY_WITHIN: Duration = Duration::from_secs(5);

/// How long to wait for a killed janitor, in case the kernel is slow to end it.
const KILLED_WITHIN: Duration = Duration::from_secs(1);

/// How much of an answer is read, in bytes.
const LONGEST_ANSWER: u64 = 64;

/// The dead-man switch of a stop: a small process beside this one that stops processes and continues them at the
/// deadline, even if this one is killed or frozen.
///
/// If you drop it before it was told to stop anything, it exits. If you drop it while it stops processes, it is ended,
/// and the processes that it was told to stop are continued.
#[derive(Debug)]
pub(crate) struct Janitor {
    child: Option<Child>,
    input: Option<ChildStdin>,
    output: Option<BufReader<ChildStdout>>,
    /// The processes that it was told to stop, as long as it has not answered.
    told: Vec<ProcessIdentity>,
    deadline: UptimeDeadline,
}

/// The end of a fault, in hundredths of a second of this machine's uptime. The janitor reads the same clock, so its
/// start-up time counts, and a correction of the wall clock changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UptimeDeadline(u64);

impl UptimeDeadline {
    /// The uptime is read before `remaining` is called, so a process that is frozen between the two gets an earlier
    /// deadline, not a later one.
    pub(crate) fn after(remaining: impl FnOnce() -> Result<Duration>) -> Result<Self> {
        let now = uptime_in_hundredths().map_err(|error| {
            Error::new(
                ErrorKind::Unavailable,
                "the uptime of this machine cannot be read; nothing was stopped",
            )
            .caused_by(error)
        })?;
        let remaining = u64::try_from(remaining()?.as_millis() / 10).unwrap_or(u64::MAX);
        Ok(Self(now.saturating_add(remaining).min(i64::MAX as u64 / 2)))
    }

    fn left(self) -> io::Result<Duration> {
        Ok(Duration::from_millis(self.0.saturating_sub(uptime_in_hundredths()?).saturating_mul(10)))
    }
}

impl Janitor {
    /// Starts a janitor for a stop that ends at `deadline`. When this returns, it is ready and waits.
    ///
    /// `fault` and `target` tell a person what this process is for.
    ///
    /// # Errors
    /// If it could not be started or did not get ready. Then it has exited or is about to.
    ///
    /// Cancel safe: a dropped call leaves no janitor behind.
    pub(crate) async fn start(
        deadline: UptimeDeadline,
        fault: impl ToString,
        target: &TargetId,
        clock: &dyn Clock,
    ) -> Result<Self> {
        let failed = |error: io::Error| {
            let why = scarcity(&error).map(|scarce| format!(" for lack of {scarce}")).unwrap_or_default();
            let what = format!(
                "the janitor (the dead-man switch that ends the stop at its deadline) could not be started{why}; \
                 nothing was stopped"
            );
            Error::new(ErrorKind::Unavailable, what).caused_by(error)
        };
        let mut child = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "chaos-janitor", &fault.to_string(), target.as_str()])
            .env_clear()
            .env("PATH", search_path())
            .env("deadline", deadline.0.to_string())
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // Protected from the terminal's signals, and from signals to this process's whole group.
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        let (input, output) = (child.stdin.take(), child.stdout.take().map(BufReader::new));
        let mut janitor = Self { child: Some(child), input, output, told: Vec::new(), deadline };
        let answer = tokio::select! {
            biased;
            answer = janitor.answer() => answer.map_err(failed)?,
            () = clock.sleep(READY_WITHIN) => {
                let what = format!("not ready within {READY_WITHIN:?}");
                return Err(failed(io::Error::new(io::ErrorKind::TimedOut, what)));
            }
        };
        match answer.as_str() {
            "ready" => Ok(janitor),
            _ => Err(failed(io::Error::other(
                "it ended before it was ready: the deadline may have passed, or /proc or `sleep` may be missing",
            ))),
        }
    }

    /// Stops these processes, the first of which is the one that the others belong to. Returns when they were seen
    /// stopped, or after a second if one is slow to act on the signal. The janitor watches in both cases.
    ///
    /// The janitor looks at its clock before each of them.
    ///
    /// # Errors
    /// `Refused` if the deadline has passed, `Denied` if this user may not stop one of them, and `Unavailable` if the
    /// janitor gave no answer. None of them is left stopped.
    ///
    /// Cancel safe: a dropped call leaves none of them stopped.
    pub(crate) async fn stop(mut self, processes: &[ProcessIdentity], clock: &dyn Clock) -> Result<()> {
        let lost = |error: io::Error| {
            let what = "the janitor (the dead-man switch that ends the stop at its deadline) is gone; nothing is left \
                stopped";
            Error::new(ErrorKind::Unavailable, what).caused_by(error)
        };
        let names: Vec<String> = processes.iter().map(ToString::to_string).collect();
        self.told = processes.to_vec();
        if let Some(mut input) = self.input.take() {
            input.write_all(format!("stop {}\n", names.join(" ")).as_bytes()).await.map_err(lost)?;
        }
        // It answers by its deadline, unless it is frozen.
        let limit = self.deadline.left().map_err(lost)?;
        let answer = tokio::select! {
            biased;
            answer = self.answer() => answer.map_err(lost)?,
            () = clock.sleep(limit) => {
                return Err(lost(io::Error::new(io::ErrorKind::TimedOut, "it does not answer")));
            }
        };
        match answer.split_once(' ').unwrap_or((&answer, "")) {
            ("stopped" | "stopping", "") => {
                self.told.clear();
                Ok(())
            }
            ("late", "") => {
                let what = "the fault's deadline has passed, so nothing is stopped";
                Err(Error::new(ErrorKind::Refused, what))
            }
            ("failed", pid) => {
                let what =
                    "this user has no permission to stop a process of the target; nothing is left stopped";
                Err(Error::new(ErrorKind::Denied, what).with("pid", pid))
            }
            _ => Err(lost(io::Error::other(format!("it answered {answer:?}")))),
        }
    }

    async fn answer(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if let Some(output) = &mut self.output {
            output.take(LONGEST_ANSWER).read_line(&mut line).await?;
        }
        Ok(line.trim_end_matches('\n').to_owned())
    }

    #[cfg(test)]
    pub(crate) fn signal(&self, signal: Signal) {
        if let Some(pid) =
            self.child.as_ref().and_then(Child::id).and_then(|pid| Pid::from_raw(pid.cast_signed()))
        {
            let _ = rustix::process::kill_process(pid, signal);
        }
    }

    /// Kills it at once. Until it is waited for, its process id is not reused.
    fn kill(child: &Child) {
        let Some(pid) = child.id() else { return };
        if let Some(group) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        if let Ok(handle) = ProcessHandle::of_unreaped(pid) {
            let _ = handle.has_ended_within(KILLED_WITHIN);
        }
    }
}

impl Drop for Janitor {
    fn drop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        if !self.told.is_empty() {
            Self::kill(&child);
            // Only now, because it might stop another one while it lives.
            for process in &self.told {
                if let Ok(Some(handle)) = ProcessHandle::open(*process) {
                    let _ = handle.signal(Signal::CONT);
                }
            }
        }
        // Otherwise it would stay a zombie as long as this process lives. Without a runtime, tokio waits for it at the
        // next opportunity.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { child.wait().await });
        }
    }
}

fn uptime_in_hundredths() -> io::Result<u64> {
    let text = fs::read_to_string("/proc/uptime")?;
    let hundredths = text.split(' ').next().and_then(|uptime| {
        let (seconds, hundredths) = uptime.split_once('.')?;
        let (seconds, hundredths): (u64, u64) = (seconds.parse().ok()?, hundredths.parse().ok()?);
        Some(seconds * 100 + hundredths)
    });
    hundredths.ok_or_else(|| io::Error::other(format!("/proc/uptime holds {text:?}")))
}
