//! Arguments of more than one program.

use std::time::Duration;

use chaos_core::{
    clock::{Clock, SystemClock},
    text::parse_duration,
};
use jiff::Timestamp;

/// Parses a duration, such as `5s`, `500ms` or `1m 30s`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|_| "expected a duration such as 5s, 500ms or 1m 30s".to_owned())
}

/// Parses a seed.
pub(crate) fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("expected a whole number from 0 to {} (2^64-1)", u64::MAX))
}

/// Parses a count.
pub(crate) fn count(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| "expected a whole number".to_owned())
}

/// Parses an instant, or how long ago it was.
pub(crate) fn instant(text: &str) -> Result<Timestamp, String> {
    let expected = "expected an instant such as 2026-03-02T09:00:00Z, or how long ago, such as 2h";
    if let Ok(instant) = text.parse() {
        return Ok(instant);
    }
    let ago = duration(text).map_err(|_| expected.to_owned())?;
    SystemClock::default().now().checked_sub(ago).map_err(|_| expected.to_owned())
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn instants_are_absolute_or_ago() {
        assert_eq!(instant("2026-03-02T09:00:00Z"), Ok("2026-03-02T09:00:00Z".parse().unwrap()));
        let since = instant("2h").unwrap();
        let ago = SystemClock::default().now().duration_since(since);
        assert!((SignedDuration::from_secs(7200)..SignedDuration::from_secs(7260)).contains(&ago), "{ago}");
        assert!(instant("yesterday-ish").is_err());
    }
}
