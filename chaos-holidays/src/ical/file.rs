use std::{
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use chaos_core::{
    Error, Result,
    calendar::{Exclusion, Span, time_zone},
};
use jiff::{Timestamp, tz::TimeZone};

use super::company_calendar::{CompanyCalendar, contents, file_name, period};

/// A company calendar in a file that may change. While the file cannot be read or is not understood, everything is left
/// out.
///
/// It watches nothing itself: [`refresh`](Self::refresh) looks at the file. Do that every minute or so, and at least
/// once a year, because events are known for at least two years from the last reading that found something new. It is
/// shared by an [`Arc`](std::sync::Arc).
///
/// ```no_run
/// use chaos_core::{BusinessHours, calendar::CalendarExt};
/// use chaos_holidays::ical::CalendarFile;
/// use std::sync::Arc;
///
/// # fn of(now: jiff::Timestamp) -> chaos_core::Result<()> {
/// let company = Arc::new(CalendarFile::read("company.ics", "Europe/Berlin", now)?);
/// let calendar = BusinessHours::new("Europe/Berlin")?.except(Arc::clone(&company));
/// // Now and then:
/// if let Err(error) = company.refresh(now) {
///     eprintln!("closed, because {}", error.chain());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct CalendarFile {
    path: PathBuf,
    name: String,
    zone: TimeZone,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// As it was last read.
    text: Vec<u8>,
    calendar: Result<CompanyCalendar>,
}

impl CalendarFile {
    /// Reads the file. It blocks until that is done. `zone` is the IANA name of the zone of whole days and of times
    /// that name none.
    ///
    /// # Errors
    /// As [`CompanyCalendar::file`].
    pub fn read(path: impl Into<PathBuf>, zone: &str, at: Timestamp) -> Result<Self> {
        let (path, zone) = (path.into(), time_zone(zone)?);
        let name = file_name(&path);
        let text = contents(&path)?;
        let calendar = Ok(CompanyCalendar::read(&name, &text, &zone, at)?);
        Ok(Self { path, name, zone, state: Mutex::new(State { text, calendar }) })
    }

    /// Reads the file again, and parses it if it has changed or a new year has begun. It blocks until that is done.
    /// Returns whether anything is new.
    ///
    /// # Errors
    /// As [`CompanyCalendar::file`]. From then on everything is left out, with this reason, until it can be read again.
    pub fn refresh(&self, at: Timestamp) -> Result<bool> {
        let text = match contents(&self.path) {
            Ok(text) => text,
            Err(error) => {
                let mut state = self.state();
                state.text.clear();
                state.calendar = Err(error.clone());
                return Err(error);
            }
        };
        {
            let state = self.state();
            match &state.calendar {
                Ok(calendar) if state.text == text && calendar.period() == period(at) => return Ok(false),
                _ => {}
            }
        }
        let calendar = CompanyCalendar::read(&self.name, &text, &self.zone, at);
        let outcome = calendar.as_ref().map(|_| true).map_err(Clone::clone);
        *self.state() = State { text, calendar };
        outcome
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Why everything is left out. None if the file was read.
    pub fn last_error(&self) -> Option<Error> {
        self.state().calendar.as_ref().err().cloned()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Exclusion for CalendarFile {
    fn next(&self, at: Timestamp) -> Option<Span> {
        match &self.state().calendar {
            Ok(calendar) => calendar.next(at),
            Err(error) => Some(Span::ALL.because(error.chain())),
        }
    }
}
