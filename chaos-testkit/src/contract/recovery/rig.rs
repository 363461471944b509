//! A fault that pauses in the middle, and copies of it that other monkeys recover.

use std::sync::Arc;

use chaos_core::{
    ChaosEvent, Error, ErrorKind, Journal, MemoryJournal, Provider, Recovery, Registry, Result,
    fault::{FaultRecord, FaultState, Mark},
    journal::{Arming, Limits},
    recovery::RetryPolicy,
};

use super::paused::{Come, Meeting, Paused};
use crate::{
    report::{Checked, ensure, violated},
    stage::{Stage, why_nothing},
};

/// Injects `event` as far as `come`, passes the fault in the journal to `look`, and recovers it.
pub(super) async fn while_injected<R: Recovery>(
    stage: &Stage,
    event: &Arc<dyn ChaosEvent>,
    come: Come,
    look: impl AsyncFnOnce(FaultRecord) -> Checked,
) -> Checked {
    let healthy_before = stage.group().await?.healthy();
    let (journal, meeting) = (MemoryJournal::new(), Arc::new(Meeting::default()));
    let monkey = stage.monkey(journal.clone(), Registry::default().register::<R>())?;
    let paused = Paused { inner: Arc::clone(event), come, meeting: Arc::clone(&meeting) };
    let mut running = Box::pin(monkey.inject(paused, &stage.target));
    tokio::select! {
        biased;
        report = &mut running => {
            let report = report?;
            return violated(format!("it was not injected: {report}; {}", why_nothing(&report)));
        }
        () = meeting.arrived.notified() => {}
    }
    let seen = match journal.pending().await?.faults.pop() {
        Some(record) => look(record).await,
        None => violated("the journal holds no fault in the middle of an injection"),
    };
    let is_injecting = async || -> Result<bool> {
        Ok(journal.pending().await?.faults.first().is_some_and(|fault| fault.state == FaultState::Injecting))
    };
    let still_paused = is_injecting().await?;
    meeting.seen.notify_one();
    // Lets the injection return by itself: if it were cut off, its outcome would be unknown.
    let watch = stage.timing.watch_settling();
    while is_injecting().await? && watch.again().await {}
    // Cuts the hold short.
    drop(running);
    monkey.shutdown().await;

    seen?;
    ensure!(
        still_paused,
        "the hold of {:?} was over before the suite had looked; give the event a longer one",
        event.hold().duration()
    );
    let pending = journal.pending().await?.faults;
    ensure!(pending.is_empty(), "the fault itself was not recovered: {pending:?}");
    if come == Come::Beyond { Ok(()) } else { stage.whole_again(healthy_before).await }
}

/// A journal that holds `fault` in `state` and nothing else, read back from JSON, without any process that holds it.
pub(in crate::contract) async fn orphaned(fault: &FaultRecord, state: FaultState) -> Result<MemoryJournal> {
    let corrupt = |error: serde_json::Error| {
        Error::new(ErrorKind::Corrupt, "the fault has no JSON form").caused_by(error)
    };
    let text = serde_json::to_string(fault).map_err(corrupt)?;
    let mut copy: FaultRecord = serde_json::from_str(&text).map_err(corrupt)?;
    let begun = copy.injecting_at.unwrap_or(copy.armed_at);
    (copy.state, copy.injecting_at) = (FaultState::Armed, None);

    let journal = MemoryJournal::new();
    match journal.arm(&copy, &Limits::none()).await? {
        Arming::Armed(lease) => drop(lease),
        Arming::Refused(reason) => {
            return Err(Error::new(
                ErrorKind::Refused,
                format!("an empty journal refused a fault: {reason}"),
            ));
        }
    }
    for step in [FaultState::Injecting, FaultState::Active] {
        if step <= state {
            journal.mark(copy.id, &Mark::new(step, begun)).await?;
        }
    }
    Ok(journal)
}

/// Recovers the fault in `journal` with `V` in place of the recovery that was recorded. Returns the fault as it ended.
pub(super) async fn replay<V: Recovery>(
    stage: &Stage,
    provider: impl Provider,
    journal: &MemoryJournal,
    retry: RetryPolicy,
) -> Checked<FaultRecord> {
    let registry = Registry::default().register::<V>();
    let monkey = stage.monkey_over(provider, journal.clone(), registry, retry)?;
    match monkey.take_over_pending().await?.faults.pop() {
        Some(record) => Ok(record),
        None => violated("the journal holds no pending fault"),
    }
}

/// Like [`replay`], but the fault must end as recovered.
pub(super) async fn recovers<V: Recovery>(stage: &Stage, journal: &MemoryJournal) -> Checked {
    recovers_through::<V>(stage, Arc::clone(&stage.provider), journal).await
}

/// Like [`recovers`], but through this provider.
pub(super) async fn recovers_through<V: Recovery>(
    stage: &Stage,
    provider: impl Provider,
    journal: &MemoryJournal,
) -> Checked {
    let ended = replay::<V>(stage, provider, journal, stage.retry()).await?;
    match (ended.state, ended.failure) {
        (FaultState::Recovered, None) => Ok(()),
        (state, failure) => violated(format!(
            "it ended {state}: {}",
            failure.map_or_else(|| "without a failure".to_owned(), |failure| failure.to_string())
        )),
    }
}
