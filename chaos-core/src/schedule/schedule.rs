use std::{sync::Arc, time::Duration};

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::{Due, DueId, OpenDays};
use crate::{
    calendar::{Calendar, end_of, time_zone},
    chance::Draw,
    error::{Error, Result},
    group::GroupId,
};

/// How often a group is hit, in open days: once in so many on average, and never twice on one.
///
/// On each open day a group that may be due is due with p = 1 / (mean - least + 1). That keeps the mean exact: a group
/// may not be due before the `least`th open day after its last fault, and waits 1/p open days on average from then on,
/// that one included, which makes least - 1 + 1/p. The instant is uniform over those parts of the day at which a fault
/// can still be undone before the calendar closes.
///
/// ```
/// use std::{sync::Arc, time::Duration};
/// use chaos_core::{BusinessHours, schedule::Schedule};
/// use jiff::civil::date;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let schedule = Schedule::new("Europe/Berlin")?.mean(2.0)?.least(2)?;
/// let hours = BusinessHours::new("Europe/Berlin")?.hours(9, 15);
/// let days = schedule.open_days(hours, Duration::from_secs(20 * 60));
///
/// let (group, seed) = ("local:web".parse()?, 42);
/// let last_fault = Some("2026-03-02T10:00:00Z".parse()?);
/// assert_eq!(schedule.due(&days, seed, &group, date(2026, 3, 3), last_fault), None, "too soon");
/// let due = schedule.due(&days, seed, &group, date(2026, 3, 4), last_fault).ok_or("not due")?;
/// assert!(due.at < "2026-03-04T13:40:00Z".parse()?, "20 minutes before 15:00");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    mean: f64,
    least: u32,
    zone: TimeZone,
}

impl Schedule {
    /// On each open day, by the dates that the clocks of the zone with this IANA name show. Take the zone of the
    /// calendar: in another one, its hours may lie on two dates.
    ///
    /// # Errors
    /// `InvalidInput` for an unknown zone.
    pub fn new(zone: &str) -> Result<Self> {
        Ok(Self { mean: 1.0, least: 1, zone: time_zone(zone)? })
    }

    /// Sets the mean: once in so many open days on average. Default: 1.
    ///
    /// # Errors
    /// `InvalidInput` unless it is a finite number of at least 1, and no less than the least.
    pub fn mean(mut self, days: f64) -> Result<Self> {
        if days.is_finite() && days >= f64::from(self.least) {
            self.mean = days;
            return Ok(self);
        }
        let expected = format!("a number of open days from {} on, such as 5", self.least);
        Err(Error::invalid("mean", days, expected))
    }

    /// Sets after how many open days a group may be hit again. Default: 1, the next one.
    ///
    /// # Errors
    /// `InvalidInput` for 0, and for more than the mean.
    pub fn least(mut self, days: u32) -> Result<Self> {
        if days == 0 || f64::from(days) > self.mean {
            let expected = format!("a number of open days from 1 to the mean, {}", self.mean);
            return Err(Error::invalid("least", days, expected));
        }
        self.least = days;
        Ok(self)
    }

    /// The same with this mean and this least in place of its own.
    pub(crate) fn with(&self, mean: Option<f64>, least: Option<u32>) -> Result<Self> {
        let every = Self { mean: 1.0, least: 1, zone: self.zone.clone() };
        every.mean(mean.unwrap_or(self.mean))?.least(least.unwrap_or(self.least))
    }

    /// The chance that a group that may be due is due on an open day.
    pub fn chance(&self) -> f64 {
        1.0 / (self.mean - f64::from(self.least) + 1.0)
    }

    /// After how many open days a group may be hit again.
    pub(crate) fn least_days(&self) -> u32 {
        self.least
    }

    /// The date that the clocks of the schedule's zone show.
    pub fn date(&self, at: Timestamp) -> Date {
        self.zone.to_datetime(at).date()
    }

    /// When the next date begins. [`Timestamp::MAX`] at the end of time.
    pub(crate) fn next_day(&self, at: Timestamp) -> Timestamp {
        end_of(self.date(at), &self.zone).unwrap_or(Timestamp::MAX)
    }

    /// The open days of `calendar`, for faults that are undone after at most `takes`: the hold and the recovery budget.
    pub fn open_days(&self, calendar: impl Calendar, takes: Duration) -> OpenDays {
        OpenDays::new(Arc::new(calendar), self.zone.clone(), takes)
    }

    /// Whether and when `group` is due on `day`, if its last fault began at `last_fault`.
    ///
    /// The same on every machine and in every release for the same arguments and calendar.
    pub fn due(
        &self,
        days: &OpenDays,
        seed: u64,
        group: &GroupId,
        day: Date,
        last_fault: Option<Timestamp>,
    ) -> Option<Due> {
        let mut draw = Draw::for_due(seed, group.as_str(), day);
        let (coin, share) = (draw.fraction(), draw.number());
        // First, because it is the cheapest.
        if coin >= self.chance() {
            return None;
        }
        let open = days.on(day)?;
        let may_be_due =
            last_fault.is_none_or(|last_fault| days.has_passed(self.date(last_fault), day, self.least));
        may_be_due.then(|| Due { id: DueId::new(group.clone(), day), at: open.instant(share) })
    }
}
