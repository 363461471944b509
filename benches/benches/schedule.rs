//! Measures what a schedule promises over ten years and 1,000 groups, and times a year of dues.
//!
//! Fails unless the mean is within 1 % of the one that was asked for, the least distance is never broken, the times of
//! day are uniform (χ² with p > 0.001), and a second run draws the same.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark may panic, and prints its figures"
)]

use std::{collections::HashMap, time::Duration};

use chaos_core::{
    BusinessHours, GroupId,
    calendar::{Blackout, CalendarExt},
    schedule::{Due, OpenDays, Schedule},
};
use criterion::{Criterion, criterion_group, criterion_main};
use jiff::{ToSpan, civil::Date};

const SEED: u64 = 42;
/// Twenty minutes for a fault and its recovery.
const TAKES: Duration = Duration::from_secs(20 * 60);
/// The parts of the day, and the χ² of 19 degrees of freedom at p = 0.001.
const PARTS: usize = 20;
const CHI_SQUARED: f64 = 43.82;

fn dates(first: Date, last: Date) -> Vec<Date> {
    first.series(1.day()).take_while(|date| *date <= last).collect()
}

fn open_days(schedule: &Schedule) -> OpenDays {
    let freeze = (2026..=2036).fold(Blackout::new(), |blackout, year| {
        let (first, last) = (Date::constant(year, 12, 21), Date::constant(year + 1, 1, 3));
        blackout.dates("Europe/Berlin", first, last).unwrap()
    });
    schedule.open_days(BusinessHours::new("Europe/Berlin").unwrap().hours(9, 15).except(freeze), TAKES)
}

fn schedule(mean: f64, least: u32) -> Schedule {
    Schedule::new("Europe/Berlin").unwrap().mean(mean).unwrap().least(least).unwrap()
}

/// Every due of a group, each carried out.
fn dues(schedule: &Schedule, days: &OpenDays, group: &GroupId, dates: &[Date]) -> Vec<Due> {
    let mut dues: Vec<Due> = Vec::new();
    for date in dates {
        let last_fault = dues.last().map(|due| due.at);
        dues.extend(schedule.due(days, SEED, group, *date, last_fault));
    }
    dues
}

/// How many groups, and how far from the one that was asked for the mean may be. As a test, without optimisation, a
/// part of them.
fn extent() -> (usize, f64) {
    if std::env::args().any(|argument| argument == "--test") { (40, 0.03) } else { (1_000, 0.01) }
}

fn groups() -> Vec<GroupId> {
    (0..extent().0).map(|number| format!("memory:group-{number:04}").parse().unwrap()).collect()
}

/// Ten years.
fn promise() {
    let ten_years = dates(Date::constant(2026, 1, 1), Date::constant(2035, 12, 31));
    let groups = groups();
    for (mean, least) in [(1.0, 1), (2.5, 2), (5.0, 1), (5.0, 2), (5.0, 3), (20.0, 10)] {
        let schedule = schedule(mean, least);
        let days = open_days(&schedule);
        let open: HashMap<Date, u32> =
            ten_years.iter().filter(|date| days.on(**date).is_some()).copied().zip(0..).collect();
        let (mut distances, mut sum, mut shortest) = (0_u32, 0_u32, u32::MAX);
        let mut parts = [0_u32; PARTS];
        for (number, group) in groups.iter().enumerate() {
            let dues = dues(&schedule, &days, group, &ten_years);
            if number % 100 == 0 {
                assert_eq!(
                    dues,
                    self::dues(&schedule, &open_days(&schedule), group, &ten_years),
                    "a second run"
                );
            }
            for pair in dues.windows(2) {
                let distance = open[&pair[1].id.day] - open[&pair[0].id.day];
                (distances, sum, shortest) = (distances + 1, sum + distance, shortest.min(distance));
            }
            for due in &dues {
                // From 9:00 on, for 5 hours and 40 minutes.
                let at = due.at.to_zoned(jiff::tz::TimeZone::get("Europe/Berlin").unwrap());
                let second =
                    i64::from(at.hour()) * 3600 + i64::from(at.minute()) * 60 + i64::from(at.second())
                        - 9 * 3600;
                parts[usize::try_from(second).unwrap() * PARTS / (340 * 60)] += 1;
            }
        }
        let seen = f64::from(sum) / f64::from(distances);
        let expected = f64::from(parts.iter().sum::<u32>()) / PARTS as f64;
        let chi_squared: f64 =
            parts.iter().map(|part| (f64::from(*part) - expected).powi(2) / expected).sum();
        println!(
            "mean {mean}, least {least}: {seen:.3} of {distances} distances, shortest {shortest}; χ² of the times of \
             day {chi_squared:.1}"
        );
        assert!((seen / mean - 1.0).abs() < extent().1 && shortest >= least && chi_squared < CHI_SQUARED);
    }
}

fn a_year(criterion: &mut Criterion) {
    promise();
    let (schedule, year) =
        (schedule(5.0, 2), dates(Date::constant(2026, 1, 1), Date::constant(2026, 12, 31)));
    let groups = groups();
    let mut benchmark = criterion.benchmark_group("schedule");
    benchmark.sample_size(10);
    benchmark.bench_function("a year of dues for 1,000 groups", |bencher| {
        bencher.iter(|| {
            let days = open_days(&schedule);
            groups.iter().map(|group| dues(&schedule, &days, group, &year).len()).sum::<usize>()
        });
    });
    benchmark.finish();
}

criterion_group!(benches, a_year);
criterion_main!(benches);
