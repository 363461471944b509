//! A fault that is held, and monkeys that recover it.

use std::{future::Future, pin::pin};

use chaos_core::{
    Hold, Journal, MemoryJournal, Observer, Provider, Registry,
    fault::{FaultRecord, FaultState},
    journal::FaultQuery,
    observer::Activity,
    testing::{PowerOff, PowerOn},
};
use jiff::Timestamp;
use tokio::sync::watch;

use crate::{
    contract::recovery::rig::orphaned,
    report::{Checked, ensure, violated},
    stage::{Stage, why_nothing},
};

/// The fault of this suite. It is held longer than a recovery may take, and cut short when the suite has looked.
pub(super) fn power_off(stage: &Stage) -> PowerOff {
    let hold = Hold::lasting(stage.timing.fault_limit().saturating_mul(2));
    hold.map_or_else(|_| PowerOff::default(), PowerOff::lasting)
}

/// The number of failed attempts of a recovery.
#[derive(Clone, Debug)]
pub(super) struct Attempts(watch::Sender<usize>);

impl Attempts {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(0))
    }

    /// Returns after this many failed attempts of a recovery.
    pub(super) async fn failed(&self, times: usize) {
        let mut failed = self.0.subscribe();
        // The sender lives as long as `self`.
        let _ = failed.wait_for(|failed| *failed >= times).await;
    }

    fn count(&self) -> usize {
        *self.0.borrow()
    }
}

impl Observer for Attempts {
    fn observe(&self, _: Timestamp, activity: &Activity) {
        if matches!(activity, Activity::RecoveryRetried { .. }) {
            self.0.send_modify(|failed| *failed += 1);
        }
    }
}

/// Injects a fault into the stage's target through `provider`, does something during the hold, cuts the hold short, and
/// does something else that must be done before the recovery. Returns the fault as it ended.
pub(super) async fn held(
    stage: &Stage,
    provider: impl Provider,
    attempts: &Attempts,
    in_the_hold: impl AsyncFnOnce(&FaultRecord) -> Checked,
    in_the_recovery: impl Future<Output = Checked>,
) -> Checked<FaultRecord> {
    let journal = MemoryJournal::new();
    let registry = Registry::default().register::<PowerOn>();
    let monkey =
        stage.builder(provider).observer(attempts.clone()).unleash(journal.clone(), registry).build()?;
    let mut running = Box::pin(monkey.inject(power_off(stage), &stage.target));
    let watch = stage.timing.watch_settling();
    let active = loop {
        if let Some(record) = journal.pending().await?.faults.pop()
            && record.state == FaultState::Active
        {
            break record;
        }
        tokio::select! {
            biased;
            report = &mut running => {
                let report = report?;
                return violated(format!("it was not injected: {report}; {}", why_nothing(&report)));
            }
            again = watch.again() => ensure!(again, "the injection takes too long"),
        }
    };
    let done = in_the_hold(&active).await;
    // Cuts the hold short.
    drop(running);
    let done = match done {
        Ok(()) => before(monkey.shutdown(), attempts, in_the_recovery).await.map(|((), done)| done),
        Err(finding) => {
            monkey.shutdown().await;
            Err(finding)
        }
    };
    let ended = journal.find(&FaultQuery::default()).await?.faults.pop();
    let (done, Some(ended)) = (done?, ended) else {
        return violated("the journal has forgotten the fault");
    };
    say_how_it_ended(done, &ended)?;
    Ok(ended)
}

/// Lets another monkey recover a copy of the fault, from the journal alone and through `provider`, and does something
/// that must be done before the recovery. Returns the copy as it ended.
pub(super) async fn replayed(
    stage: &Stage,
    provider: impl Provider,
    fault: &FaultRecord,
    attempts: &Attempts,
    in_the_recovery: impl Future<Output = Checked>,
) -> Checked<FaultRecord> {
    let journal = orphaned(fault, FaultState::Active).await?;
    let registry = Registry::default().register::<PowerOn>();
    let monkey = stage.builder(provider).observer(attempts.clone()).unleash(journal, registry).build()?;
    let (found, done) = before(monkey.take_over_pending(), attempts, in_the_recovery).await?;
    let Some(ended) = found?.faults.pop() else { return violated("the journal holds no pending fault") };
    say_how_it_ended(done, &ended)?;
    Ok(ended)
}

/// The result of `doing`, if it was done before `recovering`.
enum Done {
    Before,
    TooLate { attempts: usize },
}

async fn before<T>(
    recovering: impl Future<Output = T>,
    attempts: &Attempts,
    doing: impl Future<Output = Checked>,
) -> Checked<(T, Done)> {
    let mut recovering = pin!(recovering);
    tokio::select! {
        biased;
        done = doing => {
            let ended = recovering.await;
            done.map(|()| (ended, Done::Before))
        }
        ended = &mut recovering => Ok((ended, Done::TooLate { attempts: attempts.count() })),
    }
}

fn say_how_it_ended(done: Done, ended: &FaultRecord) -> Checked {
    let attempts = match done {
        Done::Before => String::new(),
        Done::TooLate { attempts } => format!(" after {attempts} attempts that failed, and too early"),
    };
    let failure = ended.failure.as_ref().map_or_else(String::new, |failure| format!(": {failure}"));
    ensure!(
        ended.state == FaultState::Recovered && ended.failure.is_none() && attempts.is_empty(),
        "it ended {}{attempts}{failure}",
        ended.state
    );
    Ok(())
}
