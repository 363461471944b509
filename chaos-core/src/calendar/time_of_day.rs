use std::fmt;

use jiff::civil::Time;

/// The minute after the last one of a day.
pub(super) const END_OF_DAY: u16 = 24 * 60;

/// A time of day in whole minutes, as it was given.
///
/// It converts from a whole hour, an hour and a minute, text such as `"09:30"`, or a [`jiff::civil::Time`]. 24 (`(24,
/// 0)`, `"24:00"`) is the end of the day. Any other value, such as one with seconds, is kept as it was given. A
/// calendar with such a value stays closed and names the value in its [`check`](crate::calendar::Calendar::check).
///
/// ```
/// use chaos_core::calendar::TimeOfDay;
///
/// assert_eq!(TimeOfDay::from(9), TimeOfDay::from("09:00"));
/// assert_eq!(TimeOfDay::from((9, 30)), TimeOfDay::from(jiff::civil::time(9, 30, 0, 0)));
/// assert_eq!(TimeOfDay::from("9.30").to_string(), "\"9.30\"");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeOfDay(Result<u16, String>);

impl TimeOfDay {
    /// The time in minutes after midnight, up to and including [`END_OF_DAY`], or `None` if it is invalid.
    pub(super) fn minutes(&self) -> Option<u16> {
        self.0.as_ref().ok().copied()
    }

    fn new(hour: u8, minute: u8, given: impl FnOnce() -> String) -> Self {
        let minutes = u16::from(hour) * 60 + u16::from(minute);
        if minute < 60 && minutes <= END_OF_DAY { Self(Ok(minutes)) } else { Self(Err(given())) }
    }
}

impl From<u8> for TimeOfDay {
    fn from(hour: u8) -> Self {
        Self::new(hour, 0, || hour.to_string())
    }
}

impl From<(u8, u8)> for TimeOfDay {
    fn from((hour, minute): (u8, u8)) -> Self {
        Self::new(hour, minute, || format!("{hour:02}:{minute:02}"))
    }
}

impl From<&str> for TimeOfDay {
    fn from(text: &str) -> Self {
        let given = || format!("{text:?}");
        match text.split_once(':') {
            Some((hour, minute)) if minute.len() == 2 => match (digits(hour), digits(minute)) {
                (Some(hour), Some(minute)) => Self::new(hour, minute, given),
                _ => Self(Err(given())),
            },
            _ => Self(Err(given())),
        }
    }
}

impl From<Time> for TimeOfDay {
    fn from(time: Time) -> Self {
        if time.second() == 0 && time.subsec_nanosecond() == 0 {
            // The fields of a civil time are never negative.
            Self::new(time.hour().unsigned_abs(), time.minute().unsigned_abs(), || time.to_string())
        } else {
            Self(Err(time.to_string()))
        }
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Ok(minutes) => write!(f, "{:02}:{:02}", minutes / 60, minutes % 60),
            Err(given) => f.write_str(given),
        }
    }
}

/// One or two digits. Unlike `parse`, this accepts nothing else, such as a sign.
fn digits(text: &str) -> Option<u8> {
    let plain = matches!(text.len(), 1 | 2) && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_time_means_the_same_minute() {
        for time in [
            TimeOfDay::from((7, 5)),
            TimeOfDay::from("07:05"),
            TimeOfDay::from("7:05"),
            TimeOfDay::from(jiff::civil::time(7, 5, 0, 0)),
        ] {
            assert_eq!(time.0, Ok(7 * 60 + 5));
            assert_eq!(time.to_string(), "07:05");
        }
        for end in [TimeOfDay::from(24), TimeOfDay::from((24, 0)), TimeOfDay::from("24:00")] {
            assert_eq!(end.0, Ok(END_OF_DAY));
        }
    }

    #[test]
    fn what_is_no_time_keeps_what_was_given() {
        for text in
            ["", "9", "9.30", "9:3", "9:60", "24:01", "25:00", "+9:30", "9:+3", "09:30:00", " 9:30", "٠٩:٣٠"]
        {
            assert_eq!(TimeOfDay::from(text).0, Err(format!("{text:?}")));
        }
        assert_eq!(TimeOfDay::from(25).0, Err("25".to_owned()));
        assert_eq!(TimeOfDay::from(255).0, Err("255".to_owned()));
        assert_eq!(TimeOfDay::from((9, 60)).0, Err("09:60".to_owned()));
        assert_eq!(TimeOfDay::from((24, 1)).0, Err("24:01".to_owned()));
        assert_eq!(TimeOfDay::from(jiff::civil::time(9, 30, 1, 0)).0, Err("09:30:01".to_owned()));
    }
}
