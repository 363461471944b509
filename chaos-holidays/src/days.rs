//! Which days are left out, and why.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{
    ToSpan,
    civil::{Date, Weekday},
};

use crate::{
    code::{Code, PUBLIC},
    table::{FIRST, LAST},
};

/// The days around holidays that are left out as well.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Around {
    pub(crate) before: u8,
    pub(crate) after: u8,
    pub(crate) has_bridge_days: bool,
}

/// The dates of the tables that are left out, each with its reason. Of several reasons, the first holds.
#[derive(Debug, Default)]
pub(crate) struct Days(pub(crate) BTreeMap<Date, String>);

impl Days {
    pub(crate) fn of(codes: &[Code], around: Around) -> Self {
        let mut days = Self::default();
        for code in codes {
            days.add_holidays(code);
        }
        for code in codes {
            days.add_estimated(code);
        }
        // Those that an estimated one may fall on as well.
        let holidays: Vec<(Date, String)> = days.0.iter().map(|(date, name)| (*date, name.clone())).collect();
        for (date, name) in &holidays {
            for distance in 1..=i32::from(around.before.max(around.after)) {
                if distance <= i32::from(around.before) {
                    days.add_near(*date, -distance, name);
                }
                if distance <= i32::from(around.after) {
                    days.add_near(*date, distance, name);
                }
            }
        }
        if around.has_bridge_days {
            days.add_bridges(&holidays.into_iter().collect());
        }
        for code in codes {
            days.add_empty_years(code);
        }
        days
    }

    fn add_holidays(&mut self, code: &Code) {
        for holiday in code.table.holidays(code.place, Some(code.category_or_public())) {
            self.add(holiday.date, format!("{} ({code})", holiday.name));
        }
    }

    /// The neighbours of days that may come a day earlier or later.
    fn add_estimated(&mut self, code: &Code) {
        for holiday in code.table.holidays(code.place, Some(code.category_or_public())) {
            if holiday.is_estimated() {
                let name = format!("{} ({code})", holiday.name);
                self.add_near(holiday.date, -1, &name);
                self.add_near(holiday.date, 1, &name);
            }
        }
    }

    fn add_near(&mut self, date: Date, distance: i32, name: &str) {
        let Ok(near) = date.checked_add(distance.days()) else { return };
        let side = if distance < 0 { "before" } else { "after" };
        let count = match distance.unsigned_abs() {
            1 => "the day".to_owned(),
            count => format!("{count} days"),
        };
        self.add(near, format!("{count} {side} {name}"));
    }

    /// Single days between a holiday and a weekend or another holiday.
    fn add_bridges(&mut self, holidays: &BTreeMap<Date, String>) {
        let is_weekend = |date: Date| matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
        for (date, name) in holidays {
            for (near, beyond) in [(-1, -2), (1, 2)] {
                let (Ok(near), Ok(beyond)) = (date.checked_add(near.days()), date.checked_add(beyond.days()))
                else {
                    continue;
                };
                let is_free = |date: Date| is_weekend(date) || holidays.contains_key(&date);
                if !is_free(near) && is_free(beyond) {
                    self.add(near, format!("a bridge day beside {name}"));
                }
            }
        }
    }

    /// Years of which the table knows nothing.
    fn add_empty_years(&mut self, code: &Code) {
        let public = code.table.holidays(code.place, Some(PUBLIC));
        let known: BTreeSet<i16> = public.map(|holiday| holiday.date.year()).collect();
        for year in
            (FIRST..=LAST).filter(|year| !known.contains(year) || !code.table.knows(code.place, *year))
        {
            let days = Date::constant(year, 1, 1).series(1.day()).take_while(|date| date.year() == year);
            days.for_each(|date| self.add(date, format!("the holidays of {code} are not known in {year}")));
        }
    }

    fn add(&mut self, date: Date, reason: String) {
        self.0.entry(date).or_insert(reason);
    }
}
