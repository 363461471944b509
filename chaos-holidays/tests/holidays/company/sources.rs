//! Calendars in files that change, and those that are fetched.

use std::{env, fs, path::PathBuf, sync::Arc};

use chaos_core::{
    Calendar, ErrorKind,
    calendar::{Always, CalendarExt, CalendarState, Exclusion},
    error::Error,
};
use chaos_holidays::ical::{CalendarFeed, CalendarFile, CompanyCalendar};

use super::{EMPTY, READ_AT, at, event};

/// A file that is removed at the end.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let file = Self(env::temp_dir().join(format!("chaos-holidays-{}-{name}.ics", std::process::id())));
        file.write(text);
        file
    }

    fn write(&self, text: impl AsRef<[u8]>) {
        fs::write(&self.0, text).unwrap();
    }

    fn name(&self) -> String {
        self.0.file_name().unwrap().to_str().unwrap().to_owned()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        fs::remove_file(&self.0).ok();
    }
}

/// Whether it is closed at an instant, and why.
fn why(exclusion: &Arc<impl Exclusion>, instant: &str) -> Option<String> {
    match Always.except(Arc::clone(exclusion)).state(at(instant)) {
        CalendarState::Open(_) => None,
        CalendarState::Closed(closed) => Some(closed.reason.unwrap()),
    }
}

fn freeze() -> String {
    event("SUMMARY:Freeze\nDTSTART;VALUE=DATE:20260701")
}

const FREEZE: &str = "2026-07-01T12:00:00Z";

#[test]
fn a_file_is_read_anew_when_it_has_changed_and_is_closed_while_it_is_bad() {
    let file = File::new("changes", EMPTY);
    let calendar = Arc::new(CalendarFile::read(&file.0, "UTC", at(READ_AT)).unwrap());
    assert_eq!(calendar.path(), file.0);
    assert_eq!(why(&calendar, FREEZE), None);
    assert!(!calendar.refresh(at(READ_AT)).unwrap());

    file.write(freeze());
    assert_eq!(why(&calendar, FREEZE), None, "not before it is told to look");
    assert!(calendar.refresh(at(READ_AT)).unwrap());
    assert_eq!(why(&calendar, FREEZE), Some(format!("Freeze ({})", file.name())));
    assert_eq!(why(&calendar, "2026-07-02T12:00:00Z"), None);

    // Half of it, as one that is being written.
    let half = freeze();
    file.write(&half[..half.len() / 2]);
    let error = calendar.refresh(at(READ_AT)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(calendar.last_error().unwrap().to_string(), error.to_string());
    let reason = why(&calendar, "2026-07-02T12:00:00Z").unwrap();
    assert!(reason.contains(&file.name()) && reason.contains("line 4"), "{reason}");
    // It goes on to be told.
    assert!(calendar.refresh(at(READ_AT)).is_err());

    fs::remove_file(&file.0).unwrap();
    let error = calendar.refresh(at(READ_AT)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let reason = why(&calendar, "2026-07-02T12:00:00Z").unwrap();
    assert!(reason.contains(&file.name()) && reason.contains("cannot be read: No such file"), "{reason}");

    file.write(freeze());
    assert!(calendar.refresh(at(READ_AT)).unwrap());
    assert!(calendar.last_error().is_none());
    assert_eq!(why(&calendar, "2026-07-02T12:00:00Z"), None);
}

#[test]
fn a_new_year_makes_more_years_known() {
    let file = File::new("years", &freeze());
    let calendar = Arc::new(CalendarFile::read(&file.0, "UTC", at(READ_AT)).unwrap());
    let later = "2029-03-01T12:00:00Z";
    assert!(why(&calendar, later).unwrap().ends_with("are known until 2029-01-01"));
    assert!(!calendar.refresh(at("2026-12-31T23:59:59Z")).unwrap());
    assert!(calendar.refresh(at("2027-01-01T00:00:00Z")).unwrap());
    assert_eq!(why(&calendar, later), None);
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_at_the_start() {
    let missing = env::temp_dir().join("chaos-holidays-no-such-file.ics");
    for error in [
        CompanyCalendar::file(&missing, "UTC", at(READ_AT)).unwrap_err(),
        CalendarFile::read(&missing, "UTC", at(READ_AT)).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains("no-such-file.ics cannot be read"), "{error}");
    }
    let folder = CompanyCalendar::file(env::temp_dir(), "UTC", at(READ_AT)).unwrap_err();
    assert_eq!(folder.kind(), ErrorKind::Unavailable);
    let file = File::new("good", &freeze());
    let calendar = Arc::new(CompanyCalendar::file(&file.0, "UTC", at(READ_AT)).unwrap());
    assert_eq!(calendar.name(), file.name());
    assert_eq!(why(&calendar, FREEZE), Some(format!("Freeze ({})", file.name())));
    assert!(CalendarFile::read(&file.0, "Atlantis", at(READ_AT)).is_err());
}

#[test]
fn a_fetched_copy_counts_for_a_week_and_a_bad_one_replaces_none() {
    let feed = Arc::new(CalendarFeed::new("company", "UTC").unwrap());
    let first = at("2026-06-28T08:00:00Z");
    assert_eq!(why(&feed, FREEZE).as_deref(), Some("there is no good copy of company yet"));
    assert!(feed.is_stale(first) && feed.fetched().is_none());

    assert!(feed.take("<html>Sign in</html>", first).is_err());
    assert!(feed.is_stale(first));
    assert!(feed.last_error().unwrap().to_string().contains("<html>"));

    feed.take(freeze(), first).unwrap();
    assert!(feed.last_error().is_none());
    assert_eq!(feed.fetched(), Some(first));
    assert_eq!(why(&feed, "2026-06-30T12:00:00Z"), None);
    assert_eq!(why(&feed, FREEZE).as_deref(), Some("Freeze (company)"));

    // Neither a bad copy nor none changes what is known.
    assert!(feed.take(&freeze()[..60], first).is_err());
    feed.fail(Error::new(ErrorKind::Unavailable, "the server said 503"));
    assert_eq!(feed.last_error().unwrap().to_string(), "the server said 503");
    assert_eq!(why(&feed, "2026-06-30T12:00:00Z"), None);
    assert_eq!(why(&feed, "2026-07-05T07:59:59Z"), None);
    assert!(!feed.is_stale(at("2026-07-05T07:59:59Z")));

    let stale = "the last good copy of company is a week old, from 2026-06-28T08:00:00Z";
    for instant in ["2026-07-05T08:00:00Z", "2026-08-01T00:00:00Z"] {
        assert_eq!(why(&feed, instant).as_deref(), Some(stale));
        assert!(feed.is_stale(at(instant)));
    }
    // An opening ends when the copy does.
    let window = Always.except(Arc::clone(&feed)).window(at("2026-07-03T00:00:00Z")).unwrap();
    assert_eq!(window.closes, at("2026-07-05T08:00:00Z"));

    feed.take(EMPTY, at("2026-07-06T00:00:00Z")).unwrap();
    assert_eq!(why(&feed, "2026-07-12T00:00:00Z"), None);
    assert_eq!(why(&feed, FREEZE), None);
}

/// An event that is on when the copy ends.
#[test]
fn a_stale_copy_is_closed_beyond_its_events() {
    let feed = Arc::new(CalendarFeed::new("company", "UTC").unwrap());
    feed.take(event("SUMMARY:Long\nDTSTART:20260701T000000Z\nDURATION:P10D"), at("2026-06-28T00:00:00Z"))
        .unwrap();
    assert_eq!(why(&feed, "2026-07-04T00:00:00Z").as_deref(), Some("Long (company)"));
    for instant in ["2026-07-05T00:00:00Z", "2026-07-12T00:00:00Z", "2030-01-01T00:00:00Z"] {
        assert!(why(&feed, instant).unwrap().starts_with("the last good copy of company is a week old"));
    }
}
