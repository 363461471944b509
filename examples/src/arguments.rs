//! Arguments that more than one program takes.

use std::{sync::Arc, time::Duration};

use chaos_core::{ChaosEvent, Clock, Error, Result, SystemClock};
use chaos_events::{Reboot, Stop, Terminate};
use clap::ValueEnum;
use jiff::{SignedDuration, Timestamp};

/// A built-in event, by the name that plans and journals show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EventName {
    /// Kill the target; its group replaces it
    Terminate,
    /// Halt the target for a while and let it run again
    Stop,
    /// Restart the target
    Reboot,
}

impl EventName {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Terminate => "terminate",
            Self::Stop => "stop",
            Self::Reboot => "reboot",
        }
    }

    /// The event. How long it is held can be said of `stop` alone.
    pub(crate) fn event(self, duration: Option<Duration>) -> Result<Arc<dyn ChaosEvent>> {
        if let (Self::Terminate | Self::Reboot, Some(duration)) = (self, duration) {
            let expected = format!("none, because {} is over at once; stop can be held", self.as_str());
            return Err(Error::invalid("--duration", duration_text(duration), expected));
        }
        Ok(match (self, duration) {
            (Self::Terminate, _) => Arc::new(Terminate::default()),
            (Self::Stop, Some(duration)) => Arc::new(Stop::lasting(duration).map_err(|_| {
                Error::invalid("--duration", duration_text(duration), "more than zero and at most 12h")
            })?),
            (Self::Stop, None) => Arc::new(Stop::default()),
            (Self::Reboot, _) => Arc::new(Reboot::default()),
        })
    }
}

/// `5s`, `500ms`, `1m 30s`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let expected = "expected a duration such as 5s, 500ms or 1m 30s";
    let duration: SignedDuration = text.parse().map_err(|_| expected.to_owned())?;
    Duration::try_from(duration).map_err(|_| expected.to_owned())
}

/// As [`duration`] reads it back, in one word.
pub(crate) fn duration_text(duration: Duration) -> String {
    SignedDuration::try_from(duration)
        .map_or_else(|_| format!("{duration:?}"), |duration| format!("{duration:#}").replace(' ', ""))
}

/// A seed.
pub(crate) fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("expected a whole number from 0 to {} (2^64-1)", u64::MAX))
}

/// How many.
pub(crate) fn count(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| "expected a whole number".to_owned())
}

/// An instant, or how long ago it was.
pub(crate) fn instant(text: &str) -> Result<Timestamp, String> {
    let expected = "expected an instant such as 2026-03-02T09:00:00Z, or how long ago it was, such as 2h";
    if let Ok(instant) = text.parse() {
        return Ok(instant);
    }
    let ago = duration(text).map_err(|_| expected.to_owned())?;
    SystemClock::default().now().checked_sub(ago).map_err(|_| expected.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, milliseconds) in
            [("5s", 5_000), ("500ms", 500), ("1m", 60_000), ("1m 30s", 90_000), ("0.5s", 500)]
        {
            let read = Duration::from_millis(milliseconds);
            assert_eq!(duration(text), Ok(read), "{text}");
            assert_eq!(duration(&duration_text(read)), Ok(read), "{text}");
        }
        for text in ["", "5", "-5s", "soon", "5 parsecs"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn instants_are_absolute_or_ago() {
        assert_eq!(instant("2026-03-02T09:00:00Z"), Ok("2026-03-02T09:00:00Z".parse().unwrap()));
        let since = instant("2h").unwrap();
        let ago = SystemClock::default().now().duration_since(since);
        assert!((SignedDuration::from_secs(7200)..SignedDuration::from_secs(7260)).contains(&ago), "{ago}");
        assert!(instant("yesterday-ish").is_err());
    }

    #[test]
    fn only_stop_can_be_held() {
        let held = Some(Duration::from_secs(5));
        assert_eq!(EventName::Stop.event(held).unwrap().hold().duration(), Duration::from_secs(5));
        for name in [EventName::Terminate, EventName::Reboot] {
            let error = name.event(held).unwrap_err().to_string();
            assert!(error.contains("--duration: 5s") && error.contains(name.as_str()), "{error}");
            assert!(name.event(None).unwrap().hold().is_momentary());
        }
        let error = EventName::Stop.event(Some(Duration::ZERO)).unwrap_err();
        assert!(error.to_string().contains("--duration: 0s"), "{error}");
        let error = EventName::Stop.event(Some(Duration::from_secs(13 * 3600))).unwrap_err();
        assert_eq!(error.to_string(), "invalid --duration: 13h; expected more than zero and at most 12h");
    }

    #[test]
    fn the_names_are_those_of_the_events() {
        for name in EventName::value_variants() {
            assert_eq!(name.event(None).unwrap().name(), name.as_str());
            assert_eq!(name.to_possible_value().unwrap().get_name(), name.as_str());
        }
    }
}
