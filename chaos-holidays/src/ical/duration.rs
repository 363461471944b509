use jiff::SignedDuration;

/// How long an event lasts.
///
/// Its end is the later one of two: what the clocks show after `wall`, and `exact` after what they show after
/// `nominal`. They differ only if the clocks change meanwhile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Length {
    pub(super) wall: SignedDuration,
    pub(super) nominal: SignedDuration,
    pub(super) exact: SignedDuration,
}

impl Length {
    pub(super) const DAY: Self = Self::of_days(1);

    /// Whole days, which have as many hours as the clocks say.
    pub(super) const fn of_days(days: i64) -> Self {
        let days = SignedDuration::from_hours(24 * days);
        Self { wall: days, nominal: days, exact: SignedDuration::ZERO }
    }

    /// The longer one, which may be longer than it lasts.
    pub(super) fn longest(&self) -> SignedDuration {
        self.wall.max(self.nominal.saturating_add(self.exact))
    }

    /// The longer one of two.
    pub(super) fn max(self, other: Self) -> Self {
        if self.wall < other.wall { other } else { self }
    }

    pub(super) fn is_negative(&self) -> bool {
        self.wall.is_negative()
    }
}

/// Reads a duration such as `PT1H30M`, `P1DT12H` or `-P2W`: whole days, and seconds.
///
/// See [RFC 5545, 3.3.6](https://www.rfc-editor.org/rfc/rfc5545#section-3.3.6).
pub(super) fn duration(text: &str) -> Option<Length> {
    let (sign, text) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let (days, time) = match text.strip_prefix('P')?.split_once('T') {
        Some((_, "")) => return None,
        Some((days, time)) => (days, time),
        None => (text.strip_prefix('P')?, ""),
    };
    if days.is_empty() && time.is_empty() {
        return None;
    }
    let days = sign * sum(days, &[('W', 7), ('D', 1)])?;
    let seconds = SignedDuration::from_secs(sign * sum(time, &[('H', 3600), ('M', 60), ('S', 1)])?);
    let nominal = SignedDuration::from_hours(24 * days);
    Some(Length { wall: nominal.checked_add(seconds)?, nominal, exact: seconds })
}

/// Adds up numbers with units, which come in this order.
fn sum(mut text: &str, units: &[(char, i64)]) -> Option<i64> {
    let mut sum = 0_i64;
    let mut units = units.iter();
    while !text.is_empty() {
        let digits = text.find(|character: char| !character.is_ascii_digit())?;
        // Far beyond the years of any calendar.
        let number: u32 = text[..digits].parse().ok()?;
        let unit = text[digits..].chars().next()?;
        let (_, size) = units.find(|(known, _)| *known == unit)?;
        sum = sum.checked_add(i64::from(number) * size)?;
        text = &text[digits + unit.len_utf8()..];
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_other_text_is_not() {
        for (text, days, seconds) in [
            ("PT1H30M", 0, 5400),
            ("P1D", 1, 0),
            ("P1DT12H", 1, 43_200),
            ("P2W", 14, 0),
            ("-PT15M", 0, -900),
            ("+P15DT5H0M20S", 15, 18_020),
            ("PT0S", 0, 0),
        ] {
            let length = duration(text).unwrap();
            assert_eq!(
                (length.nominal, length.exact),
                (SignedDuration::from_hours(24 * days), SignedDuration::from_secs(seconds)),
                "{text}"
            );
            assert_eq!(length.wall, length.nominal + length.exact);
        }
        for text in [
            "",
            "P",
            "PT",
            "P1",
            "1D",
            "P1DT",
            "P1Y",
            "P1M",
            "PT1D",
            "PT1M1H",
            "P1.5D",
            "P-1D",
            "PT99999999999H",
            "Pé",
            "é",
        ] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
