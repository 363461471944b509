//! The dues to come, without carrying any out.

use jiff::{Timestamp, civil::Date};
use serde::Serialize;

use super::{Monkey, diagnose::list, scheduled::last_fault};
use crate::{
    error::{Error, Result},
    group::GroupId,
    journal::KeptSchedule,
    schedule::{OpenDays, Schedule},
};

/// The dues of the coming days, made by [`Monkey::forecast`].
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Forecast {
    /// The seed of the dues.
    pub seed: u64,
    /// Whether that is the seed of the schedule: the given one, or the one that the journal keeps. Otherwise it was
    /// drawn for this forecast alone, and the dues will be others.
    pub is_kept: bool,
    /// By instant.
    pub dues: Vec<ForeseenDue>,
    /// How many to expect of this schedule over these days, whatever the seed. For comparison: the dues of one seed are
    /// one draw.
    pub expected: f64,
    /// How many of these days are open for any group.
    pub open_days: usize,
}

/// One of the dues to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ForeseenDue {
    /// The group.
    pub group: GroupId,
    /// The date, by the clocks of the schedule's zone.
    pub day: Date,
    /// The number of this open day of the group from today on, which is 1 if it is open.
    pub open_day: usize,
    /// When.
    pub at: Timestamp,
}

impl Monkey {
    /// The dues of the next `days` days, today included, if every due is carried out and nothing else hits the groups.
    /// It looks at the providers and into the journal, and touches nothing.
    ///
    /// # Errors
    /// If the monkey has no schedule, and if a provider or the journal cannot be read.
    ///
    /// Cancel safe: it only looks.
    pub async fn forecast(&self, days: u16) -> Result<Forecast> {
        let core = &self.core;
        let Some(schedule) = &core.parts.schedule else {
            return Err(Error::invalid("schedule", "none", "a monkey with a schedule"));
        };
        let (seed, is_kept) = match (core.parts.seed, core.journal()) {
            (Some(seed), _) => (seed, true),
            (None, Ok(journal)) => match journal.keep_schedule(&KeptSchedule::default()).await?.seed {
                Some(kept) => (kept, true),
                None => (core.peek_seed()?, false),
            },
            (None, Err(_)) => (core.peek_seed()?, false),
        };
        let now = core.parts.clock.now();
        let dates = schedule.date(now).series(jiff::Span::new().days(1)).take(usize::from(days));
        let dates: Vec<Date> = dates.filter(|date| core.terms.has_open_day(*date)).collect();
        let mut forecast =
            Forecast { seed, is_kept, dues: Vec::new(), expected: 0.0, open_days: dates.len() };
        for provider in &core.parts.providers {
            for group in list(core, provider).await? {
                let terms = core.terms.for_group(&group);
                let Some((schedule, open)) = terms.schedule() else { continue };
                let mut last = match core.journal() {
                    Ok(_) => last_fault(core, &group).await?,
                    Err(_) => None,
                };
                let dates: Vec<Date> =
                    dates.iter().copied().filter(|date| open.on(*date).is_some()).collect();
                let free = |date: &&Date| may_be_due(schedule, open, last, **date);
                forecast.expected += expected(schedule, dates.iter().filter(free).count());
                for (day, open_day) in dates.iter().zip(1..) {
                    let due = terms.due(seed, &group.id, *day, last);
                    // What was due earlier today was carried out, or is tried again.
                    let Some(due) = due.filter(|due| due.at >= now) else { continue };
                    last = Some(due.at);
                    let group = due.id.group;
                    forecast.dues.push(ForeseenDue { group, day: *day, open_day, at: due.at });
                }
            }
        }
        forecast.dues.sort_by(|one, other| (one.at, &one.group).cmp(&(other.at, &other.group)));
        Ok(forecast)
    }
}

fn may_be_due(schedule: &Schedule, open: &OpenDays, last: Option<Timestamp>, day: Date) -> bool {
    last.is_none_or(|last| open.has_passed(schedule.date(last), day, schedule.least_days()))
}

/// How many dues to expect on so many open days on which a group may be due.
fn expected(schedule: &Schedule, days: usize) -> f64 {
    let (chance, least) = (schedule.chance(), usize::try_from(schedule.least_days()).unwrap_or(usize::MAX));
    let mut of_days: Vec<f64> = vec![0.0];
    for day in 1..=days {
        let after = of_days[day.saturating_sub(least)];
        let without = of_days[day - 1];
        of_days.push(chance * (1.0 + after) + (1.0 - chance) * without);
    }
    of_days[days]
}
