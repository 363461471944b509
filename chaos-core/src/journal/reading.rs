use super::{DueQuery, FaultQuery, Journal, Limits, Tally};
use crate::{
    error::Result,
    fault::{FaultRecord, FaultState},
    schedule::DueId,
};

/// The counts of `journal` for a fault that is not armed, read outside of any transaction: they may be old already.
pub(crate) async fn tally(journal: &dyn Journal, fault: &FaultRecord, limits: &Limits) -> Result<Tally> {
    let mut tally = Tally { halt: journal.halt().await?, ..Tally::default() };
    let pending = journal.pending().await?;
    for other in &pending.faults {
        if other.target == fault.target {
            tally.on_target = Some((other.id, other.state));
        }
        if other.is_counted {
            tally.in_total += 1;
            tally.in_group += usize::from(other.group == fault.group);
        }
    }
    for entry in &pending.unreadable {
        tally.in_total += 1;
        // One without a target may be anywhere.
        tally.in_group +=
            usize::from(entry.target.as_ref().is_none_or(|target| target.group() == fault.group));
        if entry.target.as_ref() == Some(&fault.target) {
            tally.on_target = Some((entry.entry.parse().unwrap_or(fault.id), FaultState::RecoveryFailed));
        }
    }
    if !limits.cool_down.is_zero() {
        let same = FaultQuery::all().target(fault.target.clone()).event(fault.event.clone());
        let found = journal.find(&same).await?.faults;
        tally.last_injecting = found.iter().filter_map(|other| other.injecting_at).max();
    }
    if let Some(due) = fault.due {
        let id = DueId::new(fault.group.clone(), due.day);
        let known = DueQuery::all().group(fault.group.clone()).since(due.day).rehearsed(false);
        let known = journal.dues(&known).await?.dues.into_iter().find(|record| record.id == id);
        tally.due_taken_by = known.and_then(|record| record.faults.first().copied());
        let last = FaultQuery::all().group(fault.group.clone()).limit(1);
        tally.last_in_group = journal.find(&last).await?.faults.last().map(|last| last.armed_at);
    }
    Ok(tally)
}
