use std::fmt;

use super::{
    invalid::Invalid,
    time_of_day::{END_OF_DAY, TimeOfDay},
};

/// The half-open hours of a day, in minutes after midnight. The two ends always differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hours {
    pub(super) opens: u16,
    pub(super) closes: u16,
}

impl Hours {
    pub(super) const NINE_TO_FIVE: Self = Self { opens: 9 * 60, closes: 17 * 60 };

    pub(super) fn new(opens: &TimeOfDay, closes: &TimeOfDay) -> Result<Self, Invalid> {
        let hours = Self {
            opens: opens.minutes().filter(|minutes| *minutes < END_OF_DAY).ok_or_else(|| Invalid {
                field: "opening time",
                value: opens.to_string(),
                expected: "a time from 00:00 to 23:59 in whole minutes, such as 9, (9, 30) or \"09:30\"",
            })?,
            closes: closes.minutes().ok_or_else(|| Invalid {
                field: "closing time",
                value: closes.to_string(),
                expected: "a time from 00:00 to 24:00 in whole minutes, such as 17, (17, 30) or \"17:30\"",
            })?,
        };
        if hours.opens == hours.closes {
            return Err(Invalid {
                field: "hours",
                value: format!("{opens} to {closes}"),
                expected: "two different times; 00:00 to 24:00 is the whole day",
            });
        }
        Ok(hours)
    }

    /// Whether a span closes on the day after the one on which it opens.
    pub(super) fn over_midnight(self) -> bool {
        self.opens > self.closes
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { opens, closes } = self;
        write!(f, "{:02}:{:02}-{:02}:{:02}", opens / 60, opens % 60, closes / 60, closes % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_name_the_field_at_fault() {
        let refused = |opens: &str, closes: &str| {
            let invalid = Hours::new(&opens.into(), &closes.into()).unwrap_err();
            (invalid.field, invalid.value)
        };
        assert_eq!(refused("24:00", "9:00"), ("opening time", "24:00".to_owned()));
        assert_eq!(refused("x", "y"), ("opening time", "\"x\"".to_owned()));
        assert_eq!(refused("9:00", "y"), ("closing time", "\"y\"".to_owned()));
        assert_eq!(refused("9:00", "09:00"), ("hours", "09:00 to 09:00".to_owned()));
        assert_eq!(refused("0:00", "0:00"), ("hours", "00:00 to 00:00".to_owned()));
    }
}
