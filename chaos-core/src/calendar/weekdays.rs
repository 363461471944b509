use std::{fmt, ops::RangeInclusive};

use jiff::civil::Weekday;

use super::invalid::Invalid;
use crate::error::{Error, Result};

const NAMES: [(&str, &str, Weekday); 7] = [
    ("mon", "monday", Weekday::Monday),
    ("tue", "tuesday", Weekday::Tuesday),
    ("wed", "wednesday", Weekday::Wednesday),
    ("thu", "thursday", Weekday::Thursday),
    ("fri", "friday", Weekday::Friday),
    ("sat", "saturday", Weekday::Saturday),
    ("sun", "sunday", Weekday::Sunday),
];

/// A non-empty set of weekdays: one bit for each, Monday lowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Weekdays(u8);

impl Weekdays {
    pub(super) const MONDAY_TO_FRIDAY: Self = Self(0b001_1111);

    pub(super) fn new(days: impl IntoIterator<Item = Weekday>) -> Result<Self, Invalid> {
        match days.into_iter().fold(0, |set, day| set | bit(day)) {
            0 => {
                Err(Invalid { field: "weekdays", value: "none".to_owned(), expected: "at least one weekday" })
            }
            set => Ok(Self(set)),
        }
    }

    /// Reads names and ranges, separated by commas, such as `mon-wed, Friday`; a range may cross the end of the week.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let mut days = Vec::new();
        for item in text.split(',') {
            let (first, last) = item.split_once('-').unwrap_or((item, item));
            days.extend(range(weekday(first, text)?..=weekday(last, text)?));
        }
        Self::new(days).map_err(|invalid| invalid.error())
    }

    pub(super) fn contains(self, day: Weekday) -> bool {
        self.0 & bit(day) != 0
    }
}

/// As [`Weekdays::parse`] reads it back.
impl fmt::Display for Weekdays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_in = |index: usize| index < NAMES.len() && self.contains(NAMES[index].2);
        let mut separator = "";
        let mut index = 0;
        while index < NAMES.len() {
            let first = index;
            while is_in(index) {
                index += 1;
            }
            match index - first {
                0 => {}
                1 => write!(f, "{separator}{}", NAMES[first].0)?,
                _ => write!(f, "{separator}{}-{}", NAMES[first].0, NAMES[index - 1].0)?,
            }
            if index > first {
                separator = ",";
            }
            index += 1;
        }
        Ok(())
    }
}

fn bit(day: Weekday) -> u8 {
    1 << day.to_monday_zero_offset()
}

fn range(days: RangeInclusive<Weekday>) -> impl Iterator<Item = Weekday> {
    let (first, last) = days.into_inner();
    first.cycle_forward().take(1 + last.since(first).unsigned_abs() as usize)
}

fn weekday(name: &str, text: &str) -> Result<Weekday> {
    let name = name.trim();
    NAMES
        .iter()
        .find(|(short, long, _)| name.eq_ignore_ascii_case(short) || name.eq_ignore_ascii_case(long))
        .map(|(.., day)| *day)
        .ok_or_else(|| {
            Error::invalid(
                "weekday",
                format_args!("{name:?}"),
                "names and ranges, separated by commas, such as \"mon-wed, friday\"",
            )
            .with("weekdays", text)
        })
}

#[cfg(test)]
mod tests {
    use Weekday::{Friday, Monday, Saturday, Sunday, Tuesday, Wednesday};

    use super::*;

    #[test]
    fn names_and_ranges_are_read() {
        let set = |days: &[Weekday]| Weekdays::new(days.iter().copied()).unwrap();
        for (text, days) in [
            ("mon-fri", Weekdays::MONDAY_TO_FRIDAY),
            ("Mon, TUESDAY ,wed", set(&[Monday, Tuesday, Wednesday])),
            ("fri - mon", set(&[Friday, Saturday, Sunday, Monday])),
            ("sun-sun", set(&[Sunday])),
            ("mon-sun", Weekdays(0b111_1111)),
            ("sun,sun", set(&[Sunday])),
        ] {
            assert_eq!(Weekdays::parse(text).unwrap(), days, "{text}");
        }
    }

    #[test]
    fn a_typo_is_named_with_the_text_around_it() {
        for (text, typo) in [
            ("mon-fri, snu", "snu"),
            ("", ""),
            ("mon,,tue", ""),
            ("mon,", ""),
            ("mon-", ""),
            ("mon-tue-wed", "tue-wed"),
            ("mo", "mo"),
            ("mondays", "mondays"),
            ("mon–fri", "mon–fri"),
            ("1-5", "1"),
        ] {
            let error = Weekdays::parse(text).unwrap_err();
            assert_eq!(error.kind(), crate::error::ErrorKind::InvalidInput);
            assert!(error.to_string().starts_with(&format!("invalid weekday: {typo:?}; ")), "{error}");
            assert_eq!(error.context().collect::<Vec<_>>(), [("weekdays", text)]);
        }
    }

    #[test]
    fn no_weekday_at_all_is_refused() {
        assert_eq!(
            Weekdays::new([]).unwrap_err().error().to_string(),
            "invalid weekdays: none; expected at least one weekday"
        );
    }
}
