use std::{
    fs, io,
    io::{PipeWriter, Write},
    process::Stdio,
    time::Duration,
};

use chaos_core::{Clock, Error, ErrorKind, Result, TargetId};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::Command,
};

use crate::{ProcessIdentity, search_path::search_path};

const SCRIPT: &str = include_str!("../scripts/janitor.sh");

/// How long a janitor may take to say that it is ready.
const READY_WITHIN: Duration = Duration::from_secs(5);

/// A small process beside this one that continues a stopped process at its deadline, even if this one is killed.
///
/// Dropping the handle lets the janitor begin its watch; what it is told then depends on how far the stop came.
#[derive(Debug)]
pub(crate) struct Janitor {
    input: PipeWriter,
    parting: Option<&'static str>,
}

impl Janitor {
    /// Starts a janitor for a process that must run again after `remaining`. When this returns, the janitor has seen the
    /// process and waits.
    ///
    /// `fault` and `target` are for a person who wonders what this process is.
    ///
    /// # Errors
    /// Where it could not be started or did not get ready; then it has left or is about to.
    ///
    /// Cancel safe: a dropped call leaves no janitor behind.
    pub(crate) async fn start(
        process: ProcessIdentity,
        remaining: Duration,
        fault: impl ToString,
        target: &TargetId,
        clock: &dyn Clock,
    ) -> Result<Self> {
        let failed = |error: io::Error| {
            Error::new(
                ErrorKind::Unavailable,
                "the janitor that would end the stop at its deadline could not be started; nothing was stopped",
            )
            .with("process", process)
            .caused_by(error)
        };
        let deadline = uptime_in_hundredths()
            .map_err(failed)?
            .saturating_add(u64::try_from(remaining.as_millis() / 10).unwrap_or(u64::MAX));
        let (reader, input) = io::pipe().map_err(failed)?;
        let janitor = Self { input, parting: Some("leave\n") };
        let mut child = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "chaos-janitor", &fault.to_string(), target.as_str()])
            .env_clear()
            .env("PATH", search_path())
            .env("pid", process.pid().to_string())
            .env("start_time", process.start_time().to_string())
            .env("deadline", deadline.to_string())
            .current_dir("/")
            .stdin(Stdio::from(reader))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // Away from the terminal's signals, and from whoever signals this process's whole group.
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        let output = child.stdout.take();
        // It is waited for by nobody else: without this it would stay a zombie as long as this process lives.
        tokio::spawn(async move { child.wait().await });

        let mut word = String::new();
        let handshake = async {
            match output {
                Some(output) => BufReader::new(output.take(16)).read_line(&mut word).await,
                None => Ok(0),
            }
        };
        tokio::select! {
            biased;
            read = handshake => read.map_err(failed)?,
            () = clock.sleep(READY_WITHIN) => {
                return Err(failed(io::Error::new(io::ErrorKind::TimedOut, format!("not ready within {READY_WITHIN:?}"))));
            }
        };
        if word == "ready\n" {
            Ok(janitor)
        } else {
            Err(failed(io::Error::other(
                "it ended before it was ready: the process may be gone, or `sleep` missing",
            )))
        }
    }

    /// The stop is on its way: whatever happens now, the janitor keeps watch.
    pub(crate) fn keep_watch(&mut self) {
        self.parting = None;
    }

    /// The process was seen stopped: the janitor leaves as soon as somebody continues it.
    pub(crate) fn was_stopped(mut self) {
        self.parting = Some("stopped\n");
    }
}

impl Drop for Janitor {
    fn drop(&mut self) {
        if let Some(word) = self.parting {
            // Where it fails the janitor sees the end of its input, which is the more careful case. A pipe that nobody wrote
            // to has room for a word, so this does not block.
            let _ = self.input.write_all(word.as_bytes());
        }
    }
}

/// By the clock that the janitor itself reads, so that the time it takes to start counts. A clock of this machine's uptime: a
/// correction of the wall clock moves no deadline.
fn uptime_in_hundredths() -> io::Result<u64> {
    let text = fs::read_to_string("/proc/uptime")?;
    let hundredths = text.split(' ').next().and_then(|uptime| {
        let (seconds, hundredths) = uptime.split_once('.')?;
        let (seconds, hundredths): (u64, u64) = (seconds.parse().ok()?, hundredths.parse().ok()?);
        Some(seconds * 100 + hundredths)
    });
    hundredths.ok_or_else(|| io::Error::other(format!("/proc/uptime holds {text:?}")))
}
