//! What applies to each group: what is said for the whole monkey, and by the first rule that fits the group.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use jiff::{Timestamp, civil::Date};

use super::{GroupRule, parts::Parts};
use crate::{
    calendar::{Calendar, CalendarExt},
    error::{Error, Result},
    event::ChaosEvent,
    group::{Group, GroupId},
    plan::BlastRadius,
    provider::TargetPattern,
    schedule::{Due, OpenDays, Schedule},
    steady_state::SteadyState,
    text::nearest,
};

/// What applies to one group.
#[derive(Debug)]
pub(crate) struct Terms {
    /// Their position: 0 for the whole monkey, and from 1 on that of the rule.
    pub(crate) index: usize,
    pub(crate) calendar: Arc<dyn Calendar>,
    pub(crate) blast_radius: BlastRadius,
    pub(crate) cool_down: Duration,
    /// That of the rule. Faults are under that of the whole monkey too.
    pub(crate) steady_state: Option<SteadyState>,
    /// The patterns of the rule.
    pub(crate) rule: Option<String>,
    /// The names of the events to draw from. `None` for all.
    events: Option<BTreeSet<String>>,
    schedule: Option<(Schedule, OpenDays)>,
}

/// What applies to every group.
#[derive(Debug)]
pub(crate) struct AllTerms {
    whole: Arc<Terms>,
    rules: Vec<(Vec<TargetPattern>, Arc<Terms>)>,
}

impl AllTerms {
    /// Those of a monkey with these parts and rules.
    pub(super) fn of(parts: &Parts, rules: &[GroupRule]) -> Result<Self> {
        let whole = Arc::new(Terms::whole(parts));
        let terms = rules.iter().zip(1..).map(|(rule, index)| {
            let terms = Terms::by_rule(parts, rule, index).map_err(|error| {
                let field = error.field().map(|field| format!("{field} of the rule for {}", rule.name()));
                match field {
                    Some(field) => error.in_field(field),
                    None => error.with("rule", rule.name()),
                }
            })?;
            Ok((rule.patterns.clone(), Arc::new(terms)))
        });
        Ok(Self { rules: terms.collect::<Result<_>>()?, whole })
    }

    /// Those of the whole monkey, and of each rule, in the order of their positions.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Terms>> {
        std::iter::once(&self.whole).chain(self.rules.iter().map(|(_, terms)| terms))
    }

    /// Those of this group.
    pub(crate) fn for_group(&self, group: &Group) -> &Arc<Terms> {
        let fits = |(patterns, _): &&(Vec<TargetPattern>, _)| {
            patterns.iter().any(|pattern| pattern.fits_group(group))
        };
        self.rules.iter().find(fits).map_or(&self.whole, |(_, terms)| terms)
    }

    /// The patterns of every rule, each with the position of its terms.
    pub(crate) fn patterns(&self) -> impl Iterator<Item = (usize, &TargetPattern)> {
        self.rules.iter().flat_map(|(patterns, terms)| patterns.iter().map(|pattern| (terms.index, pattern)))
    }

    /// The longest cool-down of all.
    pub(crate) fn longest_cool_down(&self) -> Duration {
        self.iter().map(|terms| terms.cool_down).max().unwrap_or_default()
    }

    /// Whether any group may be due on this date.
    pub(crate) fn has_open_day(&self, date: Date) -> bool {
        self.iter().filter_map(|terms| terms.schedule.as_ref()).any(|(_, days)| days.on(date).is_some())
    }
}

impl Terms {
    fn whole(parts: &Parts) -> Self {
        Self {
            index: 0,
            calendar: Arc::clone(&parts.calendar),
            blast_radius: parts.blast_radius.clone(),
            cool_down: parts.cool_down,
            steady_state: None,
            rule: None,
            events: None,
            schedule: parts
                .schedule
                .clone()
                .map(|schedule| with_days(schedule, &parts.calendar, parts, None)),
        }
    }

    fn by_rule(parts: &Parts, rule: &GroupRule, index: usize) -> Result<Self> {
        let calendar = match &rule.calendar {
            None => Arc::clone(&parts.calendar),
            Some(own) => {
                own.check()?;
                Arc::new(Arc::clone(&parts.calendar).and(Arc::clone(own)))
            }
        };
        let mut blast_radius = parts.blast_radius.clone();
        if let Some(quota) = rule.targets_per_group {
            blast_radius = blast_radius.targets_per_group(quota);
        }
        if let Some(quota) = rule.min_healthy {
            blast_radius = blast_radius.min_healthy(quota);
        }
        blast_radius.check()?;
        let events = rule.events.as_ref().map(|names| known_events(names, &parts.events)).transpose()?;
        let schedule = match (&parts.schedule, rule.mean.is_some() || rule.least.is_some()) {
            (None, true) => {
                let given = rule.mean.map_or_else(|| "least", |_| "mean");
                return Err(Error::invalid(given, "given", "a monkey with a schedule"));
            }
            (schedule, _) => schedule.as_ref().map(|whole| whole.with(rule.mean, rule.least)).transpose()?,
        };
        let schedule = schedule.map(|schedule| with_days(schedule, &calendar, parts, events.as_ref()));
        let cool_down = rule.cool_down.unwrap_or(parts.cool_down);
        let steady_state = rule.steady_state.clone();
        if let Some(steady_state) = &steady_state {
            steady_state.check()?;
        }
        let rule = Some(rule.name());
        Ok(Self { index, calendar, blast_radius, cool_down, steady_state, rule, events, schedule })
    }

    /// Whether this event is among those to draw from.
    pub(crate) fn has_event(&self, event: &dyn ChaosEvent) -> bool {
        self.events.as_ref().is_none_or(|names| names.contains(event.name()))
    }

    /// The schedule, and its open days. `None` without a schedule.
    pub(crate) fn schedule(&self) -> Option<(&Schedule, &OpenDays)> {
        self.schedule.as_ref().map(|(schedule, days)| (schedule, days))
    }

    /// Whether and when a group under these terms is due: see [`Schedule::due`]. Never without a schedule.
    pub(crate) fn due(
        &self,
        seed: u64,
        group: &GroupId,
        day: Date,
        last_fault: Option<Timestamp>,
    ) -> Option<Due> {
        let (schedule, days) = self.schedule.as_ref()?;
        schedule.due(days, seed, group, day, last_fault)
    }
}

/// The schedule, with the open days for the longest of these events.
fn with_days(
    schedule: Schedule,
    calendar: &Arc<dyn Calendar>,
    parts: &Parts,
    events: Option<&BTreeSet<String>>,
) -> (Schedule, OpenDays) {
    let drawn = parts.events.iter().filter(|event| events.is_none_or(|names| names.contains(event.name())));
    let longest = drawn.map(|event| event.hold().until_deadline()).max().unwrap_or_default();
    let days = schedule.open_days(Arc::clone(calendar), longest.saturating_add(parts.retry.budget));
    (schedule, days)
}

fn known_events(names: &[String], events: &[Arc<dyn ChaosEvent>]) -> Result<BTreeSet<String>> {
    let known: BTreeSet<&str> = events.iter().map(|event| event.name()).collect();
    if names.is_empty() {
        let expected = "at least one; deny a group that is to be left alone";
        return Err(Error::invalid("events", "none", expected));
    }
    for name in names {
        if !known.contains(name.as_str()) {
            let listed = known.iter().copied().collect::<Vec<_>>().join(", ");
            let expected = match nearest(name, known.iter().copied()) {
                Some(near) => near.to_owned(),
                None if known.is_empty() => "an event of the monkey, which has none".to_owned(),
                None => format!("one of the monkey's events: {listed}"),
            };
            return Err(Error::invalid("events", format_args!("{name:?}"), expected));
        }
    }
    Ok(names.iter().cloned().collect())
}
