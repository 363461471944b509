use chaos_core::{Error, Result};

use crate::{
    Holiday,
    code::Code,
    table::{FIRST, LAST},
};

/// The holidays of a year, by date: of one category for a code such as `DE-BY/catholic`, otherwise of all of them.
///
/// ```
/// let days = chaos_holidays::year("DE-BY/public", 2026)?;
/// let told: Vec<String> = days.iter().map(|day| format!("{} {} ({})", day.date, day.name, day.category)).collect();
/// assert_eq!(told[..2], ["2026-01-01 New Year's Day (public)", "2026-01-06 Epiphany (public)"]);
/// # Ok::<(), chaos_core::Error>(())
/// ```
///
/// # Errors
/// `InvalidInput` for a code that is none, with the nearest, and for a year before 2000 or after 2050.
pub fn year(code: &str, year: i16) -> Result<Vec<Holiday>> {
    if !(FIRST..=LAST).contains(&year) {
        let expected = format!("one from {FIRST} to {LAST}, which the tables have");
        return Err(Error::invalid("year", year, expected));
    }
    let mut of_year = holidays(code)?;
    of_year.retain(|holiday| holiday.date.year() == year);
    Ok(of_year)
}

/// As [`year`], of every year that the tables have.
///
/// # Errors
/// `InvalidInput` for a code that is none, with the nearest.
pub fn holidays(code: &str) -> Result<Vec<Holiday>> {
    let code: Code = code.parse()?;
    let mut holidays: Vec<Holiday> = code.table.holidays(code.place, code.category).collect();
    holidays.sort_unstable();
    Ok(holidays)
}
