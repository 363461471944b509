//! Company calendars: the events of an iCalendar file, as time in which no chaos is welcome.
//!
//! [`CompanyCalendar`] is an [`Exclusion`](chaos_core::calendar::Exclusion) of the events of one text. It never
//! changes. A monkey that keeps running reads a file anew through a [`CalendarFile`]; one that fetches a URL hands each
//! copy to a [`CalendarFeed`].
//!
//! It reads [RFC 5545](https://www.rfc-editor.org/rfc/rfc5545): events with recurrence rules (`RRULE`), additional and
//! excepted dates (`RDATE`, `EXDATE`), moved and cancelled instances (`RECURRENCE-ID`, also with
//! `RANGE=THISANDFUTURE`). It knows the zones of the IANA, those that Outlook names, and those that the file describes.
//! Times without a zone and whole days are those of the zone that you give, whatever `X-WR-TIMEZONE` says.
//!
//! In doubt it is closed:
//!
//! - A text that is cut off, a line that is none, and a zone or a rule that is not understood are errors. No part of
//!   such a text is used.
//! - Transparent and tentative events count, because the big providers mark their holidays as transparent. Cancelled
//!   ones do not count. A text without any event leaves nothing out.
//! - An event lasts as long by the clock as it does in seconds, or longer: if clocks change meanwhile, the later end
//!   counts. A time that the clocks show twice begins the first time and ends the second time.
//! - Events are known from the start of the year before that of reading to the end of the second year after it. Before
//!   and after, everything is left out.
//! - A rule without an end is followed to the end of that time. A file with more than 10,000 events, with more than
//!   20,000 instances, or with a rule that repeats within the hour, is refused.

mod company_calendar;
mod duration;
mod event;
mod feed;
mod file;
mod instances;
mod lines;
mod misread;
mod moment;
mod observances;
mod reason;
mod rule;
mod series;
mod transitions;
mod work;
mod zone;
mod zones;

pub use company_calendar::CompanyCalendar;
pub use feed::CalendarFeed;
pub use file::CalendarFile;
