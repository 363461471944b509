//! What the files of the tests, and small ones, mean.

use chaos_core::{
    BusinessHours, Calendar,
    calendar::{Always, CalendarExt, CalendarState, Exclusion},
    error::ErrorKind,
};
use chaos_holidays::ical::CompanyCalendar;
use chaos_testkit::contract;
use jiff::Timestamp;

use super::{EMPTY, EVERYTHING, GOOGLE, OUTLOOK, READ_AT, at, event, of, parse, spans};

/// Why it is closed at an instant.
fn why(calendar: &CompanyCalendar, instant: &str) -> Option<String> {
    match Always.except(calendar.clone()).state(at(instant)) {
        CalendarState::Open(_) => None,
        CalendarState::Closed(closed) => Some(closed.reason.unwrap()),
    }
}

/// The spans of the one event in a calendar with these lines.
fn event_in(zone: &str, lines: &str) -> Vec<String> {
    of(&parse(event(&format!("SUMMARY:E\n{lines}")), zone).unwrap(), "E")
}

fn refusal(text: impl AsRef<[u8]>) -> String {
    let error = parse(text, "UTC").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    error.to_string()
}

#[test]
fn a_calendar_of_outlook_is_closed_during_its_events() {
    let calendar = parse(OUTLOOK, "Europe/Berlin").unwrap();
    for (instant, expected) in [
        ("2026-01-06T07:59:59Z", None),
        ("2026-01-06T08:00:00Z", Some("Weekly deployment (company.ics)")),
        // In summer; excepted; moved to the night of the day after; the last one.
        ("2026-03-31T07:00:00Z", Some("Weekly deployment (company.ics)")),
        ("2026-04-07T08:00:00Z", None),
        ("2026-05-12T08:00:00Z", None),
        ("2026-05-13T21:00:00Z", Some("Weekly deployment, moved to the night (company.ics)")),
        ("2026-05-13T22:59:59Z", Some("Weekly deployment, moved to the night (company.ics)")),
        ("2026-05-13T23:00:00Z", None),
        ("2026-12-22T09:00:00Z", Some("Change freeze (company.ics)")),
        ("2026-12-20T22:59:59Z", None),
        ("2027-01-03T22:59:59Z", Some("Change freeze (company.ics)")),
        ("2027-01-03T23:00:00Z", None),
        // A zone that only the file describes.
        ("2026-03-02T21:00:00Z", Some("A week of migration (company.ics)")),
        ("2026-11-02T21:00:00Z", Some("A week of migration (company.ics)")),
        ("2027-03-02T21:00:00Z", None),
    ] {
        assert_eq!(why(&calendar, instant).as_deref(), expected, "{instant}");
    }
}

#[test]
fn a_calendar_of_google_is_closed_during_its_events() {
    let calendar = parse(GOOGLE, "America/New_York").unwrap();
    for (instant, expected) in [
        ("2026-11-26T17:00:00Z", Some("Thanksgiving Day (company.ics)")),
        ("2026-11-27T05:00:00Z", None),
        ("2026-02-04T19:00:00Z", Some("Sprint change (company.ics)")),
        ("2026-02-09T19:00:00Z", None),
        ("2026-02-18T19:00:00Z", None),
        ("2026-03-02T19:00:00Z", None),
        ("2026-03-03T15:00:00Z", Some("Sprint change, a day later (company.ics)")),
        ("2026-03-16T18:00:00Z", None),
        ("2026-03-18T18:00:00Z", Some("Sprint change (company.ics)")),
        ("2026-04-01T23:00:00Z", None),
    ] {
        assert_eq!(why(&calendar, instant).as_deref(), expected, "{instant}");
    }
}

#[test]
fn line_ends_marks_of_order_and_folds_change_nothing() {
    for text in [OUTLOOK, GOOGLE, EVERYTHING, EMPTY] {
        let plain = spans(&parse(text, "Europe/Berlin").unwrap());
        let crlf = text.replace('\n', "\r\n");
        let marked = format!("\u{feff}{crlf}");
        // In the middle of a character as well.
        let folded: Vec<u8> = text
            .lines()
            .flat_map(|line| {
                let line = line.strip_prefix([' ', '\t']).map_or(line, |_| line);
                let bytes: Vec<u8> = line
                    .bytes()
                    .enumerate()
                    .flat_map(|(index, byte)| {
                        let fold: &[u8] = if index > 0 && index % 7 == 0 { b"\r\n " } else { b"" };
                        [fold, &[byte]].concat()
                    })
                    .collect();
                [&bytes[..], b"\r\n"].concat()
            })
            .collect();
        let lower = text.replace("BEGIN:", "begin:").replace("DTSTART", "dtstart").replace("\n\n", "\n");
        for other in [crlf.as_bytes(), marked.as_bytes(), &folded, lower.as_bytes()] {
            assert_eq!(spans(&parse(other, "Europe/Berlin").unwrap()), plain);
        }
    }
    let umlaut = event("SUMMARY:Ümlaut\nDTSTART;VALUE=DATE:20260101");
    let split = [&umlaut.as_bytes()[..38], b"\n ", &umlaut.as_bytes()[38..]].concat();
    let (before, after) = split.split_at(38);
    assert!(std::str::from_utf8(before).is_err() && std::str::from_utf8(after).is_err());
    assert_eq!(of(&parse(split, "UTC").unwrap(), "Ümlaut").len(), 1);
}

#[test]
fn an_event_lasts_as_it_says() {
    for (lines, expected) in [
        ("DTSTART;VALUE=DATE:20260101", &["2026-01-01T00:00/2026-01-02T00:00"][..]),
        ("DTSTART:20260101", &["2026-01-01T00:00/2026-01-02T00:00"]),
        ("DTSTART;VALUE=DATE:20260101\nDTEND;VALUE=DATE:20260104", &["2026-01-01T00:00/2026-01-04T00:00"]),
        ("DTSTART;VALUE=DATE:20260101\nDTEND;VALUE=DATE:20260101", &["2026-01-01T00:00/2026-01-02T00:00"]),
        ("DTSTART;VALUE=DATE:20260101\nDURATION:P2D", &["2026-01-01T00:00/2026-01-03T00:00"]),
        ("DTSTART;VALUE=DATE:20260101\nDTEND:20260102T120000Z", &["2026-01-01T00:00/2026-01-02T12:00"]),
        ("DTSTART:20260101T100000Z\nDURATION:P1DT30M", &["2026-01-01T10:00/2026-01-02T10:30"]),
        // An instant takes no time.
        ("DTSTART:20260101T100000Z", &[]),
        ("DTSTART:20260101T100000Z\nDTEND:20260101T100000Z", &[]),
        // The time between them, if the end is before the start; the longer one of two.
        ("DTSTART:20260101T100000Z\nDTEND:20260101T080000Z", &["2026-01-01T08:00/2026-01-01T10:00"]),
        (
            "DTSTART:20260101T100000Z\nDTEND:20260101T110000Z\nDURATION:PT2H",
            &["2026-01-01T10:00/2026-01-01T12:00"],
        ),
    ] {
        assert_eq!(event_in("UTC", lines), expected, "{lines}");
    }
}

/// Clocks went from 02:00 to 03:00 on 2026-03-29, and from 03:00 to 02:00 on 2026-10-25.
#[test]
fn an_event_never_becomes_shorter_when_clocks_change() {
    for (lines, expected) in [
        // It begins at a time that is skipped: as if the clocks had not changed. It ends half an hour later.
        ("DTSTART:20260329T023000\nDTEND:20260329T030000", "2026-03-29T01:30/2026-03-29T02:00"),
        ("DTSTART:20260329T010000\nDTEND:20260329T023000", "2026-03-29T00:00/2026-03-29T01:30"),
        // From the first time that the clocks show this to the last.
        ("DTSTART:20261025T021500\nDTEND:20261025T024500", "2026-10-25T00:15/2026-10-25T01:45"),
        // Six hours by the clocks, and no less than six by a stopwatch.
        ("DTSTART:20260328T230000\nDURATION:PT6H", "2026-03-28T22:00/2026-03-29T04:00"),
        ("DTSTART:20261024T230000\nDURATION:PT6H", "2026-10-24T21:00/2026-10-25T04:00"),
        ("DTSTART:20260328T230000\nDURATION:P1D", "2026-03-28T22:00/2026-03-29T21:00"),
        ("DTSTART;VALUE=DATE:20260329", "2026-03-28T23:00/2026-03-29T22:00"),
        ("DTSTART;VALUE=DATE:20261025", "2026-10-24T22:00/2026-10-25T23:00"),
    ] {
        for zone in ["", ";TZID=Europe/Berlin", ";TZID=W. Europe Standard Time"] {
            if lines.contains("VALUE") && !zone.is_empty() {
                continue;
            }
            let (home, lines) = if zone.is_empty() {
                ("Europe/Berlin", lines.to_owned())
            } else {
                (
                    "UTC",
                    lines
                        .replace("DTSTART", &format!("DTSTART{zone}"))
                        .replace("DTEND", &format!("DTEND{zone}")),
                )
            };
            assert_eq!(event_in(home, &lines), [expected], "{lines}");
        }
    }
}

#[test]
fn transparent_and_tentative_events_count_and_cancelled_ones_do_not() {
    let day = "DTSTART;VALUE=DATE:20260101";
    for (line, count) in [
        ("TRANSP:TRANSPARENT", 1),
        ("STATUS:TENTATIVE", 1),
        ("STATUS:SOMETHING ELSE", 1),
        ("STATUS:CANCELLED", 0),
        ("status:cancelled", 0),
        ("X-STATUS:CANCELLED", 1),
    ] {
        assert_eq!(event_in("UTC", &format!("{day}\n{line}")).len(), count, "{line}");
    }
}

#[test]
fn excepted_dates_are_found_whatever_their_form() {
    let daily = "DTSTART;TZID=Europe/Berlin:20260105T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3";
    let all_day = "DTSTART;VALUE=DATE:20260105\nRRULE:FREQ=DAILY;COUNT=3";
    for (event, excepted, count) in [
        (daily, "EXDATE;TZID=Europe/Berlin:20260106T090000", 2),
        (daily, "EXDATE:20260106T080000Z", 2),
        (daily, "EXDATE;TZID=America/New_York:20260106T030000,20260107T030000", 1),
        (daily, "EXDATE:20260106T090000", 2),
        (daily, "EXDATE;VALUE=DATE:20260106", 2),
        // What is no instance leaves all of them.
        (daily, "EXDATE:20260106T090000Z", 3),
        (daily, "EXDATE;TZID=Europe/Berlin:20260106T090001", 3),
        (all_day, "EXDATE;VALUE=DATE:20260106,20260107", 1),
        (all_day, "EXDATE:20260106T000000", 2),
        (all_day, "EXDATE;TZID=Europe/Berlin:20260106T000000", 2),
        (all_day, "EXDATE:20260106T120000Z", 3),
    ] {
        assert_eq!(event_in("Europe/Berlin", &format!("{event}\n{excepted}")).len(), count, "{excepted}");
    }
}

#[test]
fn an_end_of_a_rule_includes_its_day() {
    let rule =
        |until: &str| format!("DTSTART:20260105T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY;UNTIL={until}");
    let of_days = |until: &str| format!("DTSTART;VALUE=DATE:20260105\nRRULE:FREQ=DAILY;UNTIL={until}");
    for (lines, count) in [
        (rule("20260107"), 3),
        (rule("20260107T080000Z"), 3),
        (rule("20260107T075959Z"), 2),
        (rule("20260107T090000"), 3),
        (rule("20260101"), 1),
        (of_days("20260107"), 3),
        (of_days("20260107T000000Z"), 3),
        (of_days("20260106T230000Z"), 3),
    ] {
        assert_eq!(event_in("Europe/Berlin", &lines).len(), count, "{lines}");
    }
    // Behind UTC: an hour that begins at midnight is no whole day.
    let midnight = rule("20260107T000000Z").replace("T090000", "T000000");
    assert_eq!(event_in("America/New_York", &midnight).len(), 2);
    assert_eq!(event_in("America/New_York", &of_days("20260107T000000Z")).len(), 3);
}

#[test]
fn rules_without_an_end_starve_no_other_one() {
    let mut text = "BEGIN:VCALENDAR\n".to_owned();
    for (uid, rule) in
        ["FREQ=YEARLY", "FREQ=DAILY;INTERVAL=3", "FREQ=WEEKLY;BYDAY=SA,SU", "FREQ=MONTHLY"].iter().enumerate()
    {
        text += &format!(
            "BEGIN:VEVENT\nUID:{uid}\nSUMMARY:{uid}\nDTSTART:19100317T0{uid}0000Z\n\
             DURATION:PT1H\nRRULE:{rule}\nEND:VEVENT\n"
        );
    }
    let calendar = parse(text + "END:VCALENDAR\n", "UTC").unwrap();
    let counts: Vec<usize> = (0..4).map(|uid| of(&calendar, &uid.to_string()).len()).collect();
    assert_eq!(counts, [4, 487, 418, 48]);
}

#[test]
fn beyond_the_years_that_are_known_it_is_closed() {
    let calendar = parse(EMPTY, "UTC").unwrap();
    let (early, late) = (
        "the events of company.ics are known from 2025-01-01 on",
        "the events of company.ics are known until 2029-01-01",
    );
    for (instant, expected) in [
        ("2024-12-31T23:59:59Z", Some(early)),
        ("2025-01-01T00:00:00Z", None),
        ("2028-12-31T23:59:59Z", None),
        ("2029-01-01T00:00:00Z", Some(late)),
        ("9000-01-01T00:00:00Z", Some(late)),
    ] {
        assert_eq!(why(&calendar, instant).as_deref(), expected, "{instant}");
    }
    assert!(calendar.next(Timestamp::MIN).unwrap().contains(Timestamp::MIN));
    assert_eq!(calendar.next(Timestamp::MAX).unwrap().end(), Timestamp::MAX);
    for instant in [Timestamp::MIN, Timestamp::MAX] {
        let calendar = CompanyCalendar::parse("company.ics", GOOGLE, "UTC", instant).unwrap();
        assert!(calendar.next(instant).unwrap().contains(instant));
    }
}

#[test]
fn a_summary_is_shown_on_one_short_line() {
    for (summary, expected) in [
        ("SUMMARY:Freeze\\, really\\; yes", "Freeze, really; yes (company.ics)"),
        ("SUMMARY:One\\nall is well", "One\\nall is well (company.ics)"),
        ("SUMMARY:user\u{202e}nimda", "user\\u{202e}nimda (company.ics)"),
        ("SUMMARY:\u{1b}[2Jgone", "\\u{1b}[2Jgone (company.ics)"),
        ("SUMMARY:", "an event without a summary (company.ics)"),
        ("DESCRIPTION:none", "an event without a summary (company.ics)"),
    ] {
        let calendar = parse(event(&format!("{summary}\nDTSTART;VALUE=DATE:20260101")), "UTC").unwrap();
        assert_eq!(why(&calendar, "2026-01-01T12:00:00Z").as_deref(), Some(expected));
    }
    let long = event(&format!("SUMMARY:{}\nDTSTART;VALUE=DATE:20260101", "é".repeat(100_000)));
    let reason = why(&parse(long, "UTC").unwrap(), "2026-01-01T12:00:00Z").unwrap();
    assert_eq!(reason, format!("{}… (company.ics)", "é".repeat(80)));
}

#[test]
fn of_two_events_at_once_the_earlier_one_is_the_reason_until_it_ends() {
    let text = "BEGIN:VCALENDAR\n\
        BEGIN:VEVENT\nSUMMARY:A\nDTSTART:20260101T100000Z\nDURATION:PT4H\nEND:VEVENT\n\
        BEGIN:VEVENT\nSUMMARY:B\nDTSTART:20260101T120000Z\nDURATION:PT4H\nEND:VEVENT\n\
        BEGIN:VEVENT\nSUMMARY:C\nDTSTART:20260101T123000Z\nDURATION:PT1H\nEND:VEVENT\n\
        END:VCALENDAR\n";
    let calendar = parse(text, "UTC").unwrap();
    assert_eq!(of(&calendar, "A"), ["2026-01-01T10:00/2026-01-01T14:00"]);
    assert_eq!(of(&calendar, "B"), ["2026-01-01T14:00/2026-01-01T16:00"]);
    assert!(of(&calendar, "C").is_empty());
}

#[test]
fn several_calendars_in_a_text_count_together() {
    let calendar = parse(format!("{OUTLOOK}{GOOGLE}"), "Europe/Berlin").unwrap();
    assert_eq!(why(&calendar, "2026-01-06T08:00:00Z").as_deref(), Some("Weekly deployment (company.ics)"));
    assert_eq!(why(&calendar, "2026-02-04T19:00:00Z").as_deref(), Some("Sprint change (company.ics)"));
}

#[test]
fn a_text_that_is_cut_off_anywhere_is_refused() {
    for text in [OUTLOOK, GOOGLE, EVERYTHING, EMPTY] {
        let complete = text.trim_end();
        for end in 0..complete.len() {
            let error = parse(&complete.as_bytes()[..end], "UTC").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
        }
        parse(complete, "UTC").unwrap();
    }
    let error = refusal("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260101T100000Z\n");
    let expected = "invalid calendar company.ics: line 4: the end of the text; expected END:VEVENT, \
        which began in line 2: \
        the text is cut off";
    assert_eq!(error, expected);
}

#[test]
fn what_is_not_understood_is_refused_with_its_line() {
    let start = "DTSTART:20260101T100000Z";
    for (lines, expected) in [
        ("SUMMARY:no start", "line 2: VEVENT; expected a DTSTART in it"),
        ("DTSTART:yesterday", "line 3: DTSTART:yesterday; expected a date such as 20261221"),
        ("DTSTART:20260230T100000", "line 3: DTSTART:20260230T100000; expected a date"),
        ("DTSTART;VALUE=DATE:20260101T100000", "expected a date such as 20261221"),
        (
            "DTSTART;TZID=Mars/Olympus:20260101T100000",
            "line 3: TZID=Mars/Olympus; expected a zone of the IANA",
        ),
        ("DTSTART;TZID=Europe/Berlin:20260101T100000Z", "expected either a TZID or a time that ends with Z"),
        (&format!("{start}\n{start}"), "line 4: DTSTART; expected one DTSTART in a VEVENT"),
        (&format!("{start}\nDURATION:P1Y"), "line 4: DURATION:P1Y; expected a duration"),
        (&format!("{start}\nDURATION:-PT1H"), "expected a duration that is not negative"),
        (&format!("{start}\nSEQUENCE:first"), "line 4: SEQUENCE:first; expected a number"),
        (&format!("{start}\nRDATE;VALUE=PERIOD:20260101T100000Z/soon"), "expected a date such as"),
        (&format!("{start}\nEXDATE:"), "line 4: EXDATE:; expected a date"),
        (
            &format!("{start}\nRECURRENCE-ID;RANGE=THISANDPRIOR:20260101T100000Z"),
            "expected a RANGE of THISANDFUTURE",
        ),
        (
            &format!("{start}\nno line at all"),
            "line 4: no line at all; expected a line such as NAME;PARAMETER",
        ),
        (&format!("{start}\n:value"), "line 4: :value; expected a line such as"),
        (&format!("{start}\nX;A=\"b\"c:value"), "line 4: X;A=\"b\"c:value; expected a line such as"),
        (&format!("{start}\nEND:VTODO"), "line 4: END:VTODO; expected END:VEVENT, which began in line 2"),
    ] {
        let error = refusal(event(lines));
        assert!(
            error.starts_with("invalid calendar company.ics: line ") && error.contains(expected),
            "{error}"
        );
    }
    for (rule, expected) in [
        ("", "expected NAME=VALUE"),
        ("FREQ", "expected NAME=VALUE"),
        ("COUNT=3", "expected a FREQ"),
        ("FREQ=FORTNIGHTLY", "expected a FREQ"),
        ("FREQ=DAILY;FREQ=WEEKLY", "each once"),
        ("FREQ=DAILY;BYEASTER=1", "expected parts of FREQ, UNTIL"),
        ("RSCALE=HEBREW;FREQ=YEARLY", "expected parts of"),
        ("FREQ=DAILY;BYDAY=", "expected parts of"),
        ("FREQ=DAILY;COUNT=0", "expected a positive number as its COUNT"),
        ("FREQ=DAILY;INTERVAL=-1", "expected a positive number as its INTERVAL"),
        ("FREQ=DAILY;INTERVAL=70000", "expected a rule that is understood"),
        ("FREQ=DAILY;COUNT=3;UNTIL=20270101", "expected either a COUNT or an UNTIL"),
        ("FREQ=DAILY;UNTIL=tomorrow", "expected an UNTIL such as"),
        ("FREQ=WEEKLY;BYDAY=XX", "expected a BYDAY such as"),
        ("FREQ=WEEKLY;BYDAY=xxMO", "expected a BYDAY such as"),
        ("FREQ=WEEKLY;BYDAY=é", "each once and with a value"),
        ("FREQ=MONTHLY;BYDAY=0MO", "expected a BYDAY such as"),
        ("FREQ=WEEKLY;BYDAY=2MO", "only in a month or a year"),
        ("FREQ=MONTHLY;BYDAY=2MO,TU", "then for each of them"),
        ("FREQ=MONTHLY;BYDAY=6MO", "in a month at most five"),
        ("FREQ=YEARLY;BYMONTH=12;BYDAY=20MO", "in a month at most five"),
        ("FREQ=YEARLY;BYDAY=54MO", "expected"),
        ("FREQ=YEARLY;BYMONTH=13", "expected a rule that is understood"),
        ("FREQ=WEEKLY;BYMONTHDAY=3", "expected a rule that is understood"),
        ("FREQ=SECONDLY", "expected a FREQ of HOURLY or longer: this one would be a flood"),
        ("FREQ=MINUTELY;INTERVAL=10", "would be a flood"),
        ("FREQ=DAILY;BYHOUR=1,2,3;BYMINUTE=0,5,10,15,20,25,30,35,40", "would be a flood"),
        ("FREQ=HOURLY", "expected at most 20000 instances of events in four years"),
    ] {
        let error = refusal(event(&format!("DTSTART:20260101T100000Z\nDURATION:PT1M\nRRULE:{rule}")));
        assert!(error.contains("line 5: RRULE:") && error.contains(expected), "{rule}: {error}");
    }
}

#[test]
fn what_is_no_calendar_is_refused() {
    for (text, expected) in [
        (&b""[..], "line 1: the end of the text; expected BEGIN:VCALENDAR"),
        (b"<html>Sign in</html>", "line 1: <html>Sign in</html>; expected BEGIN:VCALENDAR"),
        (b"BEGIN:VEVENT\nEND:VEVENT\n", "line 1: BEGIN:VEVENT; expected BEGIN:VCALENDAR"),
        (b"BEGIN:VCALENDAR\nEND:VCALENDAR\nX:1\n", "line 3: X:1; expected BEGIN:VCALENDAR"),
        (b"BEGIN:VCALENDAR\nX:\xff\nEND:VCALENDAR\n", "line 2: X:\u{fffd}; expected UTF-8"),
        (b"BEGIN:VCALENDAR\nCALSCALE:JULIAN\nEND:VCALENDAR\n", "line 2: CALSCALE:JULIAN; expected GREGORIAN"),
    ] {
        let error = refusal(text);
        assert_eq!(error, format!("invalid calendar company.ics: {expected}"));
    }
    let forged = refusal("X:\u{1b}[2J\u{202e}".to_owned() + &"x".repeat(1000));
    assert!(forged.contains("X:\\u{1b}[2J\\u{202e}xxx") && forged.len() < 300, "{forged}");
    assert!(parse(EMPTY, "Europe/Lodnon").unwrap_err().to_string().starts_with("invalid time zone"));
}

#[test]
fn a_zone_is_found_by_each_of_its_names() {
    for (zone, instant) in [
        ("Europe/Berlin", "2026-07-01T08:00"),
        ("W. Europe Standard Time", "2026-07-01T08:00"),
        ("/example.org/20050126_1/Europe/Berlin", "2026-07-01T08:00"),
        ("Eastern Standard Time", "2026-07-01T14:00"),
        ("UTC", "2026-07-01T10:00"),
    ] {
        let lines = format!("DTSTART;TZID=\"{zone}\":20260701T100000\nDURATION:PT1H");
        let spans = event_in("Asia/Tokyo", &lines);
        assert!(spans[0].starts_with(instant), "{zone}: {spans:?}");
    }
}

#[test]
fn rules_that_never_fit_do_not_hang_and_many_are_refused() {
    let calendar = |count: usize| {
        let event = "BEGIN:VEVENT\nDTSTART;VALUE=DATE:20260101\n\
            RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30\nEND:VEVENT\n";
        format!("BEGIN:VCALENDAR\n{}END:VCALENDAR\n", event.repeat(count))
    };
    assert_eq!(spans(&parse(calendar(1), "UTC").unwrap()).len(), 1);
    let error = refusal(calendar(1000));
    assert!(error.ends_with("expected at most 10 rules that hardly ever fit"), "{error}");
}

#[test]
fn a_flood_is_refused_by_name() {
    let events = |count: usize, lines: &str| {
        let event = format!("BEGIN:VEVENT\nSUMMARY:Flood\nDTSTART;VALUE=DATE:20260101\n{lines}END:VEVENT\n");
        format!("BEGIN:VCALENDAR\n{}END:VCALENDAR\n", event.repeat(count))
    };
    let daily = "RRULE:FREQ=DAILY\n";
    parse(events(10, daily), "UTC").unwrap();
    assert!(
        refusal(events(20, daily))
            .contains("Flood (company.ics); expected at most 20000 instances of events in four years")
    );
    parse(events(10_000, ""), "UTC").unwrap();
    assert!(refusal(events(10_001, "")).ends_with("line 1: 10001 events; expected at most 10000 events"));
    let long_ago = "DTSTART:00010101T000000Z\nRRULE:FREQ=DAILY;COUNT=4000000000";
    assert!(
        refusal(event(long_ago)).ends_with("expected rules that do not repeat as often since so long ago")
    );
    let big = format!("BEGIN:VCALENDAR\nX:{}\nEND:VCALENDAR\n", "x".repeat(17 << 20));
    assert!(refusal(big).contains("expected at most 16777216 bytes"));
    let deep = "BEGIN:VCALENDAR\n".repeat(1_000_000);
    assert!(
        refusal(deep).contains("line 17: BEGIN:VCALENDAR; expected components that nest at most 16 deep")
    );
}

#[test]
fn a_calendar_without_company_events_keeps_its_contract() {
    let weeks = at("2026-03-20T00:00:00Z")..at("2026-05-20T00:00:00Z");
    for text in [OUTLOOK, GOOGLE, EVERYTHING] {
        let company = CompanyCalendar::parse("company.ics", text, "Europe/Berlin", at(READ_AT)).unwrap();
        let hours = BusinessHours::new("Europe/Berlin").unwrap().hours(0, 24).parse_days("mon-sun").unwrap();
        let calendar = hours.except(company);
        contract::calendar::check(&calendar, weeks.clone(), std::time::Duration::from_secs(900))
            .assert_kept();
    }
}
