//! Calendars made from a seed.

use std::{env, fmt::Write as _};

use jiff::{
    ToSpan,
    civil::{DateTime, date},
};

/// SplitMix64, as <https://prng.di.unimi.it/splitmix64.c> defines it.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }

    fn from(&mut self, first: i64, last: i64) -> i64 {
        first + i64::try_from(self.below(usize::try_from(last - first + 1).unwrap())).unwrap()
    }

    pub(super) fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// Some of them, at least one, in order.
    fn some<T: Copy>(&mut self, of: &[T]) -> Vec<T> {
        let first = self.below(of.len());
        let more: Vec<bool> = of.iter().map(|_| self.percent(25)).collect();
        of.iter()
            .enumerate()
            .filter(|(index, _)| *index == first || more[*index])
            .map(|(_, one)| *one)
            .collect()
    }
}

/// From `CHAOS_SEED` if it is set, otherwise drawn.
pub(super) fn seed() -> u64 {
    match env::var("CHAOS_SEED") {
        Ok(seed) => seed.parse().unwrap(),
        Err(_) => u64::from(std::process::id()) ^ u64::try_from(jiff_now()).unwrap(),
    }
}

#[allow(clippy::disallowed_methods, reason = "a seed is drawn from the time, and printed")]
fn jiff_now() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}

/// How the times of an event are written.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    Date,
    Floating,
    Utc,
    Zone(&'static str),
}

impl Form {
    /// A property with this time.
    fn line(self, name: &str, time: DateTime) -> String {
        let (day, clock) = (time.strftime("%Y%m%d"), time.strftime("%Y%m%dT%H%M%S"));
        match self {
            Self::Date => format!("{name};VALUE=DATE:{day}"),
            Self::Floating => format!("{name}:{clock}"),
            Self::Utc => format!("{name}:{clock}Z"),
            Self::Zone(zone) => format!("{name};TZID={zone}:{clock}"),
        }
    }
}

/// A calendar of a few series.
pub(super) fn calendar(random: &mut Random) -> String {
    let mut text = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Example//Random//EN\n".to_owned();
    for index in 0..=random.below(3) {
        series(random, index, &mut text);
    }
    text + "END:VCALENDAR\n"
}

fn series(random: &mut Random, index: usize, text: &mut String) {
    let form = random.one(&[
        Form::Date,
        Form::Floating,
        Form::Utc,
        Form::Zone("Europe/Berlin"),
        Form::Zone("W. Europe Standard Time"),
        Form::Zone("America/New_York"),
        Form::Zone("Australia/Lord_Howe"),
    ]);
    // Often on a day on which clocks change somewhere.
    let day = random.one(&[
        date(2023, 5, 17),
        date(2025, 3, 30),
        date(2025, 10, 26),
        date(2026, 3, 8),
        date(2026, 4, 5),
        date(2026, 11, 1),
        date(2027, 1, 31),
        date(2024, 2, 29),
    ]);
    let day = day.checked_add(random.from(-40, 40).days()).unwrap();
    let hour = i8::try_from(random.below(24)).unwrap();
    let start =
        if form == Form::Date { day.at(0, 0, 0, 0) } else { day.at(hour, random.one(&[0, 0, 15, 30]), 0, 0) };
    let (frequency, rule) = rule(random, form, start);
    writeln!(text, "BEGIN:VEVENT\nUID:{index}\nSUMMARY:Series {index}").unwrap();
    text.push_str(&lines(random, form, start));
    if let Some(rule) = &rule {
        writeln!(text, "RRULE:{rule}").unwrap();
    }
    // With several times a day, the package takes an instance for another that shows the same time in UTC.
    let is_once_a_day = rule.as_ref().is_none_or(|rule| !rule.contains("BYHOUR"));
    // Those that a rule may well have, and others.
    let later = |random: &mut Random| {
        let period = match frequency {
            "DAILY" => 1.day(),
            "WEEKLY" => 1.week(),
            "MONTHLY" => 1.month(),
            _ => 1.year(),
        };
        start.checked_add(period * random.from(0, 12)).unwrap()
    };
    if random.percent(25) {
        for _ in 0..=random.below(3) {
            writeln!(text, "{}", form.line("RDATE", start.checked_add(random.from(1, 400).days()).unwrap()))
                .unwrap();
        }
    }
    if is_once_a_day && random.percent(35) {
        for _ in 0..=random.below(3) {
            writeln!(text, "{}", form.line("EXDATE", later(random))).unwrap();
        }
    }
    if random.percent(10) {
        writeln!(text, "STATUS:{}", random.one(&["CONFIRMED", "TENTATIVE", "CANCELLED"])).unwrap();
    }
    if random.percent(20) {
        writeln!(text, "TRANSP:TRANSPARENT").unwrap();
    }
    text.push_str("END:VEVENT\n");
    if is_once_a_day && rule.is_some() && random.percent(50) {
        let mut replaced = Vec::new();
        for _ in 0..=random.below(2) {
            let id = later(random);
            // Of two that replace the same one, both count here, and only the first one there.
            if !replaced.contains(&id) {
                replaced.push(id);
                instance(random, index, form, id, text);
            }
        }
    }
}

/// An instance that is moved or cancelled.
fn instance(random: &mut Random, index: usize, form: Form, id: DateTime, text: &mut String) {
    let shift = if form == Form::Date { random.from(-5, 5) * 24 } else { random.from(-30, 30) };
    let range = if random.percent(30) { ";RANGE=THISANDFUTURE" } else { "" };
    writeln!(text, "BEGIN:VEVENT\nUID:{index}\nSUMMARY:Instance of {index}").unwrap();
    writeln!(text, "{}", form.line(&format!("RECURRENCE-ID{range}"), id)).unwrap();
    text.push_str(&lines(random, form, id.checked_add(shift.hours()).unwrap()));
    if random.percent(30) {
        text.push_str("STATUS:CANCELLED\n");
    }
    text.push_str("END:VEVENT\n");
}

/// The start and the end.
fn lines(random: &mut Random, form: Form, start: DateTime) -> String {
    let mut text = form.line("DTSTART", start) + "\n";
    let end = |span: jiff::Span| form.line("DTEND", start.checked_add(span).unwrap()) + "\n";
    let days = random.from(1, 9);
    let minutes = random.one(&[15, 30, 60, 90, 240, 600, 1440, 4000]);
    match (form, random.below(5)) {
        (_, 0) => {}
        (Form::Date, 1) => writeln!(text, "DURATION:P{days}D").unwrap(),
        (Form::Date, _) => text.push_str(&end(days.days())),
        (_, 1) => writeln!(text, "DURATION:P{days}DT{minutes}M").unwrap(),
        (_, 2) => writeln!(text, "DURATION:PT{minutes}M").unwrap(),
        _ => text.push_str(&end(minutes.minutes())),
    }
    text
}

fn rule(random: &mut Random, form: Form, start: DateTime) -> (&'static str, Option<String>) {
    const DAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
    let frequency = random.one(&["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]);
    if random.percent(15) {
        return (frequency, None);
    }
    let mut rule = format!("FREQ={frequency}");
    let mut part = |name: &str, values: Vec<String>| write!(rule, ";{name}={}", values.join(",")).unwrap();
    let text = |numbers: Vec<i64>| numbers.iter().map(i64::to_string).collect::<Vec<_>>();
    if random.percent(35) {
        part("INTERVAL", text(vec![random.from(2, 5)]));
    }
    let is_long = matches!(frequency, "MONTHLY" | "YEARLY");
    let (mut can_have_position, mut has_ordinals) = (false, false);
    match random.below(if is_long { 6 } else { 2 }) {
        1 => {
            let days = random.some(&DAYS);
            part("BYDAY", days.into_iter().map(str::to_owned).collect());
            can_have_position = is_long;
        }
        2 => {
            has_ordinals = true;
            let ordinals = if frequency == "YEARLY" { [1, 20, -1, -10] } else { [1, 2, 4, -1] };
            let days = random.some(&DAYS);
            let days = days.into_iter().map(|day| format!("{}{day}", random.one(&ordinals))).collect();
            part("BYDAY", days);
        }
        3 => {
            part("BYMONTHDAY", text(random.some(&[1, 2, 13, 15, 28, 29, 30, 31, -1, -3])));
            can_have_position = true;
        }
        4 if frequency == "YEARLY" => part("BYYEARDAY", text(random.some(&[1, 60, 100, 200, 366, -1, -100]))),
        5 if frequency == "YEARLY" => part("BYWEEKNO", text(random.some(&[1, 10, 20, 40, 52, 53, -1]))),
        _ => {}
    }
    let has_numbers = rule.contains("BYWEEKNO") || rule.contains("BYYEARDAY");
    // The package fails at the twentieth Monday of a month.
    if random.percent(25) && !has_numbers && !(has_ordinals && frequency == "YEARLY") {
        write!(rule, ";BYMONTH={}", text(random.some(&[1, 3, 4, 6, 10, 12])).join(",")).unwrap();
    }
    if can_have_position && random.percent(40) {
        write!(rule, ";BYSETPOS={}", text(random.some(&[1, 2, -1, -2])).join(",")).unwrap();
    }
    if form != Form::Date && random.percent(10) {
        write!(rule, ";BYHOUR={}", text(random.some(&[2, 3, 9, 22])).join(",")).unwrap();
    }
    if random.percent(20) {
        write!(rule, ";WKST={}", random.one(&DAYS)).unwrap();
    }
    match random.below(3) {
        0 => write!(rule, ";COUNT={}", random.from(1, 60)).unwrap(),
        1 => {
            let until = start.checked_add(random.from(1, 900).days()).unwrap();
            let until = match form {
                Form::Date => until.strftime("%Y%m%d"),
                Form::Floating => until.strftime("%Y%m%dT%H%M%S"),
                Form::Utc | Form::Zone(_) => until.strftime("%Y%m%dT%H%M%SZ"),
            };
            write!(rule, ";UNTIL={until}").unwrap();
        }
        _ => {}
    }
    (frequency, Some(rule))
}
