use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, civil::Date, tz::TimeZone};

use super::OpenDay;
use crate::calendar::Calendar;

/// The open days of a calendar. Each is looked up once, and kept.
#[derive(Debug)]
pub struct OpenDays {
    calendar: Arc<dyn Calendar>,
    zone: TimeZone,
    takes: SignedDuration,
    known: Mutex<BTreeMap<Date, Option<Arc<OpenDay>>>>,
}

impl OpenDays {
    pub(super) fn new(calendar: Arc<dyn Calendar>, zone: TimeZone, takes: Duration) -> Self {
        let takes = SignedDuration::try_from(takes).unwrap_or(SignedDuration::MAX);
        Self { calendar, zone, takes, known: Mutex::default() }
    }

    /// This date, if it is an open day.
    pub fn on(&self, date: Date) -> Option<Arc<OpenDay>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let looked_up = || OpenDay::of(&self.calendar, &self.zone, date, self.takes).map(Arc::new);
        known.entry(date).or_insert_with(looked_up).clone()
    }

    /// Whether `date` is at least the `count`th open day after `last`. It need not be open itself.
    pub(crate) fn has_passed(&self, last: Date, date: Date, count: u32) -> bool {
        let mut left = count;
        let mut day = last;
        while left > 0 {
            day = match day.tomorrow() {
                Ok(next) if next <= date => next,
                _ => return false,
            };
            if self.on(day).is_some() {
                left -= 1;
            }
        }
        true
    }
}
