use async_trait::async_trait;
use chaos_core::{Error, ErrorKind, FaultState, Journal, Result};
use rustix::process::{Signal, getpid, kill_process};

use super::{Faulty, Interference, JournalCall};

/// Kills its own process with `SIGKILL` when a fault enters a state: what a power cut looks like to the journal.
///
/// No destructor runs and nothing is flushed. Unix only.
///
/// ```no_run
/// use chaos_core::{FaultState, MemoryJournal};
/// use chaos_testkit::faulty::{CrashAt, When};
///
/// // The process dies when the fault is in effect and the journal does not know it yet.
/// let journal = CrashAt::journal(MemoryJournal::new(), FaultState::Active, When::BeforeMark);
/// # let _ = journal;
/// ```
#[derive(Debug)]
pub struct CrashAt {
    call: JournalCall,
    when: When,
}

/// On which side of the journal's write the process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "before and after: there is no third side")]
pub enum When {
    /// The journal still holds the state before.
    BeforeMark,
    /// The journal holds the new state, and nobody acted on it.
    AfterMark,
}

impl CrashAt {
    /// A journal that kills the process at the first write of `state`. For [`FaultState::Armed`] that is the arming.
    pub fn journal<J: Journal>(journal: J, state: FaultState, when: When) -> Faulty<J, Self> {
        let call = match state {
            FaultState::Armed => JournalCall::Arm,
            state => JournalCall::Mark(state),
        };
        Faulty::new(journal, Self { call, when })
    }

    async fn crash(&self, call: JournalCall, when: When) -> Result<()> {
        if call != self.call || when != self.when {
            return Ok(());
        }
        kill_process(getpid(), Signal::KILL).map_err(|error| {
            Error::new(ErrorKind::Other, "the process could not kill itself").caused_by(error)
        })?;
        // The signal may reach this thread a moment later, and nothing may happen until then.
        std::future::pending().await
    }
}

#[async_trait]
impl Interference<JournalCall> for CrashAt {
    async fn before(&self, call: JournalCall) -> Result<()> {
        self.crash(call, When::BeforeMark).await
    }

    async fn after(&self, call: JournalCall) -> Result<()> {
        self.crash(call, When::AfterMark).await
    }
}
