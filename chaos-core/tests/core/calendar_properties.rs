//! The promises of calendars, checked against a scan by minute that shares no code with them.
//!
//! The scans are around daylight-saving changes, because calendars go wrong there.

use std::{ops::Range, sync::LazyLock};

use chaos_core::{
    BusinessHours, Calendar,
    calendar::{Blackout, CalendarExt, CalendarState, Exclusion, Span},
};
use jiff::{SignedDuration, Timestamp, ToSpan, civil::Weekday, tz::TimeZone};
use proptest::{prelude::*, sample::select};

const DAY: usize = 24 * 60;
const WEEK: usize = 7 * DAY;
const HORIZON: SignedDuration = SignedDuration::from_hours(8 * 24);

/// A zone and a minute at which its clocks change, if they do, and by how many minutes they jump then.
const SCENES: [(&str, &str, i64); 13] = [
    ("Europe/London", "2026-03-29T01:00Z", 60),
    ("Europe/London", "2026-10-25T01:00Z", -60),
    ("America/New_York", "2026-03-08T07:00Z", 60),
    ("America/New_York", "2026-11-01T06:00Z", -60),
    ("Australia/Lord_Howe", "2026-10-03T15:30Z", 30),
    ("Australia/Lord_Howe", "2026-04-04T15:00Z", -30),
    ("Antarctica/Troll", "2026-03-29T01:00Z", 120),
    ("Antarctica/Troll", "2026-10-25T01:00Z", -120),
    ("America/Sao_Paulo", "2026-10-25T03:00Z", 0),
    ("Asia/Kolkata", "2026-03-29T01:00Z", 0),
    // Midnight is skipped; midnight comes twice, a minute apart; a whole day is skipped.
    ("America/Sao_Paulo", "2018-11-04T03:00Z", 60),
    ("America/St_Johns", "2010-11-07T02:31Z", -60),
    ("Pacific/Apia", "2011-12-30T10:00Z", 24 * 60),
];

/// The tested minutes of a scan, counted from its start: two days before the change and two after it. The rest of the
/// scan shows where spans really begin and end.
const ASKED: Range<usize> = 10 * DAY..14 * DAY;
const CHANGE: usize = 12 * DAY;
const SCANNED: usize = 32 * DAY;

static SCANS: LazyLock<Vec<Scan>> = LazyLock::new(|| SCENES.iter().map(Scan::new).collect());

/// The times that the clocks of a zone show, minute by minute.
#[derive(Debug)]
struct Scan {
    zone: &'static str,
    start: Timestamp,
    /// Minutes since Monday, 00:00.
    shown: Vec<usize>,
}

impl Scan {
    fn new((zone, change, _): &(&'static str, &str, i64)) -> Self {
        let tz = TimeZone::get(zone).unwrap();
        let start = instant(change) - SignedDuration::from_mins(CHANGE as i64);
        let shown = (0..SCANNED)
            .map(|minute| {
                let clocks = after(start, minute).to_zoned(tz.clone());
                let day = clocks.weekday().to_monday_zero_offset() as usize;
                day * DAY + clocks.hour() as usize * 60 + clocks.minute() as usize
            })
            .collect();
        Self { zone, start, shown }
    }

    fn at(&self, minute: usize) -> Timestamp {
        after(self.start, minute)
    }

    fn open(&self, schedule: &Schedule) -> Vec<bool> {
        self.shown.iter().map(|shown| schedule.open(*shown)).collect()
    }
}

fn after(start: Timestamp, minutes: usize) -> Timestamp {
    start + SignedDuration::from_mins(minutes as i64)
}

fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[derive(Clone, Debug)]
struct Schedule {
    days: Vec<Weekday>,
    opens: usize,
    closes: usize,
}

impl Schedule {
    fn calendar(&self, zone: &str) -> BusinessHours {
        let time = |minute: usize| ((minute / 60) as u8, (minute % 60) as u8);
        let calendar = BusinessHours::new(zone)
            .unwrap()
            .hours(time(self.opens), time(self.closes))
            .days(self.days.iter().copied());
        Calendar::check(&calendar).unwrap();
        calendar
    }

    /// Whether it is open `shown` minutes after Monday, 00:00, in a week without end.
    fn open(&self, shown: usize) -> bool {
        let length = (DAY + self.closes - self.opens - 1) % DAY + 1;
        self.days.iter().any(|day| {
            let opens = day.to_monday_zero_offset() as usize * DAY + self.opens;
            (WEEK + shown - opens % WEEK) % WEEK < length
        })
    }
}

fn schedules() -> impl Strategy<Value = Schedule> {
    // Clocks change between 00:00 and 03:30, so half of all times are drawn from there.
    let opens = prop_oneof![0..DAY, 0..240_usize, Just(0)];
    let closes = prop_oneof![0..=DAY, 0..240_usize, Just(DAY)];
    let weekdays: Vec<Weekday> = Weekday::Monday.cycle_forward().take(7).collect();
    let days = prop_oneof![
        Just(weekdays.clone()),
        Just(vec![Weekday::Saturday, Weekday::Sunday]),
        proptest::sample::subsequence(weekdays, 1..=7),
    ];
    (days, opens, closes)
        .prop_filter("hours have two ends", |(_, opens, closes)| opens != closes)
        .prop_map(|(days, opens, closes)| Schedule { days, opens, closes })
}

fn scans() -> impl Strategy<Value = &'static Scan> {
    (0..SCENES.len()).prop_map(|index| &SCANS[index])
}

/// Spans within a scan, in seconds from its start.
fn blackouts() -> impl Strategy<Value = Vec<(i64, i64)>> {
    let second = ASKED.start as i64 * 60..ASKED.end as i64 * 60;
    let length = prop_oneof![1..7_200_i64, 1..200_000_i64];
    proptest::collection::vec((second, length).prop_map(|(start, length)| (start, start + length)), 0..6)
}

fn blackout(scan: &Scan, spans: &[(i64, i64)]) -> Blackout {
    spans.iter().fold(Blackout::new(), |blackout, (start, end)| {
        blackout.between(scan.start + start.seconds(), scan.start + end.seconds()).unwrap()
    })
}

/// For each minute, the first one from it on that is in this state.
fn next_in(open: &[bool], state: bool) -> Vec<Option<usize>> {
    let mut next = None;
    let mut all: Vec<Option<usize>> = (0..open.len())
        .rev()
        .map(|minute| {
            if open[minute] == state {
                next = Some(minute);
            }
            next
        })
        .collect();
    all.reverse();
    all
}

/// The first minute of the open span around `minute`, if it lies within the scan.
fn start_of(open: &[bool], minute: usize) -> Option<usize> {
    open[..minute].iter().rposition(|open| !open).map(|closed| closed + 1)
}

/// Asserts that `found` is `true_edge`, or an earlier instant beyond the horizon.
fn is_edge(at: Timestamp, found: Timestamp, true_edge: Option<Timestamp>) -> bool {
    Some(found) == true_edge
        || (true_edge.is_none_or(|edge| at.duration_since(edge).abs() > at.duration_since(found).abs())
            && at.duration_since(found).abs() >= HORIZON)
}

/// Asserts that a calendar is open at every minute up to `closes`, and closed then.
fn keeps_its_window(calendar: &impl Calendar, at: Timestamp) -> Result<(), TestCaseError> {
    let window = match calendar.state(at) {
        CalendarState::Open(window) => window,
        CalendarState::Closed(closed) => return stays_closed(calendar, at, closed.until),
    };
    prop_assert!(window.closes > at);
    let horizon = (at + HORIZON).min(window.closes);
    let mut instant = at;
    while instant < horizon {
        prop_assert!(calendar.window(instant).is_some(), "closed at {instant}, before {window:?}");
        instant += SignedDuration::from_mins(1);
    }
    if window.closes.duration_since(at) < HORIZON {
        let last = window.closes - SignedDuration::from_nanos(1);
        prop_assert!(calendar.window(last).is_some(), "closed at {last}, just before {window:?}");
        prop_assert!(calendar.window(window.closes).is_none(), "still open at {window:?}");
    }
    Ok(())
}

/// Asserts that a calendar is closed at every minute up to `until`, and that its next opening is the first.
fn stays_closed(calendar: &impl Calendar, at: Timestamp, until: Timestamp) -> Result<(), TestCaseError> {
    prop_assert!(until > at);
    let minutes = (0..).map(|minute| at + SignedDuration::from_mins(minute));
    let first =
        minutes.take_while(|instant| *instant < at + HORIZON).find(|at| calendar.window(*at).is_some());
    if let Some(open) = first {
        prop_assert!(open >= until, "at {at} closed until {until}, and open at {open}");
        // It may open for less than a minute before that.
        let next = calendar.next_opening(at);
        prop_assert!(
            next.is_some_and(|next| next <= open),
            "at {at} it opens at {next:?}, and is open at {open}"
        );
    }
    if let Some(next) = calendar.next_opening(at) {
        prop_assert!(calendar.window(next).is_some() && calendar.window(next - INSTANT).is_none(), "{next}");
    }
    Ok(())
}

const INSTANT: SignedDuration = SignedDuration::from_nanos(1);

#[test]
fn the_scans_hold_the_changes_they_are_about() {
    for (scan, (zone, change, jump)) in SCANS.iter().zip(SCENES) {
        let jumps: Vec<(usize, usize)> = (1..SCANNED)
            .map(|minute| (minute, (WEEK + scan.shown[minute] - scan.shown[minute - 1]) % WEEK))
            .filter(|(_, passed)| *passed != 1)
            .collect();
        let expected = (WEEK as i64 + jump + 1) as usize % WEEK;
        if jump == 0 {
            assert_eq!(jumps, [], "{zone} around {change}");
        } else {
            assert_eq!(jumps, [(CHANGE, expected)], "{zone} around {change}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn business_hours_agree_with_a_scan_by_minute(
        scan in scans(),
        schedule in schedules(),
        nanosecond in select(vec![0, 1, 30_000_000_000, 59_999_999_999_i64]),
    ) {
        let calendar = schedule.calendar(scan.zone);
        let open = scan.open(&schedule);
        let closed_from = next_in(&open, false);
        for minute in ASKED {
            let at = scan.at(minute) + SignedDuration::from_nanos(nanosecond);
            let window = calendar.window(at);
            prop_assert_eq!(window.is_some(), open[minute], "at {}", at);
            if let Some(window) = window {
                let closes = closed_from[minute].map(|minute| scan.at(minute));
                prop_assert!(is_edge(at, window.closes, closes), "at {}: {:?}, not {:?}", at, window, closes);
            }
        }
    }

    #[test]
    fn the_spans_of_business_hours_agree_with_a_scan_by_minute(
        scan in scans(),
        schedule in schedules(),
        nanosecond in select(vec![0, 59_999_999_999_i64]),
    ) {
        let calendar = schedule.calendar(scan.zone);
        let open = scan.open(&schedule);
        let (closed_from, open_from) = (next_in(&open, false), next_in(&open, true));
        for minute in ASKED.step_by(3) {
            let at = scan.at(minute) + SignedDuration::from_nanos(nanosecond);
            let span = calendar.next(at).unwrap();
            let inside = open_from[minute].unwrap();
            prop_assert_eq!(span.contains(at), open[minute], "at {}: {:?}", at, span);
            let near = if open[minute] { at } else { scan.at(inside) };
            let (start, end) = (start_of(&open, inside), closed_from[inside]);
            prop_assert!(is_edge(near, span.start(), start.map(|minute| scan.at(minute))), "at {}: {:?}", at, span);
            prop_assert!(is_edge(near, span.end(), end.map(|minute| scan.at(minute))), "at {}: {:?}", at, span);
        }
    }

    #[test]
    fn both_ends_of_business_hours_are_half_open(scan in scans(), schedule in schedules()) {
        let calendar = schedule.calendar(scan.zone);
        let open = scan.open(&schedule);
        for minute in ASKED.filter(|minute| open[*minute] != open[minute - 1]) {
            let edge = scan.at(minute);
            let before = edge - SignedDuration::from_nanos(1);
            prop_assert_eq!(calendar.window(edge).is_some(), open[minute], "at {}", edge);
            prop_assert_eq!(calendar.window(before).is_some(), open[minute - 1], "just before {}", edge);
        }
    }

    #[test]
    fn a_blackout_is_the_complement_of_its_spans(scan in scans(), spans in blackouts()) {
        let blackout = blackout(scan, &spans);
        let dark = |second: i64| spans.iter().any(|(start, end)| (*start..*end).contains(&second));
        for edge in spans.iter().flat_map(|(start, end)| [*start, *end]) {
            for second in [edge - 1, edge, edge + 1] {
                let at = scan.start + second.seconds();
                prop_assert_eq!(blackout.window(at).is_none(), dark(second), "at {}", at);
                let later = |state: bool| {
                    let ends = spans.iter().flat_map(|(start, end)| [*start, *end]);
                    ends.filter(|edge| *edge > second && dark(*edge) == state).min()
                };
                let expected = if dark(second) {
                    let starts = spans.iter().map(|(start, _)| *start);
                    let start = starts.filter(|start| *start <= second && !dark(*start - 1)).max();
                    start.zip(later(false))
                } else {
                    later(true).map(|start| {
                        let ends = spans.iter().map(|(_, end)| *end);
                        (start, ends.filter(|end| *end > start && !dark(*end)).min().unwrap())
                    })
                };
                let expected = expected.map(|(start, end)| {
                    Span::new(scan.start + start.seconds(), scan.start + end.seconds()).unwrap()
                });
                prop_assert_eq!(blackout.next(at), expected, "at {}", at);
            }
        }
    }

    #[test]
    fn combinators_are_boolean_algebra_on_instants(
        (here, there) in (scans(), scans()),
        (one, other) in (schedules(), schedules()),
        spans in blackouts(),
        seconds in proptest::collection::vec(ASKED.start as i64 * 60..ASKED.end as i64 * 60, 64),
    ) {
        let (one, other) = (one.calendar(here.zone), other.calendar(there.zone));
        let dark = blackout(here, &spans);
        let except = one.clone().except(dark.clone());
        let and_not = one.clone().and(dark.clone());
        let without = one.clone().except(other.clone());
        let both = one.clone().and(other.clone());
        let either = one.clone().or(other.clone());
        let edges = spans.iter().flat_map(|(start, end)| [*start, *end]);
        for second in seconds.into_iter().chain(edges) {
            let at = here.start + second.seconds();
            let (in_one, in_other) = (one.window(at).is_some(), other.window(at).is_some());
            let in_dark = spans.iter().any(|(start, end)| (*start..*end).contains(&second));
            prop_assert_eq!(except.window(at).is_some(), in_one && !in_dark, "except at {}", at);
            prop_assert_eq!(and_not.window(at), except.window(at), "and at {}", at);
            prop_assert_eq!(without.window(at).is_some(), in_one && !in_other, "except hours at {}", at);
            prop_assert_eq!(both.window(at).is_some(), in_one && in_other, "and at {}", at);
            prop_assert_eq!(either.window(at).is_some(), in_one || in_other, "or at {}", at);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_calendar_is_open_until_it_closes(
        scan in scans(),
        (one, other) in (schedules(), schedules()),
        spans in blackouts(),
        minutes in proptest::collection::vec(ASKED, 2),
    ) {
        let (one, other) = (one.calendar(scan.zone), other.calendar(scan.zone));
        let dark = blackout(scan, &spans);
        for minute in minutes {
            let at = scan.at(minute);
            keeps_its_window(&one, at)?;
            keeps_its_window(&dark, at)?;
            keeps_its_window(&one.clone().except(dark.clone()), at)?;
            keeps_its_window(&one.clone().except(other.clone()), at)?;
            keeps_its_window(&one.clone().and(other.clone()), at)?;
            keeps_its_window(&one.clone().or(other.clone()), at)?;
            keeps_its_window(&one.clone().or(other.clone()).except(dark.clone()).or(other.clone()), at)?;
        }
    }
}
