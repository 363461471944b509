use std::{fmt, str::FromStr};

use chaos_core::{Error, Result, text::nearest};

use crate::{table::Table, tables::TABLES};

/// The category that is meant if none is named.
pub(crate) const PUBLIC: &str = "public";

/// A calendar of holidays, as `DE`, `DE-BY` or `DE-BY/catholic`.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    pub(crate) table: Table,
    pub(crate) place: &'static str,
    pub(crate) category: Option<&'static str>,
    name: String,
}

impl Code {
    /// The category, `public` unless one is named.
    pub(crate) fn category_or_public(&self) -> &'static str {
        self.category.unwrap_or(PUBLIC)
    }
}

impl FromStr for Code {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (calendar, category) =
            text.split_once('/').map_or((text, None), |(calendar, category)| (calendar, Some(category)));
        let (country, subdivision) =
            calendar.split_once('-').map_or((calendar, None), |(country, of)| (country, Some(of)));
        let found = TABLES.iter().find(|(code, _)| *code == country).map(|(_, text)| Table::of(text));
        let place = match (&found, subdivision) {
            (None, _) => None,
            (Some(_), None) => Some(Table::WHOLE),
            (Some(table), Some(subdivision)) => table.subdivisions().find(|known| *known == subdivision),
        };
        let (Some(table), Some(place)) = (found, place) else {
            let all: Vec<String> = codes().collect();
            return Err(unknown(text, "a country such as DE or a subdivision such as DE-BY", calendar, &all));
        };
        let known: Vec<String> = table.categories().map(str::to_owned).collect();
        let category = match category {
            None => None,
            Some(asked) => match table.categories().find(|known| *known == asked) {
                Some(category) => Some(category),
                None => {
                    return Err(unknown(
                        text,
                        &format!("a category of {country}: {}", known.join(", ")),
                        asked,
                        &known,
                    ));
                }
            },
        };
        Ok(Self { table, place, category, name: text.to_owned() })
    }
}

fn unknown(code: &str, expected: &str, asked: &str, all: &[String]) -> Error {
    let expected = match nearest(asked, all.iter().map(String::as_str)) {
        Some(near) => format!("{expected}; did you mean {near:?}?"),
        None => expected.to_owned(),
    };
    Error::invalid("holidays", format_args!("{code:?}"), expected)
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The code of every calendar, such as `DE` and `DE-BY`, in order.
pub fn codes() -> impl Iterator<Item = String> {
    TABLES.iter().flat_map(|(country, text)| {
        let subdivisions = Table::of(text).subdivisions();
        let subdivisions = subdivisions.map(move |subdivision| format!("{country}-{subdivision}"));
        std::iter::once((*country).to_owned()).chain(subdivisions)
    })
}
