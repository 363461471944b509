//! Hostile texts.
//!
//! Each is a good one, broken at random. An event stands in it that is left as it is and needs nothing of the rest. If
//! the text is understood, it is closed during that event. If it is not, it is an error, and nothing is open.

use std::{
    env,
    panic::{catch_unwind, resume_unwind},
    time::{Duration, Instant},
};

use chaos_core::calendar::{Exclusion, Span};

use super::{
    EVERYTHING, GOOGLE, OUTLOOK, at, parse,
    random::{Random, calendar, seed},
};

/// The event that is left as it is: an hour on three days.
const WITNESS: &str = "BEGIN:VEVENT\nUID:witness of the test\nSUMMARY:Witness\nDTSTART:20260615T120000Z\n\
    DURATION:PT1H\nRRULE:FREQ=WEEKLY;COUNT=3\nEND:VEVENT\n";

const HOURS: [&str; 3] = ["2026-06-15T12:00:00Z", "2026-06-22T12:00:00Z", "2026-06-29T12:00:00Z"];

/// Pieces that have a meaning.
const PIECES: [&str; 48] = [
    "BEGIN:VEVENT\n",
    "END:VEVENT\n",
    "BEGIN:VCALENDAR\n",
    "END:VCALENDAR\n",
    "BEGIN:VALARM\n",
    "END:VALARM\n",
    "BEGIN:VTIMEZONE\n",
    "END:VTIMEZONE\n",
    "BEGIN:STANDARD\n",
    "END:STANDARD\n",
    "BEGIN:VTODO\n",
    "END:VTODO\n",
    "RRULE:FREQ=DAILY\n",
    "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30\n",
    "RRULE:FREQ=HOURLY;INTERVAL=7\n",
    "RRULE:FREQ=WEEKLY;WKST=SU;BYDAY=MO\n",
    "EXDATE:20260615T120000Z\n",
    "RDATE;VALUE=PERIOD:20260101T000000Z/P1D\n",
    "RECURRENCE-ID:20260615T120000Z\n",
    "RECURRENCE-ID;RANGE=THISANDFUTURE:20260101T000000Z\n",
    "STATUS:CANCELLED\n",
    "DTSTART;VALUE=DATE:20260615\n",
    "DTSTART:99991231T235959Z\n",
    "DTSTART:00000101T000000\n",
    "DTEND:00010101T000000Z\n",
    "DURATION:P99999999W\n",
    "DURATION:PT0S\n",
    "SEQUENCE:9999999999\n",
    "TZID:UTC\n",
    "TZOFFSETFROM:+2359\n",
    "TZOFFSETTO:-2359\n",
    ";BYSETPOS=-1",
    ";BYSETPOS=366",
    ";INTERVAL=65535",
    ";COUNT=4294967295",
    ";UNTIL=99991231T235959Z",
    ";BYDAY=-53MO",
    ";BYYEARDAY=366",
    ";BYWEEKNO=53",
    ";BYHOUR=23,0",
    ";BYMINUTE=59",
    ";BYSECOND=59",
    ";TZID=Europe/Berlin",
    "\n ",
    "\r\n",
    "\u{feff}",
    "\u{0}",
    "é",
];

/// Breaks a text, mostly at one place.
fn broken(random: &mut Random, text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..random.one(&[1, 1, 1, 1, 2, 2, 3, 8]) {
        let place = random.below(bytes.len() + 1);
        let line = bytes[place..].iter().position(|byte| *byte == b'\n').map_or(place, |end| place + end + 1);
        let longest = random.one(&[12, 12, 12, 200]);
        let length = random.below(longest).min(bytes.len() - place);
        match random.one(&[0, 1, 2, 3, 4, 4, 4, 5, 6, 6, 6, 7]) {
            0 => drop(bytes.drain(place..place + length)),
            1 if place < bytes.len() => bytes[place] = random.next().to_le_bytes()[0],
            2 if place < bytes.len() => bytes[place] ^= 1 << random.below(8),
            3 => {
                let copy = bytes[place..place + length].to_vec();
                let to = random.below(bytes.len() + 1);
                bytes.splice(to..to, copy);
            }
            4 => {
                let piece = random.one(&PIECES);
                // A line of its own, or at the end of one.
                let place = if piece.ends_with('\n') { line } else { line.saturating_sub(1) };
                drop(bytes.splice(place..place, piece.bytes()));
            }
            5 => drop(bytes.splice(place..place + length, random.one(&PIECES).bytes())),
            6 => {
                // A number becomes another one.
                let digits: Vec<usize> =
                    (0..bytes.len()).filter(|index| bytes[*index].is_ascii_digit()).collect();
                if !digits.is_empty() {
                    bytes[random.one(&digits)] = b'0' + random.next().to_le_bytes()[0] % 10;
                }
            }
            _ => {
                // Lines change places.
                let mut lines: Vec<Vec<u8>> =
                    bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
                let (one, other) = (random.below(lines.len()), random.below(lines.len()));
                lines.swap(one, other);
                bytes = lines.join(&b'\n');
            }
        }
    }
    bytes
}

/// Parses a broken text with the witness in it, and returns whether it was understood.
fn is_understood(random: &mut Random) -> bool {
    let drawn = calendar(random);
    let text = random.one(&[OUTLOOK, GOOGLE, EVERYTHING, &drawn, &drawn, &drawn]);
    // Between two events, or before the first or after the last.
    let places: Vec<usize> = text.match_indices("BEGIN:VEVENT\n").map(|(place, _)| place).collect();
    let end = text.rfind("END:VCALENDAR").unwrap();
    let place = random.one(&[&places[..], &[end]].concat());
    let (before, after) = text.split_at(place);
    let (before, after) = match random.below(3) {
        0 => (broken(random, before), after.as_bytes().to_vec()),
        1 => (before.as_bytes().to_vec(), broken(random, after)),
        _ => (broken(random, before), broken(random, after)),
    };
    let text = [&before[..], WITNESS.as_bytes(), &after[..]].concat();
    let zone = random.one(&["Europe/Berlin", "UTC", "America/Santiago"]);
    let Ok(calendar) = parse(&text, zone) else { return false };
    for hour in HOURS {
        let mut instant = at(hour);
        let end = instant + jiff::SignedDuration::from_hours(1);
        while instant < end {
            let span = calendar.next(instant).unwrap();
            assert!(span.contains(instant), "open at {instant}:\n{}", String::from_utf8_lossy(&text));
            instant = span.end();
        }
    }
    // In order and apart, to the end of time.
    let (mut instant, mut before): (_, Option<Span>) = (jiff::Timestamp::MIN, None);
    while instant < jiff::Timestamp::MAX {
        let span = calendar.next(instant).unwrap();
        assert!(before.is_none_or(|before| before.end() <= span.start()), "{span:?}");
        assert!(span.reason().is_some_and(|reason| reason.len() < 1000), "{span:?}");
        instant = span.end();
        before = Some(span);
    }
    true
}

/// For a minute in CI, for an hour with `CHAOS_LONG=1`, otherwise for ten seconds.
#[test]
#[allow(clippy::disallowed_methods, reason = "how long it takes is measured")]
fn a_broken_text_neither_panics_nor_opens_more() {
    let is_long = env::var_os("CHAOS_LONG").is_some_and(|value| value == "1");
    let seconds = match (is_long, env::var_os("CI")) {
        (true, _) => 3600,
        (false, Some(_)) => 60,
        (false, None) => 10,
    };
    let seed = seed();
    let begun = Instant::now();
    let (mut texts, mut understood, mut slowest) = (0_u64, 0_u64, Duration::ZERO);
    while begun.elapsed() < Duration::from_secs(seconds) {
        let one = seed.wrapping_add(texts);
        let before = Instant::now();
        match catch_unwind(|| is_understood(&mut Random(one))) {
            Ok(is_understood) => understood += u64::from(is_understood),
            Err(panic) => {
                eprintln!("CHAOS_SEED={one} begins with this text");
                resume_unwind(panic);
            }
        }
        slowest = slowest.max(before.elapsed());
        texts += 1;
    }
    eprintln!("{texts} texts from CHAOS_SEED={seed}, {understood} understood, the slowest in {slowest:?}");
    assert!(understood > 0 && understood < texts, "{understood} of {texts} understood");
}
