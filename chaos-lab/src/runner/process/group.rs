#[cfg(target_os = "linux")]
use std::fs;
use std::{
    io,
    os::unix::process::ExitStatusExt,
    process::Child,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use rustix::{
    io::{Errno, retry_on_intr},
    process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, test_kill_process_group, waitid},
};

use super::ending::Ending;

/// A process group whose leader is a child of this process. As long as the leader has not been waited for, the id of
/// the group is its own, so only then is it signalled.
#[derive(Debug)]
pub(super) struct Group {
    id: Pid,
    ending: Ending,
    leader: Mutex<Leader>,
    is_killed: AtomicBool,
}

#[derive(Debug)]
enum Leader {
    /// It runs, or is a zombie.
    Unreaped(Child),
    /// It ended by exiting, or by a signal: a negative number.
    Ended(i32),
    /// Other code in this process has waited for it.
    Lost,
}

impl Group {
    /// The group of a child that leads it.
    pub(super) fn led_by(child: Child) -> io::Result<Self> {
        let failed = |mut child: Child, error| {
            let _ = child.kill();
            let _ = child.wait();
            error
        };
        let Some(id) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else {
            return Err(failed(child, Errno::CHILD.into()));
        };
        match Ending::of(id) {
            Ok(ending) => {
                let leader = Mutex::new(Leader::Unreaped(child));
                Ok(Self { id, ending, leader, is_killed: AtomicBool::new(false) })
            }
            Err(error) => {
                let _ = kill_process_group(id, Signal::KILL);
                Err(failed(child, error))
            }
        }
    }

    pub(super) fn id(&self) -> Pid {
        self.id
    }

    /// Kills every process in it, if its leader has not been waited for. Returns whether that was so.
    pub(super) fn kill(&self) -> bool {
        let mut leader = self.leader.lock().unwrap_or_else(PoisonError::into_inner);
        if let Leader::Unreaped(_) = &*leader {
            match has_ended(self.id, WaitIdOptions::NOHANG) {
                Ok(_) => {
                    self.is_killed.store(true, Ordering::Relaxed);
                    let _ = kill_process_group(self.id, Signal::KILL);
                    return true;
                }
                // The id may be somebody else's.
                Err(_) => *leader = Leader::Lost,
            }
        }
        false
    }

    /// Whether it was killed by [`kill`](Group::kill).
    pub(super) fn is_killed(&self) -> bool {
        self.is_killed.load(Ordering::Relaxed)
    }

    /// Waits for the end of the leader. The first to see it calls `before_reaped` while the id is still its own.
    ///
    /// # Errors
    /// If its status is lost.
    ///
    /// Cancel safe.
    pub(super) async fn ended(&self, before_reaped: impl Fn()) -> io::Result<i32> {
        if let Some(status) = self.status(&before_reaped)? {
            return Ok(status);
        }
        let mut watch = self.ending.watch()?;
        loop {
            // Before each wait, so that no end is missed.
            if let Some(status) = self.status(&before_reaped)? {
                return Ok(status);
            }
            watch.changed().await?;
        }
    }

    /// As [`ended`](Group::ended), but blocks the thread.
    pub(super) fn wait(&self, before_reaped: impl Fn()) {
        while matches!(self.status(&before_reaped), Ok(None)) {
            if has_ended(self.id, WaitIdOptions::empty()).is_err() {
                return;
            }
        }
    }

    fn status(&self, before_reaped: impl Fn()) -> io::Result<Option<i32>> {
        let mut leader = self.leader.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *leader {
            Leader::Ended(status) => return Ok(Some(*status)),
            Leader::Lost => return Err(Errno::CHILD.into()),
            Leader::Unreaped(child) => match has_ended(self.id, WaitIdOptions::NOHANG) {
                Ok(false) => return Ok(None),
                Ok(true) => {
                    before_reaped();
                    if let Ok(status) = child.wait() {
                        let signal = status.signal().map_or(0, |signal| -signal);
                        let status = status.code().unwrap_or(signal);
                        *leader = Leader::Ended(status);
                        return Ok(Some(status));
                    }
                }
                Err(_) => before_reaped(),
            },
        }
        *leader = Leader::Lost;
        Err(Errno::CHILD.into())
    }

    /// Whether anything of it is left, be it a zombie. Only looks, so a wrong group that got the id is no matter.
    pub(super) fn is_left(&self) -> bool {
        test_kill_process_group(self.id) != Err(Errno::SRCH)
    }
}

impl Group {
    /// Whether a process of it is left that is no zombie. If that cannot be told, one is.
    #[cfg(target_os = "linux")]
    pub(super) fn has_living(&self) -> bool {
        let Ok(processes) = fs::read_dir("/proc") else { return true };
        let stats =
            processes.flatten().filter_map(|process| fs::read_to_string(process.path().join("stat")).ok());
        let group = self.id.as_raw_nonzero().to_string();
        stats.into_iter().any(|stat| {
            // The name before it may hold anything.
            let Some((_, fields)) = stat.rsplit_once(") ") else { return false };
            let mut fields = fields.split(' ');
            let (state, of) = (fields.next().unwrap_or_default(), fields.nth(1).unwrap_or_default());
            of == group && !matches!(state, "Z" | "X")
        })
    }

    /// Whether a process of it is left that is no zombie. If that cannot be told, one is.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn has_living(&self) -> bool {
        true
    }
}

/// Whether a child has ended. It stays a zombie.
fn has_ended(child: Pid, how: WaitIdOptions) -> Result<bool, Errno> {
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | how;
    retry_on_intr(|| waitid(WaitId::Pid(child), look)).map(|seen| seen.is_some())
}
