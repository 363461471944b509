//! Beside PyPI's `recurring-ical-events`.

use std::{env, fs, path::PathBuf};

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use super::{
    EMPTY, EVERYTHING, GOOGLE, OUTLOOK, parse,
    random::{Random, calendar, seed},
    seconds,
};
use crate::package::told_by;

/// Zones of the files, each with changes of its clocks or without.
const ZONES: [&str; 6] =
    ["Europe/Berlin", "America/New_York", "UTC", "Australia/Lord_Howe", "Asia/Kolkata", "America/Santiago"];

/// Files of a folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = env::temp_dir().join(format!("chaos-holidays-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

/// Compares what these texts close by the clocks of a zone. Returns how many of them had events.
fn compare(name: &str, zone: &str, texts: &[String]) -> Option<usize> {
    let folder = Folder::new(name);
    let period = parse(EMPTY, zone).unwrap().period();
    let (start, end) = (period.start.as_second().to_string(), period.end.as_second().to_string());
    let mut arguments = vec![zone.to_owned(), start, end];
    for (index, text) in texts.iter().enumerate() {
        let file = folder.0.join(format!("{index}.ics"));
        fs::write(&file, text).unwrap();
        arguments.push(file.to_str().unwrap().to_owned());
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let lines = told_by("company-calendars.py", &arguments)?;
    let mut theirs = vec![Vec::new(); texts.len()];
    for fields in lines {
        let [index, start, end] = [0, 1, 2].map(|field| fields[field].parse::<i64>().unwrap());
        theirs[usize::try_from(index).unwrap()].push((start, end));
    }
    for (text, theirs) in texts.iter().zip(&theirs) {
        let ours = seconds(&parse(text, zone).unwrap_or_else(|error| panic!("{}\n{text}", error.chain())));
        let opened: Vec<_> = difference(theirs, &ours).into_iter().map(|(start, _)| shown(start)).collect();
        assert!(opened.is_empty(), "in {zone} open at {opened:?}:\n{text}");
        for (start, end) in difference(&ours, theirs) {
            assert!(
                is_explained((start, end), theirs, text, zone),
                "in {zone} closed from {} to {} without an event:\n{text}",
                shown(start),
                shown(end)
            );
        }
    }
    Some(theirs.iter().filter(|spans| !spans.is_empty()).count())
}

fn shown(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// What is in some spans and not in others.
fn difference(some: &[(i64, i64)], others: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let mut left = Vec::new();
    for (start, end) in some {
        let mut from = *start;
        for (other_start, other_end) in others {
            if *other_end <= from || *end <= *other_start {
                continue;
            }
            if from < *other_start {
                left.push((from, *other_start));
            }
            from = *other_end;
        }
        if from < *end {
            left.push((from, *end));
        }
    }
    left
}

/// Where clocks change, an event lasts as long by the clock as in seconds, or longer: at most an hour more for each
/// change, behind a span of theirs. They change during that span or an hour around it, or during the first instance,
/// which says how many seconds each lasts, or both.
fn is_explained((start, end): (i64, i64), theirs: &[(i64, i64)], text: &str, home: &str) -> bool {
    let hour = 3600;
    // One that begins when clocks skip its time has no length for them.
    let begin = theirs.iter().find(|(_, their_end)| *their_end == start).map_or(start, |(begin, _)| *begin);
    let changes = |zone: &str, first: Timestamp, last: Timestamp| {
        let following = TimeZone::get(zone).unwrap().following(first).next().map(|change| change.timestamp());
        following.is_some_and(|change| change <= last)
    };
    let mut zones: Vec<&str> =
        ZONES.into_iter().filter(|zone| *zone == home || text.contains(zone)).collect();
    if text.contains("W. Europe Standard Time") {
        zones.push("Europe/Berlin");
    }
    let around = (shown(begin - hour), shown(end + hour));
    let local = |line: &str| line.rsplit_once(':').unwrap().1.trim_end_matches('Z').parse::<DateTime>();
    let lines: Vec<&str> = text.lines().collect();
    let firsts = lines.windows(2).filter_map(|lines| {
        let pair = lines[0].starts_with("DTSTART") && lines[1].starts_with("DTEND");
        pair.then(|| (local(lines[0]), local(lines[1])))
    });
    let firsts: Vec<(DateTime, DateTime)> =
        firsts.filter_map(|(start, end)| Some((start.ok()?, end.ok()?))).collect();
    zones.iter().any(|zone| {
        let instant = |time: DateTime| time.in_tz(zone).unwrap().timestamp();
        let during_it = changes(zone, around.0, around.1);
        let during_the_first =
            firsts.iter().any(|(start, end)| changes(zone, instant(*start), instant(*end)));
        end - start <= hour * (i64::from(during_it) + i64::from(during_the_first))
    })
}

#[test]
fn the_files_of_the_tests_open_and_close_as_the_package_says() {
    let texts = [OUTLOOK, GOOGLE, EVERYTHING, EMPTY].map(str::to_owned);
    for zone in ZONES {
        match compare("files", zone, &texts) {
            Some(count) => assert_eq!(count, 3, "each but the empty one has events"),
            None => return,
        }
    }
}

/// All of them with `CHAOS_LONG=1`, otherwise a drawn part.
#[test]
fn a_thousand_random_calendars_open_and_close_as_the_package_says() {
    let seed = seed();
    let is_long = env::var_os("CHAOS_LONG").is_some_and(|value| value == "1");
    let each = if is_long { 1000 / ZONES.len() + 1 } else { 40 };
    eprintln!("CHAOS_SEED={seed}, {each} calendars in each of {} zones", ZONES.len());
    let mut random = Random(seed);
    let mut with_events = 0;
    for zone in ZONES {
        let texts: Vec<String> = (0..each).map(|_| calendar(&mut random)).collect();
        match compare("random", zone, &texts) {
            Some(count) => with_events += count,
            None => return,
        }
    }
    assert!(with_events > each * ZONES.len() / 2, "only {with_events} have events");
}
