use std::time::Duration;

use jiff::Timestamp;

use crate::{clock, group::Member, plan::Reason};

/// A member must have begun at least so long ago, if its provider knows when it began.
pub(crate) fn old_enough(member: &Member, least: Duration, now: Timestamp) -> Result<(), Reason> {
    // Without a minimum, no times are compared, because the clocks of the platform and of this machine may differ.
    let until = member.began_at.filter(|_| !least.is_zero()).map(|began_at| clock::after(began_at, least));
    match (member.began_at, until) {
        (Some(began_at), Some(until)) if now < until => Err(Reason::too_young(began_at, until)),
        _ => Ok(()),
    }
}
