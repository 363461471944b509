use std::{fs, io, process::Stdio, time::Duration};

use chaos_core::{Error, ErrorKind, Result, TargetId, clock::Clock};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use crate::{ProcessIdentity, process_handle::ProcessHandle, scarcity::scarcity, search_path::search_path};

const SCRIPT: &str = include_str!("../scripts/janitor.sh");

/// How long a janitor may take to say that it is ready.
const READY_WITHIN: Duration = Duration::from_secs(5);

/// How long a janitor that was killed is waited for, should the kernel be slow to end it.
const KILLED_WITHIN: Duration = Duration::from_secs(1);

/// How much of an answer is read, in bytes.
const LONGEST_ANSWER: u64 = 64;

/// A small process beside this one that stops processes and continues them at the deadline, even if this one is killed
/// or frozen.
///
/// Dropped before it was told to stop anything, it leaves. Dropped while it stops, it is ended and what it was told to
/// stop is continued.
#[derive(Debug)]
pub(crate) struct Janitor {
    child: Option<Child>,
    input: Option<ChildStdin>,
    output: Option<BufReader<ChildStdout>>,
    /// What it was told to stop, as long as it has not answered.
    told: Vec<ProcessIdentity>,
    deadline: UptimeDeadline,
}

/// When a fault must be over, in hundredths of a second of this machine's uptime: by the clock that the janitor itself
/// reads, so that the time it takes to start counts, and a correction of the wall clock moves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UptimeDeadline(u64);

impl UptimeDeadline {
    /// The uptime is read before `remaining` is asked: whoever is frozen between the two gets an earlier deadline and
    /// not a later one.
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
    /// `fault` and `target` are for a person who wonders what this process is.
    ///
    /// # Errors
    /// Where it could not be started or did not get ready; then it has left or is about to.
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
                "the janitor that would end the stop at its deadline could not be started{why}; nothing was stopped"
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
            // Away from the terminal's signals, and from whoever signals this process's whole group.
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
                "it ended before it was ready: the deadline may have passed, or /proc or `sleep` be missing",
            ))),
        }
    }

    /// Has it stop these processes, the first of which is the one that the others belong to. Returns when they were
    /// seen stopped, or, where one is slow to act on the signal, after a second: then the janitor watches all the same.
    ///
    /// The janitor looks at its clock before each of them.
    ///
    /// # Errors
    /// `Refused` where the deadline has passed, `Denied` where one of them may not be stopped, and `Unavailable` where
    /// the janitor gave no answer. None of them is left stopped.
    ///
    /// Cancel safe: a dropped call leaves none of them stopped.
    pub(crate) async fn stop(mut self, processes: &[ProcessIdentity], clock: &dyn Clock) -> Result<()> {
        let lost = |error: io::Error| {
            let what = "the janitor that would end the stop at its deadline is gone; nothing is left stopped";
            Error::new(ErrorKind::Unavailable, what).caused_by(error)
        };
        let names: Vec<String> = processes.iter().map(ToString::to_string).collect();
        self.told = processes.to_vec();
        if let Some(mut input) = self.input.take() {
            input.write_all(format!("stop {}\n", names.join(" ")).as_bytes()).await.map_err(lost)?;
        }
        // It answers by its deadline, unless somebody has frozen it.
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
                let what = "the fault's deadline has passed, so that nothing is stopped";
                Err(Error::new(ErrorKind::Refused, what))
            }
            ("failed", pid) => {
                let what =
                    "this user may not stop a process that belongs to the target; nothing is left stopped";
                Err(Error::new(ErrorKind::Denied, what).with("pid", pid))
            }
            _ => Err(lost(io::Error::other(format!("it said {answer:?}")))),
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

    /// Ends it on the spot. As long as it was not waited for, its number is its own.
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
            // Only now: while it lives it might stop one more.
            for process in &self.told {
                if let Ok(Some(handle)) = ProcessHandle::open(*process) {
                    let _ = handle.signal(Signal::CONT);
                }
            }
        }
        // It would stay a zombie as long as this process lives. Without a runtime, tokio waits for it at its next
        // occasion.
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
