use std::str::FromStr;

use chaos_core::{
    Arming, Error, FaultId, FaultQuery, FaultRecord, FaultState, Halt, Journal, Lease, Limits, Mark, Result,
    async_trait,
};
use rustix::process::{Signal, getpid, kill_process};

/// When a process kills itself: before or after the journal records that a fault enters a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CrashPoint {
    moment: Moment,
    state: FaultState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    Before,
    After,
}

impl FromStr for CrashPoint {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || Error::invalid("crash point", format!("{text:?}"), "before:STATE or after:STATE");
        let (moment, state) = text.split_once(':').ok_or_else(wrong)?;
        let moment = match moment {
            "before" => Moment::Before,
            "after" => Moment::After,
            _ => return Err(wrong()),
        };
        Ok(Self { moment, state: state.parse()? })
    }
}

/// A journal that ends its own process by SIGKILL at one point: nothing is flushed, dropped or said, as in a power cut.
#[derive(Debug)]
pub(super) struct CrashAt<J> {
    journal: J,
    point: CrashPoint,
}

impl<J> CrashAt<J> {
    pub(super) fn new(journal: J, point: CrashPoint) -> Self {
        Self { journal, point }
    }

    async fn around<T>(&self, state: FaultState, record: impl Future<Output = Result<T>>) -> Result<T> {
        self.crash(Moment::Before, state)?;
        let recorded = record.await?;
        self.crash(Moment::After, state)?;
        Ok(recorded)
    }

    fn crash(&self, moment: Moment, state: FaultState) -> Result<()> {
        if self.point != (CrashPoint { moment, state }) {
            return Ok(());
        }
        kill_process(getpid(), Signal::KILL).map_err(|error| {
            Error::new(chaos_core::ErrorKind::Other, "this process could not kill itself").caused_by(error)
        })
    }
}

#[async_trait]
impl<J: Journal> Journal for CrashAt<J> {
    async fn arm(&self, fault: &FaultRecord, limits: &Limits) -> Result<Arming<Lease>> {
        self.around(FaultState::Armed, self.journal.arm(fault, limits)).await
    }

    async fn mark(&self, fault: FaultId, mark: &Mark) -> Result<()> {
        self.around(mark.state, self.journal.mark(fault, mark)).await
    }

    async fn find(&self, query: &FaultQuery) -> Result<Vec<FaultRecord>> {
        self.journal.find(query).await
    }

    async fn pending(&self) -> Result<Vec<FaultRecord>> {
        self.journal.pending().await
    }

    async fn orphans(&self) -> Result<Vec<FaultRecord>> {
        self.journal.orphans().await
    }

    async fn set_halt(&self, halt: Option<&Halt>) -> Result<()> {
        self.journal.set_halt(halt).await
    }

    async fn halt(&self) -> Result<Option<Halt>> {
        self.journal.halt().await
    }
}
