use jiff::civil::Date;

use crate::Holiday;

/// The first and the last year of the tables.
pub(crate) const FIRST: i16 = 2000;
pub(crate) const LAST: i16 = 2050;

/// The last year of the feasts of the Hindu calendar.
const KNOWN: i16 = 2035;

/// The holidays of a country, as `scripts/holiday-tables.py` has written them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table {
    categories: &'static str,
    subdivisions: &'static str,
    /// The places whose feasts are known only until [`KNOWN`].
    cut_off: &'static str,
    /// A line for each name in each category.
    rows: &'static str,
}

impl Table {
    /// The country as a whole, among its subdivisions.
    pub(crate) const WHOLE: &'static str = "=";

    pub(crate) fn of(text: &'static str) -> Self {
        let (categories, rest) = text.split_once('\n').unwrap_or_default();
        let (subdivisions, rest) = rest.split_once('\n').unwrap_or_default();
        let (cut_off, rows) = rest.split_once('\n').unwrap_or_default();
        Self {
            categories: value(categories),
            subdivisions: value(subdivisions),
            cut_off: value(cut_off),
            rows,
        }
    }

    /// Whether all holidays of a place are known in a year, as far as the package tells.
    pub(crate) fn knows(self, place: &str, year: i16) -> bool {
        year <= KNOWN || !self.cut_off.split(',').any(|listed| listed == place)
    }

    pub(crate) fn categories(self) -> impl Iterator<Item = &'static str> {
        self.categories.split(',')
    }

    pub(crate) fn subdivisions(self) -> impl Iterator<Item = &'static str> {
        self.subdivisions.split(',').filter(|code| !code.is_empty())
    }

    /// Every holiday of a place in a category; in each if none is named. In no order.
    pub(crate) fn holidays(
        self,
        place: &'static str,
        category: Option<&str>,
    ) -> impl Iterator<Item = Holiday> {
        let rows = self.rows.lines().filter_map(Row::of);
        let rows = rows.filter(move |row| category.is_none_or(|category| category == row.category));
        rows.filter(move |row| row.is_of(place)).flat_map(|row| {
            row.dates().map(move |date| Holiday { date, name: row.name.to_owned(), category: row.category })
        })
    }
}

/// What stands behind the word of a line.
fn value(line: &'static str) -> &'static str {
    line.split_once('\t').map_or("", |(_, value)| value)
}

#[derive(Clone, Copy)]
struct Row {
    category: &'static str,
    places: &'static str,
    name: &'static str,
    dates: &'static str,
}

impl Row {
    fn of(line: &'static str) -> Option<Self> {
        let mut fields = line.split('\t');
        let [category, places, name, dates] =
            [fields.next()?, fields.next()?, fields.next()?, fields.next()?];
        Some(Self { category, places, name, dates })
    }

    fn is_of(&self, place: &str) -> bool {
        match self.places.strip_prefix('*') {
            Some(without) => !without.trim_start_matches('!').split(',').any(|listed| listed == place),
            None => self.places.split(',').any(|listed| listed == place),
        }
    }

    fn dates(self) -> impl Iterator<Item = Date> {
        let spans = self.dates.split(' ').filter_map(|span| {
            let (years, days) = span.split_once(':')?;
            let (first, last) = years.split_once('-').unwrap_or((years, years));
            Some((first.parse::<i16>().ok()?..=last.parse().ok()?, days))
        });
        spans.flat_map(|(years, days)| {
            years.flat_map(move |year| days.split(',').filter_map(move |day| date(year, day)))
        })
    }
}

/// A date of a year, with month and day as `1225`.
fn date(year: i16, day: &str) -> Option<Date> {
    let (month, day) = day.split_at_checked(2)?;
    Date::new(year, month.parse().ok()?, day.parse().ok()?).ok()
}
