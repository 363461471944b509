//! The dues to come, without carrying any out.

use jiff::{Timestamp, civil::Date};
use serde::Serialize;

use super::{
    Monkey,
    diagnose::list,
    scheduled::{last_fault, takes},
};
use crate::{
    error::{Error, Result},
    group::GroupId,
    schedule::{OpenDays, Schedule},
};

/// The dues of the coming days, made by [`Monkey::forecast`].
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Forecast {
    /// By instant.
    pub dues: Vec<ForeseenDue>,
    /// How many to expect of this schedule over these days, whatever the seed. For comparison: the dues of one seed are
    /// one draw.
    pub expected: f64,
    /// How many of these days are open.
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
    /// The number of this open day from today on, which is 1 if it is open.
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
        let seed = core.peek_seed()?;
        let open = schedule.open_days(core.parts.calendar.clone(), takes(core));
        let now = core.parts.clock.now();
        let today = schedule.date(now);
        let dates: Vec<Date> = today.series(jiff::Span::new().days(1)).take(usize::from(days)).collect();
        let open_dates: Vec<Date> = dates.into_iter().filter(|date| open.on(*date).is_some()).collect();
        let mut forecast = Forecast { dues: Vec::new(), expected: 0.0, open_days: open_dates.len() };
        for provider in &core.parts.providers {
            for group in list(core, provider).await? {
                let mut last = match &core.safeguard {
                    Some(_) => last_fault(core, &group).await?,
                    None => None,
                };
                let free = |date: &&Date| may_be_due(schedule, &open, last, **date);
                forecast.expected += expected(schedule, open_dates.iter().filter(free).count());
                for (index, day) in open_dates.iter().enumerate() {
                    let due = schedule.due(&open, seed, &group.id, *day, last);
                    // What was due earlier today was carried out, or is tried again.
                    let Some(due) = due.filter(|due| due.at >= now) else { continue };
                    last = Some(due.at);
                    forecast.dues.push(ForeseenDue {
                        group: due.id.group,
                        day: *day,
                        open_day: index + 1,
                        at: due.at,
                    });
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
