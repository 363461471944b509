use std::sync::Arc;

use super::misread::shown;

/// How many characters of a summary are shown.
const LONGEST: usize = 80;

/// Why it is closed during an event, as in `Code freeze (company.ics)`. A summary comes from anybody who may write to
/// the calendar.
pub(super) fn reason(summary: Option<&str>, name: &str) -> Arc<str> {
    match summary.map(str::trim) {
        None | Some("") => format!("an event without a summary ({name})").into(),
        Some(summary) => format!("{} ({name})", shown(summary, LONGEST)).into(),
    }
}
