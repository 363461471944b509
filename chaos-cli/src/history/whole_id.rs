use std::{collections::BTreeSet, fmt, str::FromStr};

use chaos_core::{Error, Result};

/// The full id: `wanted` itself, or the one of `ids` with `wanted` as its path or last part.
pub(super) fn whole_id<Id: FromStr + Ord + fmt::Display>(
    argument: &str,
    wanted: &str,
    example: &str,
    ids: impl IntoIterator<Item = Id>,
) -> Result<Id> {
    if let Ok(id) = wanted.parse() {
        return Ok(id);
    }
    let is_meant = |id: &Id| {
        let id = id.to_string();
        id.ends_with(&format!(":{wanted}")) || id.ends_with(&format!("/{wanted}"))
    };
    let mut meant: BTreeSet<Id> = ids.into_iter().filter(is_meant).collect();
    if meant.len() > 1 {
        let ids: Vec<String> = meant.iter().map(ToString::to_string).collect();
        return Err(Error::invalid(argument, format!("{wanted:?}"), format!("one of: {}", ids.join(", "))));
    }
    meant.pop_first().ok_or_else(|| {
        let expected = format!("an id such as {example}, or the last part of one in the journal");
        Error::invalid(argument, format!("{wanted:?}"), expected)
    })
}
