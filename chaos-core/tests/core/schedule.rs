//! How often a group is due, and when.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use chaos_core::{
    BusinessHours, Calendar, GroupId,
    calendar::{Always, Blackout, CalendarExt, Never},
    schedule::{Due, OpenDays, Schedule},
};
use jiff::{Timestamp, civil::Date};

const TWENTY_MINUTES: Duration = Duration::from_secs(20 * 60);

fn berlin() -> Schedule {
    Schedule::new("Europe/Berlin").unwrap()
}

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn groups(count: usize) -> Vec<GroupId> {
    (0..count).map(|number| format!("memory:g{number}").parse().unwrap()).collect()
}

/// Berlin, 9 to 15, Monday to Friday, without the days around the turn of each year.
fn office() -> impl Calendar {
    let freeze = (2026..2030).fold(Blackout::new(), |blackout, year| {
        let (first, last) = (Date::constant(year, 12, 21), Date::constant(year + 1, 1, 3));
        blackout.dates("Europe/Berlin", first, last).unwrap()
    });
    BusinessHours::new("Europe/Berlin").unwrap().hours(9, 15).except(freeze)
}

/// Every due of a group from the first date to the last, each carried out.
fn carried_out(
    schedule: &Schedule,
    days: &OpenDays,
    seed: u64,
    group: &GroupId,
    dates: (Date, Date),
) -> Vec<Due> {
    let mut dues: Vec<Due> = Vec::new();
    for day in dates.0.series(jiff::Span::new().days(1)).take_while(|day| *day <= dates.1) {
        let last_fault = dues.last().map(|due| due.at);
        dues.extend(schedule.due(days, seed, group, day, last_fault));
    }
    dues
}

#[test]
fn the_mean_and_the_least_distance_are_those_that_were_asked_for() {
    let dates = (date("2026-01-01"), date("2028-12-31"));
    for (mean, least) in [(1.0, 1), (2.5, 2), (5.0, 1), (5.0, 3), (20.0, 10)] {
        let schedule = berlin().mean(mean).unwrap().least(least).unwrap();
        let days = schedule.open_days(office(), TWENTY_MINUTES);
        let all: Vec<Date> =
            dates.0.series(jiff::Span::new().days(1)).take_while(|day| *day <= dates.1).collect();
        let open: BTreeMap<Date, i32> =
            all.iter().filter(|day| days.on(**day).is_some()).copied().zip(0..).collect();
        assert_eq!(open.len(), 755);
        let (mut distances, mut sum) = (0, 0);
        for group in groups(60) {
            let dues = carried_out(&schedule, &days, 42, &group, dates);
            for pair in dues.windows(2) {
                let distance = open[&pair[1].id.day] - open[&pair[0].id.day];
                assert!(distance >= least.cast_signed(), "{pair:?}");
                (distances, sum) = (distances + 1, sum + distance);
            }
        }
        let seen = f64::from(sum) / f64::from(distances);
        // Of the distances, 5 standard deviations of their mean; `benches` has ten years and 1,000 groups.
        let deviation = (1.0 - schedule.chance()).sqrt() / schedule.chance() / f64::from(distances).sqrt();
        // The last distance of each group is cut off, which shortens long ones.
        let cut_off = mean * mean / 755.0;
        assert!((seen - mean).abs() <= 5.0 * deviation + cut_off, "{mean}/{least}: {seen} of {distances}");
    }
}

#[test]
fn a_due_is_uniform_over_the_instants_at_which_a_fault_can_still_be_undone() {
    let schedule = berlin().mean(1.0).unwrap();
    let lunch = BusinessHours::new("Europe/Berlin").unwrap().hours(12, 13);
    let days = schedule.open_days(office().except(lunch), TWENTY_MINUTES);
    let mut tenths = [0_u32; 10];
    let mut dues = 0;
    for group in groups(40) {
        for due in carried_out(&schedule, &days, 7, &group, (date("2026-02-01"), date("2026-12-01"))) {
            let clock = schedule_time(due.at);
            // 9:00 to 11:40, and 13:00 to 14:40: 260 minutes.
            let minute = match clock {
                540..700 => clock - 540,
                780..880 => clock - 780 + 160,
                other => panic!("{} is minute {other} of the day", due.at),
            };
            tenths[minute * 10 / 260] += 1;
            dues += 1;
        }
    }
    let expected = f64::from(dues) / 10.0;
    let chi_squared: f64 = tenths.iter().map(|seen| (f64::from(*seen) - expected).powi(2) / expected).sum();
    // 9 degrees of freedom: p = 0.001.
    assert!(chi_squared < 27.88, "{chi_squared}: {tenths:?}");
}

fn schedule_time(at: Timestamp) -> usize {
    let clock = at.to_zoned(jiff::tz::TimeZone::get("Europe/Berlin").unwrap());
    usize::try_from(clock.hour()).unwrap() * 60 + usize::try_from(clock.minute()).unwrap()
}

/// If this test fails, a seed no longer draws the dues that it drew before, and monkeys of two versions over one
/// journal disagree.
#[test]
fn a_due_is_the_same_on_every_machine_and_in_every_release() {
    let schedule = berlin().mean(5.0).unwrap().least(2).unwrap();
    let days = schedule.open_days(office(), TWENTY_MINUTES);
    let group = &groups(1)[0];
    let dues = carried_out(&schedule, &days, 42, group, (date("2026-03-01"), date("2026-03-31")));
    let told: Vec<String> = dues.iter().map(|due| format!("{}: {}", due.id, due.at)).collect();
    assert_eq!(
        told,
        [
            "memory:g0 on 2026-03-03: 2026-03-03T12:05:22Z",
            "memory:g0 on 2026-03-10: 2026-03-10T10:28:18Z",
            "memory:g0 on 2026-03-27: 2026-03-27T11:29:02Z",
        ]
    );
    // From another day on, by another process.
    let again = schedule.open_days(office(), TWENTY_MINUTES);
    let last = dues.last().unwrap();
    let before = dues.iter().rev().nth(1).map(|due| due.at);
    assert_eq!(schedule.due(&again, 42, group, last.id.day, before).as_ref(), Some(last));
    assert_eq!(schedule.due(&again, 42, group, last.id.day, Some(last.at)), None, "never twice on one day");
}

#[test]
fn a_day_is_open_if_a_fault_can_be_undone_on_it() {
    let schedule = berlin().mean(1.0).unwrap();
    let hours =
        |opens: (u8, u8), closes: (u8, u8)| BusinessHours::new("Europe/Berlin").unwrap().hours(opens, closes);
    let length = |calendar: Arc<dyn Calendar>, day: &str| {
        let days = schedule.open_days(calendar, TWENTY_MINUTES);
        days.on(date(day)).map(|open| open.length().as_secs() / 60)
    };
    let monday = "2026-03-02";
    assert_eq!(
        length(Arc::new(hours((9, 0), (9, 20))), monday),
        None,
        "it closes when the fault would be undone"
    );
    assert_eq!(length(Arc::new(hours((9, 0), (9, 21))), monday), Some(1));
    assert_eq!(length(Arc::new(hours((9, 0), (15, 0))), "2026-03-01"), None, "a Sunday");
    // From 22:00 to 24:00, and from 0:00 to 3:40 of what opened the day before.
    assert_eq!(length(Arc::new(hours((22, 0), (4, 0))), "2026-03-03"), Some(120 + 220));
    assert_eq!(length(Arc::new(hours((22, 0), (4, 0))), monday), Some(120), "Sunday's did not open");
    assert_eq!(length(Arc::new(Always), monday), Some(24 * 60));
    assert_eq!(length(Arc::new(Always), "2026-03-29"), Some(23 * 60), "the clocks are put forward");
    assert_eq!(length(Arc::new(Never), monday), None);
}

#[test]
fn what_makes_no_rate_is_refused_by_name() {
    for mean in [f64::NAN, f64::INFINITY, 0.99, 0.0, -1.0] {
        let error = berlin().mean(mean).unwrap_err().to_string();
        assert_eq!(
            error,
            format!("invalid mean: {mean}; expected a number of open days from 1 on, such as 5")
        );
    }
    for least in [0, 6] {
        let error = berlin().mean(5.0).unwrap().least(least).unwrap_err().to_string();
        assert_eq!(
            error,
            format!("invalid least: {least}; expected a number of open days from 1 to the mean, 5")
        );
    }
    assert!(Schedule::new("Europe/Lodnon").is_err());
    assert!(berlin().mean(5.0).unwrap().least(5).unwrap().mean(4.0).is_err());
    assert_eq!(berlin().chance(), 1.0);
}

/// A fault that somebody else has injected counts as well, and one on a closed day.
#[test]
fn the_last_fault_keeps_a_group_free_for_so_many_open_days() {
    let schedule = berlin().mean(3.0).unwrap().least(3).unwrap();
    let days = schedule.open_days(office(), TWENTY_MINUTES);
    let due =
        |day: &str, last: &str| schedule.due(&days, 1, &groups(1)[0], date(day), Some(at(last))).is_some();
    let on_thursday = "2026-03-05T10:00:00Z";
    assert_eq!(
        ["2026-03-05", "2026-03-06", "2026-03-09", "2026-03-10", "2026-03-11", "2026-03-14"]
            .map(|day| due(day, on_thursday)),
        [false, false, false, true, true, false]
    );
    // 23:30 in UTC is the day after in Berlin.
    assert!(!due("2026-03-10", "2026-03-05T23:30:00Z"));
    let on_saturday = "2026-03-07T10:00:00Z";
    assert_eq!(["2026-03-10", "2026-03-11"].map(|day| due(day, on_saturday)), [false, true]);
    let long_ago = "1990-01-01T00:00:00Z";
    assert!(due("2026-03-10", long_ago));
    assert!(!due("2026-03-10", "2026-03-12T00:00:00Z"), "of the future: the clocks were put back");
}
