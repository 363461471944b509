use jiff::Timestamp;

use crate::{fault::FaultId, plan::Reason, schedule::TakenDue};

/// A due is carried out by one run, and not if the group was hit since it was drawn.
pub(crate) fn still_due(
    due: TakenDue,
    taken_by: Option<FaultId>,
    last_in_group: Option<Timestamp>,
) -> Result<(), Reason> {
    if let Some(fault) = taken_by {
        return Err(Reason::DueTaken { fault });
    }
    match last_in_group.filter(|last| due.last_fault.is_none_or(|known| *last > known)) {
        Some(at) => Err(Reason::HitSince { at }),
        None => Ok(()),
    }
}
