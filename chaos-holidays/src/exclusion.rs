use chaos_core::{
    Result,
    calendar::{Exclusion, Span},
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::{
    code::Code,
    days::{Around, Days},
    table::{FIRST, LAST},
};

/// The holidays of countries and subdivisions, as days that a calendar leaves out, by the clocks of one time zone.
///
/// A day whose date is [only estimated](crate::Holiday::is_estimated) takes its neighbours along. Before 2000, after
/// 2050, and in a year in which a table knows no public holiday, every day is left out. Each span says why, as in
/// `Thanksgiving Day (US)`.
#[derive(Clone, Debug)]
pub struct Holidays {
    zone: TimeZone,
    codes: Vec<Code>,
    around: Around,
    /// In order, and apart.
    spans: Vec<Span>,
}

impl Holidays {
    /// No holidays yet, by the clocks of the zone with this IANA name.
    ///
    /// # Errors
    /// `InvalidInput` for an unknown zone.
    pub fn new(zone: &str) -> Result<Self> {
        Ok(Self {
            zone: chaos_core::calendar::time_zone(zone)?,
            codes: Vec::new(),
            around: Around::default(),
            spans: Vec::new(),
        })
    }

    /// Adds the holidays of a country (`DE`) or of a subdivision with those of its country (`DE-BY`): the public ones,
    /// or those of a category (`DE-BY/catholic`).
    ///
    /// # Errors
    /// `InvalidInput` for a code that is none, with the nearest.
    pub fn of(mut self, code: &str) -> Result<Self> {
        self.codes.push(code.parse()?);
        Ok(self.renewed())
    }

    /// Adds single days between a holiday and a weekend or another holiday. A weekend is Saturday and Sunday.
    #[must_use]
    pub fn bridge_days(mut self) -> Self {
        self.around.has_bridge_days = true;
        self.renewed()
    }

    /// Adds so many days before and after each holiday.
    #[must_use]
    pub fn around(mut self, before: u8, after: u8) -> Self {
        (self.around.before, self.around.after) = (before, after);
        self.renewed()
    }

    fn renewed(mut self) -> Self {
        // In doubt, everything is left out.
        self.spans = spans(&self.zone, &self.codes, self.around).unwrap_or_else(|_| vec![Span::ALL]);
        self
    }
}

fn spans(zone: &TimeZone, codes: &[Code], around: Around) -> Result<Vec<Span>> {
    let (first, last) = (Date::constant(FIRST, 1, 1), Date::constant(LAST, 12, 31));
    let whole = Span::of_dates(zone, first, last)?.unwrap_or(Span::ALL);
    let beyond = format!("the tables of holidays reach from {FIRST} to {LAST}");
    let mut spans = vec![Span::new(Timestamp::MIN, whole.start())?.because(beyond.as_str())];
    for (date, reason) in Days::of(codes, around).0.range(first..=last) {
        // A date that the clocks of the zone have skipped has no span.
        spans.extend(Span::of_dates(zone, *date, *date)?.map(|span| span.because(reason.as_str())));
    }
    spans.push(Span::new(whole.end(), Timestamp::MAX)?.because(beyond.as_str()));
    Ok(spans)
}

impl Exclusion for Holidays {
    fn next(&self, at: Timestamp) -> Option<Span> {
        if self.codes.is_empty() {
            return None;
        }
        let index = self.spans.partition_point(|span| span.start() <= at && !span.contains(at));
        self.spans.get(index).cloned()
    }
}
