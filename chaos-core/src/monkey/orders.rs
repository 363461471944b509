//! What a person or another program orders outside of runs: recoveries, and a halt.

use std::sync::Arc;

use super::{Monkey, attend::lost_task, halts, replay::replay};
use crate::{
    error::{Error, ErrorKind, Result},
    fault::{FaultId, FaultState, Mark},
    group::TargetId,
    journal::{Found, Halt},
};

impl Monkey {
    /// Recovers every pending fault that no live process takes care of: faults that a killed process or a dropped
    /// runtime has left behind, faults whose holder does not act, and faults that could not be recovered before.
    /// Returns each as it ended, and the unreadable entries of the journal, which are still pending.
    ///
    /// # Errors
    /// If the monkey is leashed or the journal cannot be read. A fault that could not be recovered is returned with its
    /// failure.
    ///
    /// Cancel safe as [`run_once`](Monkey::run_once): the recoveries continue.
    pub async fn recover_pending(&self) -> Result<Found> {
        let orphans = self.core.safeguard()?.journal.orphans(self.core.parts.clock.now()).await?;
        self.replay(orphans).await
    }

    /// Recovers every pending fault, even those that a live monkey takes care of; that monkey recovers them once more,
    /// which does no harm. This is for a person in an emergency; otherwise use [`halt`](Monkey::halt).
    ///
    /// # Errors
    /// As [`recover_pending`](Monkey::recover_pending).
    pub async fn take_over_pending(&self) -> Result<Found> {
        let pending = self.core.safeguard()?.journal.pending().await?;
        self.replay(pending).await
    }

    /// Records that a person has brought a target back by hand. It may then be chosen again.
    ///
    /// # Errors
    /// `Conflict` unless the fault is pending and no live process takes care of it. Also if the monkey is leashed or
    /// the journal fails.
    pub async fn declare_mended(&self, fault: FaultId, note: impl Into<String>) -> Result<()> {
        let journal = &self.core.safeguard()?.journal;
        let orphans = journal.orphans(self.core.parts.clock.now()).await?;
        if !orphans.faults.iter().any(|orphan| orphan.id == fault) {
            return Err(Error::new(
                ErrorKind::Conflict,
                "no fault with this id is waiting to be recovered: it is over, held by a live monkey, or unknown",
            )
            .with("fault", fault));
        }
        let now = self.core.parts.clock.now();
        journal.mark(fault, &Mark::new(FaultState::Recovering, now)).await?;
        let note = Some(format!("declared mended: {}", note.into()));
        journal.mark(fault, &Mark::new(FaultState::Recovered, now).note(note)).await
    }

    /// Stops everything now. It writes a halt into the journal: no monkey over the journal injects any more, and
    /// monkeys that hold a fault end it within seconds. It also cuts this monkey's holds short and waits for their
    /// recoveries.
    ///
    /// # Errors
    /// If the halt could not be written. This monkey's faults are recovered all the same.
    ///
    /// Not cancel safe: a dropped call may have halted this monkey alone, whose recoveries continue.
    pub async fn halt(&self, reason: impl Into<String>) -> Result<()> {
        let halt = Halt::new(reason, self.core.parts.clock.now());
        self.core.halted.send_replace(true);
        halts::tell(&self.core, Some(&halt));
        let written = match self.core.safeguard() {
            Ok(safeguard) => safeguard.journal.set_halt(Some(halt)).await,
            Err(error) => Err(error),
        };
        self.core.tasks.wait().await;
        written
    }

    /// Withdraws a halt. A monkey that was told to halt itself injects again only after its own `resume`.
    ///
    /// # Errors
    /// If the monkey is leashed or the journal fails; then the halt stays.
    ///
    /// Not cancel safe: a dropped call may have withdrawn the halt in the journal alone.
    pub async fn resume(&self) -> Result<()> {
        self.core.safeguard()?.journal.set_halt(None).await?;
        self.core.halted.send_replace(false);
        halts::tell(&self.core, None);
        Ok(())
    }

    /// Begins nothing new from now on, so that another monkey can take this one's place: no run, and no fault of a run
    /// that has begun. Faults that are held go on to their end, unless you [let go](Monkey::let_go) of them. Returns
    /// when no fault is being armed; [`idle`](Monkey::idle) waits for the end of all faults.
    ///
    /// [`run`](Monkey::run) returns when the faults of its runs are over. Recoveries and orders of a person are carried
    /// out as before.
    ///
    /// Cancel safe: a dropped call has retired the monkey, or has not.
    pub async fn retire(&self) {
        self.core.retirement.begin().await;
    }

    /// Cuts the holds of this monkey's faults on `target` short, those that it holds now and any later ones. They are
    /// recovered at once.
    pub fn let_go(&self, target: &TargetId) {
        self.core.retirement.let_go_of(target);
    }

    async fn replay(&self, found: Found) -> Result<Found> {
        let tasks: Vec<_> = found
            .faults
            .into_iter()
            .map(|fault| {
                let target = fault.target.clone();
                let span = tracing::info_span!("fault", %target, event = fault.event, fault = %fault.id);
                (target, self.core.tasks.spawn(replay(Arc::clone(&self.core), fault, None, span)))
            })
            .collect();
        let mut ended = Vec::with_capacity(tasks.len());
        for (target, task) in tasks {
            ended.push(task.await.map_err(|error| lost_task(&target, error))?);
        }
        Ok(Found::new(ended).unreadable(found.unreadable))
    }
}
