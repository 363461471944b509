use chaos_core::{Error, Result, monkey::Forecast, text::escaped};

use super::{
    assemble::{assemble, open_existing_journal},
    feeds::fetch_all,
    file::{MonkeyFile, Pace},
};
use crate::{
    catalogue::Catalogue,
    program::{ProgramResult, Status, print, print_json},
    table::Table,
};

/// The longest preview, in days.
const MOST: u16 = 3660;

/// Shows the dues of the coming days.
pub(super) async fn preview(
    days: &str,
    file: &MonkeyFile,
    catalogue: &Catalogue,
    is_json: bool,
) -> ProgramResult {
    let days = number_of(days)?;
    if let Pace::Every(interval) = file.pace {
        let expected = "a file that has a schedule with a mean";
        return Err(Error::invalid("--preview", format!("every = {interval:?}"), expected).into());
    }
    fetch_all(file.calendar.as_ref()).await;
    let journal = open_existing_journal(file.journal.as_deref()).await?;
    let forecast = assemble(file, catalogue, journal.into(), &[]).await?.monkey.forecast(days).await?;
    if is_json {
        print_json(&forecast)?
    } else {
        print(&text(&forecast, days))?
    }
    Ok(Status::Done)
}

fn number_of(text: &str) -> Result<u16> {
    let days = text.strip_suffix('d').unwrap_or(text).parse().ok().filter(|days| (1..=MOST).contains(days));
    days.ok_or_else(|| Error::invalid("--preview", format!("{text:?}"), format!("from 1d to {MOST}d")))
}

fn text(forecast: &Forecast, days: u16) -> String {
    let Forecast { dues, expected, open_days, .. } = forecast;
    let of = format!("{open_days} of {days} days are open; {expected:.1} dues are to be expected on average");
    let of = match forecast.is_kept {
        true => of,
        false => format!(
            "{of}\nno seed is given or kept yet: these dues are drawn by {}, and will be others",
            forecast.seed
        ),
    };
    if dues.is_empty() {
        return format!("nothing is due\n\n{of}");
    }
    let mut table = Table::with_headings(["at", "group", "day", "open day"]);
    for due in dues {
        let group = escaped(due.group.as_str()).to_string();
        table.row([due.at.to_string(), group, due.day.to_string(), due.open_day.to_string()]);
    }
    format!("{table}\n\n{} dues; {of}", dues.len())
}
