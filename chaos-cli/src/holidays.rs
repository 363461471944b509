//! Lists the holidays of a year, by which a calendar is closed.

use chaos_holidays::{Holiday, year};
use clap::Args;
use serde_json::json;

use crate::{
    program::{ProgramResult, Status, print, print_json},
    table::Table,
};

/// Lists the holidays of a country or of a subdivision in a year
#[derive(Debug, Args)]
#[non_exhaustive]
pub struct HolidaysArguments {
    /// A country (DE), a subdivision (DE-BY), or one category of either (DE-BY/catholic)
    code: String,
    /// The year, from 2000 to 2050
    year: i16,
    /// Prints JSON
    #[arg(long)]
    json: bool,
}

/// Prints the holidays.
///
/// # Errors
/// For a code that is none, and for a year that the tables do not have.
pub fn holidays(arguments: &HolidaysArguments) -> ProgramResult {
    let days = year(&arguments.code, arguments.year)?;
    if arguments.json {
        let day = |day: &Holiday| json!({ "date": day.date, "name": day.name, "category": day.category });
        let days: Vec<_> = days.iter().map(day).collect();
        print_json(&json!({ "code": arguments.code, "year": arguments.year, "days": days }))?;
        return Ok(Status::Done);
    }
    let HolidaysArguments { code, year, .. } = arguments;
    if !code.contains('/') && !days.iter().any(|day| day.category == "public") {
        print(&format!("no holiday of {code} is known in {year}, so a calendar with it is closed all year"))?;
    } else if days.is_empty() {
        print(&format!("no holiday of {code} in {year}"))?;
    }
    if days.is_empty() {
        return Ok(Status::Done);
    }
    let mut table = Table::with_headings(["date", "day", "name", "category"]);
    for day in days {
        let weekday = format!("{:?}", day.date.weekday());
        table.row([day.date.to_string(), weekday, day.name, day.category.to_owned()]);
    }
    print(&table.to_string())?;
    Ok(Status::Done)
}
