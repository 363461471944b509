use std::time::Duration;

use jiff::Timestamp;

use crate::{
    calendar::{Calendar, CalendarState, Window, next_opening},
    clock,
    plan::Reason,
};

/// The calendar must be open.
pub(crate) fn open(calendar: &dyn Calendar, now: Timestamp) -> Result<Window, Reason> {
    match calendar.state(now) {
        CalendarState::Open(window) => Ok(window),
        CalendarState::Closed(closed) => {
            Err(Reason::calendar_closed(next_opening(calendar, now), closed.reason))
        }
    }
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
