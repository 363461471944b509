use chaos_core::{
    BusinessHours,
    catalogue::{Parameter, Parameters, ProbeCatalogue},
    monkey::GroupRule,
};

use super::{
    calendar::hours_of,
    reader::{Reader, Section},
    steady_state,
    targets::{patterns, patterns_of},
};

/// The parameters of one of `[[groups]]`.
pub(super) fn parameters() -> Parameters {
    Parameters::default()
        .with(patterns("match", "the groups that it is for").required())
        .with(
            Parameter::number(
                "mean",
                1.0..=100_000.0,
                "each group is hit once in so many open days on average",
            )
            .unit("open days"),
        )
        .with(Parameter::count(
            "least",
            1..=100_000,
            "how many open days after its last fault a group may be hit again",
        ))
        .with(Parameter::text("events", "the types of the events to draw from").value_name("TYPE").repeated())
        .with(Parameter::quota("targets-per-group", "the most targets of one group under a fault at once"))
        .with(Parameter::quota("min-healthy", "the fewest members of a group that stay healthy"))
        .with(Parameter::duration("cool-down", "how long the same event leaves the same target alone"))
        .with(
            Parameter::text("hours", "hours of its own, within those of [calendar]")
                .value_name("HH:MM-HH:MM"),
        )
        .with(Parameter::text("days", "days of its own, within those of [calendar]").value_name("DAYS"))
}

/// One of `[[groups]]`. `zone` is that of the calendar.
pub(super) fn read(
    reader: &mut Reader<'_>,
    mut section: Section,
    zone: Option<&str>,
    probes: &ProbeCatalogue,
) -> Option<GroupRule> {
    let path = section.path.clone();
    reader.refuse_unknown(&mut section, &parameters(), &["steady-state"]);
    let steady = reader.table(&mut section, "steady-state");
    let steady = steady.map(|section| steady_state::read(reader, section, probes));
    let given = reader.read(section, "groups", &parameters())?;
    let mut patterns = patterns_of(reader, &path, "match", &given)?.into_iter();
    let mut rule = patterns.by_ref().fold(None, |rule: Option<GroupRule>, pattern| {
        Some(match rule {
            Some(rule) => rule.or_matching(pattern),
            None => GroupRule::matching(pattern),
        })
    })?;
    if let Some(steady) = steady {
        rule = rule.steady_state(steady?);
    }
    if let Some(mean) = reader.sound(&path, given.number("mean"))? {
        rule = reader.sound(&format!("{path}.mean"), rule.mean(mean))?;
    }
    if let Some(least) = reader.sound(&path, given.count("least"))? {
        let least = u32::try_from(least).unwrap_or(u32::MAX);
        rule = reader.sound(&format!("{path}.least"), rule.least(least))?;
    }
    let events = reader.sound(&path, given.texts("events"))?;
    if !events.is_empty() {
        rule = rule.events(events);
    }
    if let Some(quota) = reader.sound(&path, given.quota("targets-per-group"))? {
        rule = rule.targets_per_group(quota);
    }
    if let Some(quota) = reader.sound(&path, given.quota("min-healthy"))? {
        rule = rule.min_healthy(quota);
    }
    if let Some(cool_down) = reader.sound(&path, given.duration("cool-down"))? {
        rule = rule.cool_down(cool_down);
    }
    if let Some(field) = ["hours", "days"].into_iter().find(|field| given.is_given(field)) {
        let Some(zone) = zone else {
            reader.refuse(&format!("{path}.{field}"), "no calendar", "[calendar] with its zone");
            return None;
        };
        let hours =
            reader.sound(&path, BusinessHours::new(zone).and_then(|hours| hours.parse_days("mon-sun")))?;
        // Days alone are whole days.
        let hours = if given.is_given("hours") { hours } else { hours.hours("00:00", "24:00") };
        rule = match hours_of(hours, &given) {
            Ok(hours) => rule.calendar(hours),
            Err((field, error)) => return reader.sound(&format!("{path}.{field}"), Err(error)),
        };
    }
    Some(rule)
}
