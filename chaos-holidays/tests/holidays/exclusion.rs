use chaos_core::{
    BusinessHours, Calendar,
    calendar::{Always, CalendarExt, CalendarState, Exclusion, Span},
};
use chaos_holidays::{Holidays, codes, year};
use chaos_testkit::contract;
use jiff::{Timestamp, civil::Date};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Why a date is left out, at noon in UTC.
fn why(holidays: &Holidays, date: &str) -> Option<String> {
    let noon = at(&format!("{date}T12:00:00Z"));
    match Always.except(holidays.clone()).state(noon) {
        CalendarState::Open(_) => None,
        CalendarState::Closed(closed) => Some(closed.reason.unwrap()),
    }
}

fn of(codes: &[&str]) -> Holidays {
    codes.iter().fold(Holidays::new("UTC").unwrap(), |holidays, code| holidays.of(code).unwrap())
}

#[test]
fn holidays_of_country_subdivision_and_category_are_left_out_by_name() {
    for (codes, date, expected) in [
        (&["US"][..], "2026-11-26", Some("Thanksgiving Day (US)")),
        (&["US"], "2026-11-27", None),
        // New Year's Day of 2028 is a Saturday.
        (&["US"], "2027-12-31", Some("New Year's Day (observed) (US)")),
        (&["DE"], "2026-01-06", None),
        (&["DE-BY"], "2026-01-06", Some("Epiphany (DE-BY)")),
        (&["DE-BY"], "2026-05-01", Some("Labor Day (DE-BY)")),
        (&["DE-BY"], "2026-08-15", None),
        (&["DE-BY", "DE-BY/catholic"], "2026-08-15", Some("Assumption Day (DE-BY/catholic)")),
        (&["DE-BY/catholic"], "2026-05-01", None),
        (&["DE", "US"], "2026-10-03", Some("German Unity Day (DE)")),
    ] {
        assert_eq!(why(&of(codes), date).as_deref(), expected, "{codes:?} on {date}");
    }
    assert_eq!(Holidays::new("UTC").unwrap().next(at("2026-12-25T00:00:00Z")), None);
}

#[test]
fn a_day_is_that_of_the_zone() {
    let holidays = Holidays::new("Europe/Berlin").unwrap().of("DE").unwrap();
    let christmas = holidays.next(at("2026-12-24T23:00:00Z")).unwrap();
    assert_eq!(
        (christmas.start(), christmas.end()),
        (at("2026-12-24T23:00:00Z"), at("2026-12-25T23:00:00Z"))
    );
    assert_eq!(holidays.next(at("2026-12-24T22:59:59Z")), Some(christmas));
}

#[test]
fn where_a_table_has_nothing_to_say_everything_is_left_out() {
    let beyond = "the tables of holidays reach from 2000 to 2050";
    for (code, date, expected) in [
        ("DE", "1999-12-31", Some(beyond)),
        ("DE", "2050-12-27", None),
        ("DE", "2051-01-01", Some(beyond)),
        ("DE", "9000-01-01", Some(beyond)),
        ("UA", "2021-06-15", None),
        ("UA", "2023-06-15", Some("the holidays of UA are not known in 2023")),
        ("LK", "2027-06-15", Some("the holidays of LK are not known in 2027")),
        // The package knows only the fixed days.
        ("IN", "2035-06-13", None),
        ("IN", "2036-06-13", Some("the holidays of IN are not known in 2036")),
        ("FJ", "2036-06-13", Some("the holidays of FJ are not known in 2036")),
        ("US", "2036-06-13", None),
        // Without any of this category, but with public ones.
        ("US/half_day", "2026-06-15", None),
    ] {
        assert_eq!(why(&of(&[code]), date).as_deref(), expected, "{code} on {date}");
    }
    assert_eq!(of(&["DE"]).next(Timestamp::MAX).map(|span| span.end()), Some(Timestamp::MAX));
    assert!(of(&["DE"]).next(Timestamp::MIN).unwrap().contains(Timestamp::MIN));
}

/// The moon may be seen a day earlier or later.
#[test]
fn an_estimated_day_takes_its_neighbours_along() {
    let holidays = of(&["EG"]);
    let days = year("EG/public", 2028).unwrap();
    let estimated: Vec<Date> = days.iter().filter(|day| day.is_estimated()).map(|day| day.date).collect();
    let first = *estimated.first().unwrap();
    let before = why(&holidays, &first.yesterday().unwrap().to_string()).unwrap();
    assert!(before.starts_with("the day before ") && before.ends_with("(estimated) (EG)"), "{before}");
    let last = *estimated.last().unwrap();
    let after = why(&holidays, &last.tomorrow().unwrap().to_string()).unwrap();
    assert!(after.starts_with("the day after "), "{after}");
    let two_later = last.tomorrow().and_then(Date::tomorrow).unwrap();
    assert_eq!(why(&holidays, &two_later.to_string()), None);
}

#[test]
fn bridge_days_and_days_around_are_left_out_if_that_is_asked_for() {
    let holidays = of(&["DE-BY"]);
    let (bridges, around) = (holidays.clone().bridge_days(), holidays.clone().around(2, 1));
    for (date, plain, bridge, near) in [
        // Ascension Day is a Thursday, and Epiphany a Tuesday.
        (
            "2026-05-15",
            None,
            Some("a bridge day beside Ascension Day (DE-BY)"),
            Some("the day after Ascension Day (DE-BY)"),
        ),
        (
            "2026-01-05",
            None,
            Some("a bridge day beside Epiphany (DE-BY)"),
            Some("the day before Epiphany (DE-BY)"),
        ),
        ("2026-05-12", None, None, Some("2 days before Ascension Day (DE-BY)")),
        ("2026-05-16", None, None, None),
        // Between Sunday and Epiphany of 2027, which is a Wednesday, are two days.
        ("2027-01-05", None, None, Some("the day before Epiphany (DE-BY)")),
        // A Friday between Christmas and the weekend has a holiday of its own.
        (
            "2026-12-25",
            Some("Christmas Day (DE-BY)"),
            Some("Christmas Day (DE-BY)"),
            Some("Christmas Day (DE-BY)"),
        ),
    ] {
        let seen = [&holidays, &bridges, &around].map(|holidays| why(holidays, date));
        assert_eq!(seen.each_ref().map(Option::as_deref), [plain, bridge, near], "{date}");
    }
}

#[test]
fn what_is_no_calendar_is_refused_with_the_nearest() {
    for (code, expected) in [
        ("DE-BX", "did you mean \"DE-BB\"?"),
        ("de", "did you mean \"DE\"?"),
        ("DE-BY/cathlic", "expected a category of DE: catholic, public, school; did you mean \"catholic\"?"),
        ("Atlantis", "expected a country such as DE or a subdivision such as DE-BY"),
        ("", "expected a country"),
        ("US-", "expected a country"),
        ("US-=", "expected a country"),
        ("US/", "expected a category of US"),
    ] {
        let error = Holidays::new("UTC").unwrap().of(code).unwrap_err().to_string();
        assert!(error.starts_with(&format!("invalid holidays: {code:?}; ")), "{error}");
        assert!(error.contains(expected), "{error}");
    }
    assert!(Holidays::new("Europe/Lodnon").is_err());
    assert!(year("DE", 2051).unwrap_err().to_string().contains("2051"));
    assert_eq!(codes().count(), 250 + 651);
}

#[test]
fn a_calendar_without_holidays_keeps_its_contract() {
    let weeks = at("2026-12-18T00:00:00Z")..at("2027-01-08T00:00:00Z");
    for holidays in [of(&["DE-BY"]).bridge_days(), of(&["TR", "US"]).around(1, 1), of(&["UA"])] {
        let hours = BusinessHours::new("Europe/Berlin").unwrap().hours(9, 15);
        let calendar = hours.except(holidays.clone());
        contract::calendar::check(&calendar, weeks.clone(), std::time::Duration::from_secs(300))
            .assert_kept();
    }
}

/// Each span is the first that contains an instant or follows it.
#[test]
fn the_spans_are_in_order_and_apart() {
    let holidays = of(&["TR", "UA", "DE-BY"]).around(1, 2).bridge_days();
    let (mut instant, mut before): (Timestamp, Option<Span>) = (Timestamp::MIN, None);
    let mut count = 0;
    while let Some(span) = holidays.next(instant) {
        assert!(before.is_none_or(|before| before.end() <= span.start()), "{span:?}");
        instant = span.end();
        before = Some(span);
        count += 1;
        if instant == Timestamp::MAX {
            break;
        }
    }
    assert!(count > 28 * 365, "the years of Ukraine without a table: {count}");
}
