use std::{
    convert::Infallible,
    future, io,
    os::fd::{AsFd, OwnedFd},
    process::Command,
    sync::Arc,
    thread,
    time::Duration,
};

use chaos_core::{Error, ErrorKind, Result, capability::Output, clock::Clock};
use rustix::{
    io::{Errno, ioctl_fionread, retry_on_intr},
    process::{Signal, WaitId, WaitIdOptions, WaitIdStatus, kill_process_group, waitid},
};
use tokio::net::unix::pipe;

use crate::client::process_handle::ProcessHandle;

/// How long to wait for a killed script, in case the kernel is slow to end it.
const KILLED_WITHIN: Duration = Duration::from_secs(1);

/// How much of each output is kept, in bytes.
const LONGEST_OUTPUT: usize = 1024 * 1024;

/// A script's shell, child of this process and leader of its own process group.
///
/// Dropping it kills the whole group; processes with a session of their own stay. No zombie is left.
#[derive(Debug)]
pub(crate) struct RunningScript {
    handle: Arc<ProcessHandle>,
    is_reaped: bool,
    stdout: Captured,
    stderr: Captured,
}

/// One output of a script, as far as it was read.
#[derive(Debug, Default)]
struct Captured {
    pipe: Option<pipe::Receiver>,
    bytes: Vec<u8>,
    is_too_long: bool,
}

impl RunningScript {
    /// Starts a command with both outputs piped and a process group of its own.
    ///
    /// The outer error means that the start failed; the inner one, that the script was started and killed again.
    pub(crate) fn start(command: &mut Command) -> io::Result<Result<Self>> {
        let mut child = command.spawn()?;
        let handle = match ProcessHandle::of_child(&child) {
            Ok(handle) => handle,
            Err(error) => {
                // A process that cannot be watched must not stay. It is our own child and not waited for, so its id is
                // its own.
                if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
                    let _ = kill_process_group(group, Signal::KILL);
                }
                let _ = child.wait();
                return Ok(Err(error));
            }
        };
        let mut script = Self {
            handle: Arc::new(handle),
            is_reaped: false,
            stdout: Captured::default(),
            stderr: Captured::default(),
        };
        let mut attach = || -> io::Result<()> {
            script.stdout = Captured::new(child.stdout.take().map(OwnedFd::from))?;
            script.stderr = Captured::new(child.stderr.take().map(OwnedFd::from))?;
            Ok(())
        };
        let attached = attach();
        Ok(attached.map(|()| script).map_err(|error| {
            Error::new(ErrorKind::Unavailable, "the output of a script cannot be read").caused_by(error)
        }))
    }

    /// Waits until the shell has exited, even if other processes still hold its outputs open, and returns its output up
    /// to then.
    ///
    /// # Errors
    /// `Timeout` if it is still running after `limit`. Then its process group was killed.
    pub(crate) async fn finish(mut self, limit: Duration, clock: &dyn Clock) -> Result<Output> {
        tokio::select! {
            biased;
            ended = self.handle.ended() => ended?,
            () = clock.sleep(limit) => return Err(self.cut_short(limit, clock).await),
            never = self.stdout.drain() => match never {},
            never = self.stderr.drain() => match never {},
        }
        let status = self.reap().and_then(|status| code(&status)).ok_or_else(|| {
            let what = "other code in this process collected the exit status of a script, so it is lost";
            Error::new(ErrorKind::Unavailable, what)
        })?;
        let (stdout, stderr) = (self.stdout.rest(), self.stderr.rest());
        if self.stdout.is_too_long || self.stderr.is_too_long {
            return Err(Error::new(ErrorKind::Other, "a script ended, but printed too much")
                .with("most_bytes", LONGEST_OUTPUT)
                .with("status", status));
        }
        Ok(Output::new(status, stdout, stderr))
    }

    async fn cut_short(&mut self, limit: Duration, clock: &dyn Clock) -> Error {
        self.kill();
        tokio::select! {
            biased;
            _ = self.handle.ended() => {}
            () = clock.sleep(KILLED_WITHIN) => {}
        }
        Error::new(ErrorKind::Timeout, "a script took longer than its time limit and was killed")
            .with("limit", format_args!("{limit:?}"))
            .with("stderr", last(&self.stderr.rest()))
    }

    /// Kills the whole group.
    fn kill(&self) {
        // Until its leader is waited for, the id of the group cannot be reused.
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let is_ours = !self.is_reaped && waitid(WaitId::PidFd(self.handle.as_fd()), look).is_ok();
        if let (true, Ok(group)) = (is_ours, self.handle.identity().raw_pid()) {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }

    /// Waits for a shell that has exited; `None` if it has not.
    fn reap(&mut self) -> Option<WaitIdStatus> {
        let status =
            waitid(WaitId::PidFd(self.handle.as_fd()), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
        // If it is no longer our child, other code has waited for it.
        self.is_reaped = matches!(status, Ok(Some(_)) | Err(Errno::CHILD));
        status.ok().flatten()
    }
}

impl Drop for RunningScript {
    fn drop(&mut self) {
        if self.is_reaped {
            return;
        }
        self.kill();
        self.reap();
        if self.is_reaped {
            return;
        }
        // Not here, because a slow kernel would block a whole runtime, and not in a task, because a runtime that ends
        // drops its tasks.
        let wait = |handle: &ProcessHandle| {
            let _ = retry_on_intr(|| waitid(WaitId::PidFd(handle.as_fd()), WaitIdOptions::EXITED));
        };
        let handle = Arc::clone(&self.handle);
        let reaper = thread::Builder::new().name("chaos-reaper".to_owned());
        if reaper.spawn(move || wait(&handle)).is_err() {
            wait(&self.handle);
        }
    }
}

impl Captured {
    fn new(pipe: Option<OwnedFd>) -> io::Result<Self> {
        Ok(Self { pipe: pipe.map(pipe::Receiver::from_owned_fd).transpose()?, ..Self::default() })
    }

    /// Reads as long as it is polled, because a script with a full pipe would hang.
    async fn drain(&mut self) -> Infallible {
        let mut buffer = vec![0; 16 * 1024];
        while let Some(pipe) = &self.pipe {
            let read = match pipe.readable().await {
                Ok(()) => pipe.try_read(&mut buffer),
                Err(error) => Err(error),
            };
            match read {
                Ok(0) => self.pipe = None,
                Ok(length) => self.keep(&buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => self.pipe = None,
            }
        }
        future::pending().await
    }

    /// The output up to now. Later output of other processes that hold the pipe open is not awaited.
    fn rest(&mut self) -> String {
        if let Some(pipe) = self.pipe.take() {
            let mut there =
                ioctl_fionread(&pipe).ok().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
            let mut buffer = vec![0; there];
            while there > 0 {
                match retry_on_intr(|| rustix::io::read(&pipe, &mut buffer[..there])) {
                    Ok(0) | Err(_) => break,
                    Ok(length) => {
                        self.keep(&buffer[..length]);
                        there -= length;
                    }
                }
            }
        }
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = LONGEST_OUTPUT - self.bytes.len();
        self.is_too_long |= bytes.len() > room;
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

/// As a shell reports it: the exit status, or 128 and the number of the signal that ended it.
fn code(status: &WaitIdStatus) -> Option<i32> {
    status.exit_status().or_else(|| Some(128 + status.terminating_signal()?))
}

/// The part of a possibly long text that a person needs to see.
fn last(text: &str) -> &str {
    const LONGEST: usize = 1000;
    let text = text.trim();
    let from = text.len().saturating_sub(LONGEST);
    (from..text.len()).find_map(|from| text.get(from..)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_long_text_is_cut_between_characters() {
        assert_eq!(last(" short \n"), "short");
        assert_eq!(last(""), "");
        let long = "é".repeat(1000) + "x";
        assert_eq!(last(&long).len(), 999);
    }
}
