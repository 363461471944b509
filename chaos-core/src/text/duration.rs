use std::time::Duration;

use jiff::{SignedDuration, Span, SpanRelativeTo};

use crate::error::{Error, Result};

/// Reads a duration as people write it: `5s`, `500ms`, `1m 30s`, `1h30m`, `2 hours`, `400d`.
///
/// Units are required. A day has 24 hours. ISO 8601 (`PT5S`) is read as well.
///
/// # Errors
/// `InvalidInput` for anything else, and for a negative duration.
///
/// ```
/// use std::time::Duration;
/// use chaos_core::text::parse_duration;
///
/// assert_eq!(parse_duration("1m30s")?, Duration::from_secs(90));
/// assert!(parse_duration("5").is_err(), "five what?");
/// # Ok::<(), chaos_core::Error>(())
/// ```
pub fn parse_duration(text: &str) -> Result<Duration> {
    let days = || text.parse::<Span>().and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()));
    let read = text.parse::<SignedDuration>().or_else(|_| days());
    let read = read.ok().and_then(|signed| Duration::try_from(signed).ok());
    read.ok_or_else(|| Error::invalid("duration", format!("{text:?}"), EXPECTED))
}

pub(crate) const EXPECTED: &str = "a duration such as 5s, 500ms or 1m 30s";

/// A duration in one word that [`parse_duration`] reads back: `1m30s`.
pub fn duration_text(duration: Duration) -> String {
    SignedDuration::try_from(duration)
        .map_or_else(|_| format!("{duration:?}"), |duration| format!("{duration:#}").replace(' ', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, milliseconds) in [
            ("5s", 5_000),
            ("500ms", 500),
            ("1m", 60_000),
            ("1m 30s", 90_000),
            ("1m30s", 90_000),
            ("0.5s", 500),
            ("0s", 0),
            ("2d", 172_800_000),
            ("1d 12h", 129_600_000),
        ] {
            let read = Duration::from_millis(milliseconds);
            assert_eq!(parse_duration(text).unwrap(), read, "{text}");
            assert_eq!(parse_duration(&duration_text(read)).unwrap(), read, "{text}");
        }
        for text in ["", "5", "-5s", "-2d", "2 months", "soon", "5 parsecs"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
