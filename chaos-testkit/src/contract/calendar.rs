//! The contract of a [`Calendar`].

use std::{ops::Range, time::Duration};

use chaos_core::{Calendar, calendar::CalendarState};
use jiff::{SignedDuration, Timestamp};

use crate::{
    ContractReport,
    report::{Checked, ensure, not_applicable, violated},
};

/// If an opening lasts longer than this, a window may claim less than all of it.
const HORIZON: SignedDuration = SignedDuration::from_hours(8 * 24);

const NANOSECOND: SignedDuration = SignedDuration::from_nanos(1);

/// Checks a calendar at every `step` of `span`, and at the nanoseconds around each edge: that it is a pure function of
/// the instant, that open until `closes` means open at every instant before and closed at that one, and that closed
/// until some instant means closed at every instant before.
///
/// Choose a span with openings, closings and the days on which clocks change. A step of a minute is enough for
/// calendars in whole minutes. A `step` of zero means one nanosecond.
///
/// ```
/// use std::time::Duration;
/// use chaos_core::BusinessHours;
/// use chaos_testkit::contract;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let hours = BusinessHours::new("Europe/London")?.hours(9, 15);
/// let two_weeks = "2026-03-20T00:00:00Z".parse()?.."2026-04-03T00:00:00Z".parse()?;
/// contract::calendar::check(&hours, two_weeks, Duration::from_secs(300)).assert_kept();
/// # Ok(())
/// # }
/// ```
pub fn check(calendar: &impl Calendar, span: Range<Timestamp>, step: Duration) -> ContractReport {
    let samples = sample(calendar, span, step);
    let mut report = ContractReport::new("calendar");
    report.add("it was made from input that makes sense", calendar.check().map_err(Into::into));
    report.add("the same instant gives the same answer", is_pure(calendar, &samples));
    report.add("a window closes after the instant", closes_later(&samples));
    report.add("it is open until it closes", stays_open(calendar, &samples));
    report.add("it is closed when it closes", is_closed_then(calendar, &samples));
    report.add("it stays closed as long as it says", stays_closed(calendar, &samples));
    report
}

type Sample = (Timestamp, CalendarState);

/// The answers of the calendar at each step, in order.
fn sample(calendar: &impl Calendar, span: Range<Timestamp>, step: Duration) -> Vec<Sample> {
    let step = step.max(Duration::from_nanos(1));
    let mut samples = Vec::new();
    let mut at = span.start;
    while at < span.end {
        samples.push((at, calendar.state(at)));
        match at.checked_add(step) {
            Ok(next) => at = next,
            Err(_) => break,
        }
    }
    samples
}

fn is_pure(calendar: &impl Calendar, samples: &[Sample]) -> Checked {
    ensure!(!samples.is_empty(), "the span holds no instant");
    // Backwards: an answer that depends on the one before differs then.
    for (at, state) in samples.iter().rev() {
        let again = calendar.state(*at);
        ensure!(again == *state, "at {at} it said {state:?} and then {again:?}");
        let (is_open, window) = (matches!(state, CalendarState::Open(_)), calendar.window(*at));
        ensure!(window.is_some() == is_open, "at {at} its state is {state:?} and its window {window:?}");
    }
    Ok(())
}

fn openings(samples: &[Sample]) -> impl Iterator<Item = (Timestamp, Timestamp)> {
    samples.iter().filter_map(|(at, state)| match state {
        CalendarState::Open(window) => Some((*at, window.closes)),
        CalendarState::Closed(_) => None,
    })
}

fn closures(samples: &[Sample]) -> impl Iterator<Item = (Timestamp, Timestamp)> {
    samples.iter().filter_map(|(at, state)| match state {
        CalendarState::Closed(closed) => Some((*at, closed.until)),
        CalendarState::Open(_) => None,
    })
}

fn closes_later(samples: &[Sample]) -> Checked {
    if openings(samples).next().is_none() {
        return not_applicable("it is closed at every sampled instant");
    }
    match openings(samples).find(|(at, closes)| closes <= at) {
        Some((at, closes)) => violated(format!("at {at} it is open until {closes}")),
        None => Ok(()),
    }
}

fn stays_open(calendar: &impl Calendar, samples: &[Sample]) -> Checked {
    if openings(samples).next().is_none() {
        return not_applicable("it is closed at every sampled instant");
    }
    let mut promised: Option<(Timestamp, Timestamp)> = None;
    for (at, state) in samples {
        if let Some((since, until)) = promised
            && *at < until
        {
            let is_open = matches!(state, CalendarState::Open(_));
            ensure!(is_open, "at {since} it is open until {until}, and at {at} it is closed");
        }
        let CalendarState::Open(window) = state else {
            continue;
        };
        let closes = window.closes;
        if promised.is_none_or(|(_, until)| closes > until) {
            promised = Some((*at, closes));
            let last = closes.checked_sub(NANOSECOND).unwrap_or(*at);
            ensure!(
                last < *at || calendar.window(last).is_some(),
                "at {at} it is open until {closes}, and a nanosecond before that it is closed"
            );
        }
    }
    Ok(())
}

fn is_closed_then(calendar: &impl Calendar, samples: &[Sample]) -> Checked {
    let mut closings = 0;
    let mut last = None;
    for (at, closes) in openings(samples) {
        let far_ahead = closes.duration_since(at) >= HORIZON;
        if closes == Timestamp::MAX || far_ahead || last == Some(closes) {
            continue;
        }
        last = Some(closes);
        closings += 1;
        ensure!(calendar.window(closes).is_none(), "at {at} it is open until {closes}, and then it is open");
    }
    match closings {
        0 => not_applicable("it does not close within 8 days of any sampled instant"),
        _ => Ok(()),
    }
}

fn stays_closed(calendar: &impl Calendar, samples: &[Sample]) -> Checked {
    if closures(samples).next().is_none() {
        return not_applicable("it is open at every sampled instant");
    }
    let mut promised: Option<(Timestamp, Timestamp)> = None;
    for (at, until) in closures(samples) {
        ensure!(until > at, "at {at} it is closed until {until}");
        if promised.is_some_and(|(_, said)| said >= until) {
            continue;
        }
        promised = Some((at, until));
        let last = until.checked_sub(NANOSECOND).unwrap_or(at);
        ensure!(
            until == Timestamp::MAX || calendar.window(last).is_none(),
            "at {at} it is closed until {until}, and a nanosecond before that it is open"
        );
        let between = samples.partition_point(|(sampled, _)| *sampled <= at)
            ..samples.partition_point(|(sampled, _)| *sampled < until);
        if let Some((open, _)) =
            samples[between].iter().find(|(_, state)| matches!(state, CalendarState::Open(_)))
        {
            return violated(format!("at {at} it is closed until {until}, and at {open} it is open"));
        }
    }
    Ok(())
}
