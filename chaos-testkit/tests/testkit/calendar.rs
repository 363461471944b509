//! The suite of calendars: sound ones pass, and each check is violated by a liar.

use std::{
    ops::Range,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use crate::support::Coverage;
use chaos_core::{
    BusinessHours, Calendar, Error, Result,
    calendar::{Always, Blackout, CalendarExt, CalendarState, Never, Window},
};
use chaos_testkit::{CheckResult, ContractReport, contract};
use jiff::{Timestamp, civil::Weekday};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The Monday of the liars.
fn monday() -> Range<Timestamp> {
    at("2026-03-02T00:00:00Z")..at("2026-03-03T00:00:00Z")
}

fn check(calendar: &impl Calendar) -> ContractReport {
    contract::calendar::check(calendar, monday(), Duration::from_secs(60))
}

#[test]
fn calendars_of_the_core_pass() {
    let days_of_change = [
        at("2026-03-27T00:00:00Z")..at("2026-03-31T00:00:00Z"),
        at("2026-10-23T00:00:00Z")..at("2026-10-27T00:00:00Z"),
    ];
    let freeze = Blackout::new()
        .dates("Europe/London", jiff::civil::date(2026, 3, 28), jiff::civil::date(2026, 3, 28))
        .unwrap();
    for span in days_of_change {
        let every = Duration::from_secs(60);
        let all_week = Weekday::Monday.cycle_forward().take(7).collect::<Vec<_>>();
        let hours = BusinessHours::new("Europe/London").unwrap().hours(0, 9).days(all_week.clone());
        let nights = BusinessHours::new("Europe/London").unwrap().hours(22, 3).days(all_week);
        contract::calendar::check(&hours, span.clone(), every).assert_kept();
        contract::calendar::check(&nights, span.clone(), every).assert_kept();
        contract::calendar::check(&hours.clone().or(nights.clone()), span.clone(), every).assert_kept();
        contract::calendar::check(&hours.and(nights.except(freeze.clone())), span.clone(), every)
            .assert_kept();
        contract::calendar::check(&Always, span.clone(), every).assert_kept();
        contract::calendar::check(&Never, span, every).assert_kept();
    }
}

#[test]
fn what_does_not_apply_says_why() {
    let never = check(&Never);
    assert_eq!((never.passed(), never.not_applicable()), (3, 3));
    let always = check(&Always);
    assert_eq!((always.passed(), always.not_applicable()), (4, 2));
    assert_eq!(
        always.check("it is closed when it closes"),
        Some(&CheckResult::NotApplicable(
            "it does not close within 8 days of any sampled instant".to_owned()
        ))
    );
}

/// A calendar by a function of the time of day, in seconds since midnight.
#[derive(Debug)]
struct By(fn(Timestamp, i64) -> Option<Window>);

impl Calendar for By {
    fn state(&self, at: Timestamp) -> CalendarState {
        let window = (self.0)(at, at.as_second().rem_euclid(86_400));
        // It does not look ahead.
        window.map_or_else(|| CalendarState::closed_until(just_after(at)), CalendarState::Open)
    }
}

fn just_after(at: Timestamp) -> Timestamp {
    at.checked_add(Duration::from_nanos(1)).unwrap()
}

const TEN: i64 = 36_000;
const ELEVEN: i64 = 39_600;
const TWELVE: i64 = 43_200;

fn until(at: Timestamp, second_of_day: i64) -> Option<Window> {
    let midnight = at.as_second() - at.as_second().rem_euclid(86_400);
    Some(Window::until(Timestamp::from_second(midnight + second_of_day).unwrap()))
}

/// Says that it is closed until noon, and opens at this second of the day; in the past, if that is midnight.
#[derive(Debug)]
struct Opens(i64);

impl Calendar for Opens {
    fn state(&self, at: Timestamp) -> CalendarState {
        let second = at.as_second().rem_euclid(86_400);
        let of_day = |second: i64| {
            Timestamp::from_second(at.as_second() - at.as_second().rem_euclid(86_400) + second).unwrap()
        };
        match self.0 {
            0 if second < TWELVE => CalendarState::closed_until(at),
            opens if opens > 0 && second < opens => CalendarState::closed_until(of_day(TWELVE)),
            _ => CalendarState::open_until(of_day(86_400)),
        }
    }
}

#[derive(Debug)]
struct MadeFromNonsense;

impl Calendar for MadeFromNonsense {
    fn state(&self, _: Timestamp) -> CalendarState {
        CalendarState::closed_until(Timestamp::MAX)
    }

    fn check(&self) -> Result<()> {
        Err(Error::invalid("zone", "\"Europe/Lodnon\"", "an IANA time zone"))
    }
}

#[derive(Debug, Default)]
struct Moody(AtomicBool);

impl Calendar for Moody {
    fn state(&self, _: Timestamp) -> CalendarState {
        let far = if self.0.fetch_xor(true, Ordering::SeqCst) {
            Timestamp::MAX
        } else {
            at("9000-01-01T00:00:00Z")
        };
        CalendarState::open_until(far)
    }
}

#[test]
fn every_check_sees_its_liar() {
    let sound = By(|at, second| if (TEN..TWELVE).contains(&second) { until(at, TWELVE) } else { None });
    let mut coverage = Coverage::of_sound(&check(&sound));
    coverage.caught("a typo", &check(&MadeFromNonsense), &["it was made from input that makes sense"]);
    coverage.caught("moods", &check(&Moody::default()), &["the same instant gives the same answer"]);
    let empty = contract::calendar::check(&Always, monday().end..monday().start, Duration::from_secs(60));
    coverage.caught("no instant at all", &empty, &["the same instant gives the same answer"]);
    coverage.caught(
        "closes in the past",
        &check(&By(|at, second| if (TEN..TWELVE).contains(&second) { until(at, TEN - 1) } else { None })),
        &["a window closes after the instant"],
    );
    coverage.caught(
        "a lunch break",
        &check(&By(|at, second| match second {
            ELEVEN..41_000 => None,
            TEN..TWELVE => until(at, TWELVE),
            _ => None,
        })),
        &["it is open until it closes"],
    );
    coverage.caught(
        "closes a second early",
        &check(&By(|at, second| if (TEN..TWELVE - 1).contains(&second) { until(at, TWELVE) } else { None })),
        &["it is open until it closes"],
    );
    coverage.caught(
        "an end that is included",
        &check(&By(|at, second| match second {
            TWELVE => Some(Window::until(just_after(at))),
            TEN..TWELVE => until(at, TWELVE),
            _ => None,
        })),
        &["it is closed when it closes"],
    );
    for (name, opens) in
        [("opens early", TWELVE - 1), ("opens within a step", TEN + 1), ("closed until then", 0)]
    {
        coverage.caught(name, &check(&Opens(opens)), &["it stays closed as long as it says"]);
    }
    coverage.assert_complete();
}
