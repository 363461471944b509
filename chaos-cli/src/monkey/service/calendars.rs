use std::time::Duration;

use chaos_holidays::ical::CalendarFile;
use jiff::Timestamp;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::monkey::{feeds::fetch_all, file::CalendarSection};

/// How often company calendars in files are looked at.
const REFRESH_EVERY: Duration = Duration::from_secs(30);
/// How often company calendars are fetched from a URL.
const FETCH_EVERY: Duration = Duration::from_secs(15 * 60);

/// Keeps company calendars up to date, beside the loop of the service.
#[derive(Debug)]
pub(super) struct Calendars {
    refreshing: Option<JoinHandle<()>>,
    refresh_at: Option<Timestamp>,
    fetching: Option<JoinHandle<()>>,
    fetch_at: Option<Timestamp>,
}

impl Calendars {
    /// All of them were read and fetched just now.
    pub(super) fn fetched(now: Timestamp) -> Self {
        let (refreshing, fetching) = (None, None);
        let (refresh_at, fetch_at) = (now.checked_add(REFRESH_EVERY).ok(), now.checked_add(FETCH_EVERY).ok());
        Self { refreshing, refresh_at, fetching, fetch_at }
    }

    /// Begins what it is time for.
    pub(super) fn look(&mut self, section: Option<&CalendarSection>, now: Timestamp) {
        let Some(section) = section else { return };
        if is_time(self.refresh_at, self.refreshing.as_ref(), now) {
            self.refresh_at = now.checked_add(REFRESH_EVERY).ok();
            let files = section.files.clone();
            // In a thread, because a file on a share may hang.
            self.refreshing = Some(spawn_blocking(move || files.iter().for_each(|file| refresh(file, now))));
        }
        if is_time(self.fetch_at, self.fetching.as_ref(), now) {
            self.fetch_at = now.checked_add(FETCH_EVERY).ok();
            let section = section.clone();
            self.fetching = Some(tokio::spawn(async move { fetch_all(Some(&section)).await }));
        }
    }
}

fn is_time(at: Option<Timestamp>, working: Option<&JoinHandle<()>>, now: Timestamp) -> bool {
    at.is_none_or(|at| now >= at) && working.is_none_or(JoinHandle::is_finished)
}

fn refresh(file: &CalendarFile, now: Timestamp) {
    let was_well = file.last_error().is_none();
    let path = file.path().display();
    match file.refresh(now) {
        Ok(true) => tracing::info!(file = %path, "a company calendar was read again"),
        Err(error) if was_well => {
            tracing::error!(file = %path, error = %error.chain(), "closed: a company calendar cannot be read");
        }
        Ok(false) | Err(_) => {}
    }
}
