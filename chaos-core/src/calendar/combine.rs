use jiff::{SignedDuration, Timestamp};

use super::{Calendar, CalendarState, Exclusion, calendar::HORIZON, exclusion::state_outside};
use crate::error::Result;

/// Combines calendars. Every calendar has these methods, including `Arc<dyn Calendar>`.
///
/// ```
/// use std::sync::Arc;
/// use chaos_core::{
///     BusinessHours, Calendar,
///     calendar::{Blackout, CalendarExt},
/// };
/// use jiff::civil::{Weekday, date};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let freeze = Blackout::new().dates("Europe/London", date(2026, 12, 21), date(2027, 1, 1))?;
/// let london = BusinessHours::new("Europe/London")?.hours(9, 15);
/// let nights = BusinessHours::new("Europe/London")?.hours(22, 2).days([Weekday::Friday]);
/// let calendar: Arc<dyn Calendar> = Arc::new(london.or(nights).except(freeze));
///
/// assert!(calendar.window("2026-12-18T10:00:00Z".parse()?).is_some());
/// let window = calendar.window("2026-12-18T23:00:00Z".parse()?).ok_or("closed")?;
/// assert_eq!(window.closes, "2026-12-19T02:00:00Z".parse()?);
/// assert!(calendar.window("2026-12-21T10:00:00Z".parse()?).is_none());
/// # Ok(())
/// # }
/// ```
pub trait CalendarExt: Calendar + Sized {
    /// Open while this calendar is open, except for the spans of `exclusion`.
    fn except<E: Exclusion>(self, exclusion: E) -> Except<Self, E> {
        Except { calendar: self, exclusion }
    }

    /// Open while both calendars are open.
    fn and<C: Calendar>(self, other: C) -> And<Self, C> {
        And { one: self, other }
    }

    /// Open while at least one of the calendars is open. Windows that overlap or adjoin form one window.
    fn or<C: Calendar>(self, other: C) -> Or<Self, C> {
        Or { one: self, other }
    }

    /// The first instant from `at` on at which it is open. `None` if it does not open within two years, or if 10,000
    /// steps from one closed span to the next lead to no opening.
    fn next_opening(&self, at: Timestamp) -> Option<Timestamp> {
        next_opening(self, at)
    }
}

impl<C: Calendar> CalendarExt for C {}

/// See [`CalendarExt::next_opening`].
pub(crate) fn next_opening(calendar: &(impl Calendar + ?Sized), at: Timestamp) -> Option<Timestamp> {
    let mut instant = at;
    for _ in 0..MOST_STEPS {
        match calendar.state(instant) {
            CalendarState::Open(_) => return Some(instant),
            CalendarState::Closed(closed) => {
                let is_near = closed.until.duration_since(at) <= FORESIGHT;
                // One that does not go on breaks its contract.
                if closed.until <= instant || !is_near {
                    return None;
                }
                instant = closed.until;
            }
        }
    }
    None
}

/// How often a calendar is asked before it counts as one that does not go on. A day takes a handful.
pub(crate) const MOST_STEPS: usize = 10_000;

/// How far ahead an opening is looked for.
const FORESIGHT: SignedDuration = SignedDuration::from_hours(2 * 366 * 24);

/// A calendar without the spans of an exclusion: see [`CalendarExt::except`].
#[derive(Clone, Debug)]
pub struct Except<C, E> {
    calendar: C,
    exclusion: E,
}

impl<C: Calendar, E: Exclusion> Calendar for Except<C, E> {
    fn state(&self, at: Timestamp) -> CalendarState {
        // Why a day is left out tells more than that these are not the hours.
        overlap(state_outside(&self.exclusion, at), self.calendar.state(at))
    }

    fn check(&self) -> Result<()> {
        self.calendar.check()?;
        self.exclusion.check()
    }
}

/// Open while both calendars are open: see [`CalendarExt::and`].
#[derive(Clone, Debug)]
pub struct And<C, D> {
    one: C,
    other: D,
}

impl<C: Calendar, D: Calendar> Calendar for And<C, D> {
    fn state(&self, at: Timestamp) -> CalendarState {
        overlap(self.one.state(at), self.other.state(at))
    }

    fn check(&self) -> Result<()> {
        self.one.check()?;
        self.other.check()
    }
}

/// Open while at least one calendar is open: see [`CalendarExt::or`].
#[derive(Clone, Debug)]
pub struct Or<C, D> {
    one: C,
    other: D,
}

impl<C: Calendar, D: Calendar> Or<C, D> {
    fn closes(&self, at: Timestamp) -> Option<Timestamp> {
        let one = self.one.window(at).map(|window| window.closes);
        let other = self.other.window(at).map(|window| window.closes);
        one.max(other)
    }
}

impl<C: Calendar, D: Calendar> Calendar for Or<C, D> {
    fn state(&self, at: Timestamp) -> CalendarState {
        let mut closes = match (self.one.state(at), self.other.state(at)) {
            (CalendarState::Closed(one), CalendarState::Closed(other)) => {
                return CalendarState::Closed(one.or(other));
            }
            (CalendarState::Open(one), CalendarState::Open(other)) => one.closes.max(other.closes),
            (CalendarState::Open(window), _) | (_, CalendarState::Open(window)) => window.closes,
        };
        while closes.duration_since(at) < HORIZON
            && let Some(later) = self.closes(closes).filter(|later| *later > closes)
        {
            closes = later;
        }
        CalendarState::open_until(closes)
    }

    fn check(&self) -> Result<()> {
        self.one.check()?;
        self.other.check()
    }
}

/// Open while both are.
fn overlap(one: CalendarState, other: CalendarState) -> CalendarState {
    match (one, other) {
        (CalendarState::Open(one), CalendarState::Open(other)) => {
            CalendarState::open_until(one.closes.min(other.closes))
        }
        (CalendarState::Closed(one), CalendarState::Closed(other)) => CalendarState::Closed(one.and(other)),
        (closed @ CalendarState::Closed(_), _) | (_, closed) => closed,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        calendar::{Always, BusinessHours},
        error::ErrorKind,
    };

    #[test]
    fn bad_input_on_either_side_is_told_and_never_opens_more() {
        let bad = || Arc::new(BusinessHours::new("UTC").unwrap().hours(9, 25));
        let excluded: Arc<dyn Exclusion> = bad();
        let closed: [Arc<dyn Calendar>; 4] = [
            Arc::new(Always.except(excluded)),
            Arc::new(bad().except(BusinessHours::new("UTC").unwrap())),
            Arc::new(Always.and(bad())),
            Arc::new(bad().and(Always)),
        ];
        let open: [Arc<dyn Calendar>; 2] = [Arc::new(Always.or(bad())), Arc::new(bad().or(Always))];
        for calendar in closed.iter().chain(&open) {
            let error = calendar.check().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains("closing time: 25"), "{error}");
        }
        for calendar in closed {
            assert_eq!(calendar.window(Timestamp::UNIX_EPOCH), None, "{calendar:?}");
        }
        Always.and(Always).or(Always).except(BusinessHours::new("UTC").unwrap()).check().unwrap();
    }
}
