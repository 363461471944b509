use std::time::Duration;

use jiff::Timestamp;

use crate::{
    calendar::{Calendar, Window},
    clock,
    plan::Reason,
};

/// The calendar must be open.
pub(crate) fn open(calendar: &dyn Calendar, now: Timestamp) -> Result<Window, Reason> {
    calendar.window(now).ok_or(Reason::CalendarClosed)
}

/// A fault that is armed `now` must be undone before the calendar closes. Returns when it is certainly undone.
pub(crate) fn undone_by(
    window: Window,
    now: Timestamp,
    lasting: Duration,
    budget: Duration,
) -> Result<Timestamp, Reason> {
    let closes = window.closes;
    let undone_by = clock::after(now, lasting.saturating_add(budget));
    if undone_by > closes { Err(Reason::ClosesTooSoon { closes, undone_by }) } else { Ok(undone_by) }
}
