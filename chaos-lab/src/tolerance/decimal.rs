use std::cmp::Ordering;

use serde_json::Value;

/// A number as it was written, so that 0.2 lies between 0.2 and 0.4. Binary fractions do not.
///
/// An `f64` counts as the shortest text that reads back as the same number, which is what was written.
#[derive(Clone, Debug)]
pub(super) struct Decimal {
    is_negative: bool,
    /// Without zeros at either end; empty for zero.
    digits: String,
    /// Ten to this power is the value of the first digit.
    magnitude: i64,
}

impl Decimal {
    /// The number that a value is or says: blanks around a text are allowed.
    pub(super) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(value) => Self::parse(if *value { "1" } else { "0" }),
            Value::Number(number) => Self::parse(&number.to_string()),
            Value::String(text) => Self::parse(text.trim()),
            _ => None,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (is_negative, unsigned) = match text.strip_prefix('-') {
            Some(unsigned) => (true, unsigned),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(whole) || !is_number(fraction) || (whole.is_empty() && fraction.is_empty()) {
            return None;
        }
        let all = format!("{whole}{fraction}");
        let significant = all.trim_start_matches('0');
        let leading = all.len() - significant.len();
        let magnitude =
            i64::from(exponent) + i64::try_from(whole.len()).ok()? - 1 - i64::try_from(leading).ok()?;
        let digits = significant.trim_end_matches('0').to_owned();
        Some(Self { is_negative: is_negative && !digits.is_empty(), digits, magnitude })
    }

    fn compare_magnitude(&self, other: &Self) -> Ordering {
        match (self.digits.is_empty(), other.digits.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            // Without zeros at the end, the order of the digits is that of texts.
            (false, false) => {
                self.magnitude.cmp(&other.magnitude).then_with(|| self.digits.cmp(&other.digits))
            }
        }
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.is_negative, other.is_negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.compare_magnitude(other),
            (true, true) => other.compare_magnitude(self),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn decimal(value: Value) -> Decimal {
        Decimal::of(&value).unwrap_or_else(|| panic!("{value} is a number"))
    }

    #[test]
    fn numbers_are_compared_by_what_is_written() {
        let ascending =
            ["-1e3", "-10.5", "-0.2", "0", "1e-400", "0.19999999999999999999", "0.2", "0.3", "1", "1e400"];
        for (index, one) in ascending.iter().enumerate() {
            for (other_index, other) in ascending.iter().enumerate() {
                assert_eq!(
                    decimal(json!(one)).cmp(&decimal(json!(other))),
                    index.cmp(&other_index),
                    "{one} {other}"
                );
            }
        }
        for (one, other) in [
            (json!(0.2), json!("0.20")),
            (json!(1e3), json!("+1000.")),
            (json!(true), json!(1)),
            (json!("-0"), json!(0)),
            (json!(" .5 "), json!(0.5)),
        ] {
            assert_eq!(decimal(one.clone()), decimal(other.clone()), "{one} {other}");
        }
        for none in [
            json!(""),
            json!("a"),
            json!("1 2"),
            json!("."),
            json!("1e"),
            json!(null),
            json!([]),
            json!("1e99999999999"),
        ] {
            assert!(Decimal::of(&none).is_none(), "{none}");
        }
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_numbers(one in any::<i64>(), other in any::<i64>()) {
            prop_assert_eq!(decimal(json!(one)).cmp(&decimal(json!(other))), one.cmp(&other));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,20}") {
            drop(Decimal::of(&json!(text)));
        }
    }
}
