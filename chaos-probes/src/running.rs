use std::{
    os::{fd::OwnedFd, unix::process::CommandExt},
    process::{Child, Command, Stdio},
    thread,
};

use chaos_core::{Error, ErrorKind, Result};
use rustix::{
    io::{Errno, retry_on_intr},
    process::{Pid, Signal, WaitId, WaitIdOptions, WaitIdStatus, kill_process_group, waitid},
};
use tokio::{
    net::unix::pipe,
    signal::unix::{Signal as Signals, SignalKind, signal},
};

use crate::trouble::{LONGEST, Trouble};

/// A process, child of this one and leader of its own process group. Dropping it kills the whole group and leaves no
/// zombie.
#[derive(Debug)]
pub(crate) struct Running {
    leader: Leader,
    children: Signals,
    stdout: Stdout,
}

/// How a process ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: i32,
    pub(crate) stdout: Vec<u8>,
}

impl Running {
    /// Starts a program. Its output is kept only if somebody `reads` it.
    pub(crate) fn start(words: &[String], reads: bool) -> Result<Self> {
        let failed = |what: &'static str| {
            let program = words.first().map_or("", String::as_str).to_owned();
            move |error: std::io::Error| {
                Error::new(ErrorKind::Unavailable, what).with("program", program).caused_by(error)
            }
        };
        // Before the start, so that no end is missed.
        let children =
            signal(SignalKind::child()).map_err(failed("the end of a command cannot be awaited"))?;
        let mut command = Command::new(words.first().map_or("", String::as_str));
        command.args(words.iter().skip(1)).process_group(0);
        command.stdin(Stdio::null()).stderr(Stdio::null());
        command.stdout(if reads { Stdio::piped() } else { Stdio::null() });
        let child = command.spawn().map_err(failed("a command cannot be started"))?;
        let mut leader = Leader { child: Some(child) };
        let pipe = leader.child.as_mut().and_then(|child| child.stdout.take());
        let pipe = pipe.map(|pipe| pipe::Receiver::from_owned_fd(OwnedFd::from(pipe))).transpose();
        let pipe = pipe.map_err(failed("the output of a command cannot be read"))?;
        Ok(Self { leader, children, stdout: Stdout { pipe, bytes: Vec::new() } })
    }

    /// Waits until the program has ended, even if another process still holds its output open, and kills its group.
    pub(crate) async fn ended(mut self) -> Result<Ended, Trouble> {
        let status = loop {
            if let Some(status) = self.leader.status()? {
                break status;
            }
            tokio::select! {
                biased;
                _ = self.children.recv() => {}
                too_long = self.stdout.drain() => return Err(too_long),
            }
        };
        self.leader.kill_group();
        self.stdout.rest()?;
        match (status.exit_status(), status.terminating_signal()) {
            (Some(status), _) => Ok(Ended { status, stdout: self.stdout.bytes }),
            (None, signal) => {
                Err(Trouble::NoAnswer(format!("it was ended by signal {}", signal.unwrap_or(0))))
            }
        }
    }
}

#[derive(Debug)]
struct Leader {
    /// A child that has not been waited for.
    child: Option<Child>,
}

impl Leader {
    fn id(&self) -> Option<Pid> {
        Pid::from_raw(i32::try_from(self.child.as_ref()?.id()).ok()?)
    }

    /// How it ended, if it has. It stays a zombie, so the id of its group stays its own.
    fn status(&self) -> Result<Option<WaitIdStatus>> {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let seen = self.id().map_or(Err(Errno::CHILD), |id| retry_on_intr(|| waitid(WaitId::Pid(id), look)));
        seen.map_err(|error| {
            let what = "other code in this process collected the exit status of a command, so it is lost";
            Error::new(ErrorKind::Unavailable, what).caused_by(error)
        })
    }

    fn kill_group(&self) {
        // If it is no longer our child, other code has waited for it, and the id may be somebody else's.
        if let (Ok(_), Some(id)) = (self.status(), self.id()) {
            let _ = kill_process_group(id, Signal::KILL);
        }
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        self.kill_group();
        let Some(mut child) = self.child.take() else { return };
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        // Not here, because a slow kernel would block a whole runtime, and not in a task, because a runtime that ends
        // drops its tasks.
        let reaper = thread::Builder::new().name("chaos-reaper".to_owned());
        let _ = reaper.spawn(move || child.wait());
    }
}

#[derive(Debug)]
struct Stdout {
    pipe: Option<pipe::Receiver>,
    bytes: Vec<u8>,
}

impl Stdout {
    /// Reads as long as it is polled, because a program with a full pipe would hang. Ends only if there is too much.
    async fn drain(&mut self) -> Trouble {
        while let Some(pipe) = &self.pipe {
            let mut buffer = [0; 8 * 1024];
            let read = match pipe.readable().await {
                Ok(()) => pipe.try_read(&mut buffer),
                Err(error) => Err(error),
            };
            match read {
                Ok(0) => self.pipe = None,
                Ok(length) => {
                    if let Err(too_long) = self.keep(&buffer[..length]) {
                        return too_long;
                    }
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => self.pipe = None,
            }
        }
        std::future::pending().await
    }

    /// What was printed up to now. Later output of other processes that hold the pipe open is not awaited.
    fn rest(&mut self) -> Result<(), Trouble> {
        let Some(pipe) = self.pipe.take() else { return Ok(()) };
        let mut buffer = [0; 8 * 1024];
        // The pipe does not block.
        while let Ok(length @ 1..) = retry_on_intr(|| rustix::io::read(&pipe, &mut buffer)) {
            self.keep(&buffer[..length])?;
        }
        Ok(())
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        if self.bytes.len() + bytes.len() > LONGEST {
            return Err(Trouble::no_answer("it printed more than 1 MiB"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
}
