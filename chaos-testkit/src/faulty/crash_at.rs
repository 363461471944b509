use std::{
    io,
    sync::atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use chaos_core::{Error, ErrorKind, Journal, Result, fault::FaultState};
use rustix::process::{Signal, getpid, kill_process};
use tokio::signal::unix::{SignalKind, signal};

use super::{Faulty, Interference, JournalCall};

/// Kills its own process with `SIGKILL` when a fault enters a state: to the journal, that looks like a power cut. Or
/// stops it with `SIGSTOP`, as a person does who freezes it.
///
/// When it dies, no destructor runs and nothing is flushed. Unix only.
///
/// ```no_run
/// use chaos_core::{MemoryJournal, fault::FaultState};
/// use chaos_testkit::faulty::{CrashAt, When};
///
/// // The process dies when the fault is in effect and the journal has not recorded that yet.
/// let journal = CrashAt::journal(MemoryJournal::new(), FaultState::Active, When::BeforeMark);
/// # let _ = journal;
/// ```
#[derive(Debug)]
pub struct CrashAt {
    call: JournalCall,
    when: When,
    sends: Signal,
    has_sent: AtomicBool,
}

/// The side of the journal's write on which the process dies or is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "before and after: there is no third side")]
pub enum When {
    /// The journal still holds the state before.
    BeforeMark,
    /// The journal holds the new state, but nothing has acted on it.
    AfterMark,
}

impl CrashAt {
    /// A journal that kills the process at the first write of `state`. For [`FaultState::Armed`] that is the arming.
    pub fn journal<J: Journal>(journal: J, state: FaultState, when: When) -> Faulty<J, Self> {
        Self::sending(Signal::KILL, journal, state, when)
    }

    /// A journal that stops the process at the first write of `state` and continues after `SIGCONT`. Meanwhile the
    /// process is in state `T`. It needs a tokio runtime with I/O enabled.
    pub fn pausing_journal<J: Journal>(journal: J, state: FaultState, when: When) -> Faulty<J, Self> {
        Self::sending(Signal::STOP, journal, state, when)
    }

    fn sending<J: Journal>(sends: Signal, journal: J, state: FaultState, when: When) -> Faulty<J, Self> {
        let call = match state {
            FaultState::Armed => JournalCall::Arm,
            state => JournalCall::Mark(state),
        };
        Faulty::new(journal, Self { call, when, sends, has_sent: AtomicBool::new(false) })
    }

    async fn strike(&self, call: JournalCall, when: When) -> Result<()> {
        if call != self.call || when != self.when || self.has_sent.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        // The signal may reach this thread a moment after it was sent, and nothing must happen until then.
        if self.sends == Signal::STOP {
            let mut continued = signal(SignalKind::from_raw(Signal::CONT.as_raw())).map_err(failed)?;
            self.send()?;
            continued.recv().await;
            Ok(())
        } else {
            self.send()?;
            std::future::pending().await
        }
    }

    fn send(&self) -> Result<()> {
        kill_process(getpid(), self.sends).map_err(|error| failed(error.into()))
    }
}

fn failed(error: io::Error) -> Error {
    Error::new(ErrorKind::Other, "the process could not signal itself").caused_by(error)
}

#[async_trait]
impl Interference<JournalCall> for CrashAt {
    async fn before(&self, call: JournalCall) -> Result<()> {
        self.strike(call, When::BeforeMark).await
    }

    async fn after(&self, call: JournalCall) -> Result<()> {
        self.strike(call, When::AfterMark).await
    }
}
