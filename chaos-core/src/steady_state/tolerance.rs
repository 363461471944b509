use std::{
    fmt,
    ops::{Range, RangeFrom, RangeInclusive, RangeTo, RangeToInclusive},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use serde_json::Value;

use super::{
    Reading,
    judgement::{Look, Shown, cut},
};
use crate::{
    error::{Error, ErrorKind, Failure, Result},
    text::{duration_text, escaped},
};

/// The readings that are normal.
///
/// It comes from a boolean, an integer, a text or a range of numbers, and from the functions below. Every tolerance
/// judges every value: one of another type is not met. No tolerance accepts [`Reading::NoAnswer`].
///
/// ```
/// use std::time::Duration;
/// use chaos_core::steady_state::{Look, Tolerance};
/// use serde_json::json;
///
/// let ok = Tolerance::from(200);
/// assert_eq!(ok.judge(&Look::of(&json!(503))), Err("503, expected 200".to_owned()));
///
/// let most = Tolerance::from(0.99..);
/// assert_eq!(most.judge(&Look::of(&json!("99%"))), Err(r#""99%" is a text, expected at least 0.99"#.to_owned()));
///
/// let fast = Tolerance::all([Tolerance::from(200), Tolerance::within(Duration::from_millis(300))]);
/// let value = json!(200);
/// let look = Look::of(&value).took(Duration::from_millis(450));
/// assert_eq!(fast.judge(&look), Err("took 450ms, expected within 300ms".to_owned()));
/// ```
#[derive(Clone)]
pub struct Tolerance(Rule);

#[derive(Clone)]
enum Rule {
    Is(Value),
    OneOf(Vec<Value>),
    Range(Bounds),
    All(Vec<Tolerance>),
    Any(Vec<Tolerance>),
    Within(Duration),
    NoMoreThanBefore(f64),
    By(Arc<str>, Arc<dyn Fn(&Look<'_>) -> bool + Send + Sync>),
}

/// The numbers from the least, which is included, to the most.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    least: Option<f64>,
    most: Option<f64>,
    has_most: bool,
}

/// The judgement on one look.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Judgement {
    Met,
    NotMet(String),
    /// Nobody could look, or nobody can judge.
    Unknown(Failure),
}

impl Tolerance {
    /// This value. Numbers are compared by value: 200 is 200.0.
    pub fn is(value: impl Into<Value>) -> Self {
        Self(Rule::Is(value.into()))
    }

    /// One of these values.
    pub fn one_of<V: Into<Value>>(values: impl IntoIterator<Item = V>) -> Self {
        Self(Rule::OneOf(values.into_iter().map(Into::into).collect()))
    }

    /// This number or more.
    pub fn at_least(least: impl Into<f64>) -> Self {
        Self::numbers(Some(least.into()), None, true)
    }

    /// This number or less.
    pub fn at_most(most: impl Into<f64>) -> Self {
        Self::numbers(None, Some(most.into()), true)
    }

    /// A number between these, both included.
    pub fn between(least: impl Into<f64>, most: impl Into<f64>) -> Self {
        Self::numbers(Some(least.into()), Some(most.into()), true)
    }

    /// Each of these.
    pub fn all<T: Into<Self>>(tolerances: impl IntoIterator<Item = T>) -> Self {
        Self(Rule::All(tolerances.into_iter().map(Into::into).collect()))
    }

    /// At least one of these.
    pub fn any<T: Into<Self>>(tolerances: impl IntoIterator<Item = T>) -> Self {
        Self(Rule::Any(tolerances.into_iter().map(Into::into).collect()))
    }

    /// Any value, if the look took no longer than this.
    pub fn within(limit: Duration) -> Self {
        Self(Rule::Within(limit))
    }

    /// A number that is at most `factor` times the median of the numbers seen before the injection. Before it, every
    /// number is normal.
    pub fn no_more_than_before(factor: impl Into<f64>) -> Self {
        Self(Rule::NoMoreThanBefore(factor.into()))
    }

    /// The looks that `is_met` accepts. `text` completes "expected ", as in "an even number". If it panics, the result
    /// is a doubt.
    pub fn by(text: impl Into<String>, is_met: impl Fn(&Look<'_>) -> bool + Send + Sync + 'static) -> Self {
        Self(Rule::By(text.into().into(), Arc::new(is_met)))
    }

    fn numbers(least: Option<f64>, most: Option<f64>, has_most: bool) -> Self {
        Self(Rule::Range(Bounds { least, most, has_most }))
    }

    /// Judges a look at a system that answered.
    ///
    /// # Errors
    /// Why it is not normal, as in "503, expected 200".
    pub fn judge(&self, look: &Look<'_>) -> Result<(), String> {
        match self.judged(look) {
            Judgement::Met => Ok(()),
            Judgement::NotMet(why) => Err(why),
            Judgement::Unknown(failure) => Err(failure.to_string()),
        }
    }

    /// Judges any reading.
    pub(super) fn judge_reading(&self, reading: &Reading, took: Duration, normal: Option<f64>) -> Judgement {
        match reading {
            Reading::Value(value) => self.judged(&Look { value, took, normal }),
            Reading::NoAnswer(why) => {
                Judgement::NotMet(format!("no answer: {}; expected {self}", escaped(&cut(why))))
            }
        }
    }

    fn judged(&self, look: &Look<'_>) -> Judgement {
        let value = look.value;
        let is_met = match &self.0 {
            Rule::Is(expected) => is_same(value, expected),
            Rule::OneOf(expected) => expected.iter().any(|expected| is_same(value, expected)),
            Rule::Range(bounds) => match value.as_f64() {
                Some(number) => bounds.contain(number),
                None => return self.wrong_type(value),
            },
            Rule::All(tolerances) => {
                let judged: Vec<_> = tolerances.iter().map(|tolerance| tolerance.judged(look)).collect();
                let wrong = judged.iter().find(|judged| matches!(judged, Judgement::NotMet(_)));
                let wrong = wrong.or_else(|| judged.iter().find(|judged| **judged != Judgement::Met));
                return wrong.cloned().unwrap_or(Judgement::Met);
            }
            Rule::Any(tolerances) => {
                let judged: Vec<_> = tolerances.iter().map(|tolerance| tolerance.judged(look)).collect();
                let unknown = judged.iter().find(|judged| matches!(judged, Judgement::Unknown(_)));
                if let (Some(unknown), false) = (unknown, judged.contains(&Judgement::Met)) {
                    return unknown.clone();
                }
                judged.contains(&Judgement::Met)
            }
            Rule::Within(limit) if look.took > *limit => {
                let took = duration_text(Duration::from_millis(
                    u64::try_from(look.took.as_millis()).unwrap_or(u64::MAX),
                ));
                return Judgement::NotMet(format!("took {took}, expected {self}"));
            }
            Rule::Within(_) => true,
            Rule::NoMoreThanBefore(factor) => match (value.as_f64(), look.normal) {
                (None, _) => return self.wrong_type(value),
                (Some(number), Some(normal)) if number > factor * normal => {
                    return Judgement::NotMet(format!("{number}, expected {self}, which is {normal}"));
                }
                (Some(_), _) => true,
            },
            Rule::By(..) => match self.asked(look) {
                Ok(is_met) => is_met,
                Err(failure) => return Judgement::Unknown(failure),
            },
        };
        if is_met { Judgement::Met } else { Judgement::NotMet(format!("{}, expected {self}", Shown(value))) }
    }

    fn wrong_type(&self, value: &Value) -> Judgement {
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a text",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        Judgement::NotMet(format!("{} is {kind}, expected {self}", Shown(value)))
    }

    /// Asks the user's closure, which may panic.
    fn asked(&self, look: &Look<'_>) -> Result<bool, Failure> {
        let Rule::By(text, is_met) = &self.0 else { return Ok(true) };
        catch_unwind(AssertUnwindSafe(|| is_met(look))).map_err(|_| {
            let what = format!("the tolerance {:?} panicked", cut(text));
            Failure::new(ErrorKind::Panicked, what)
        })
    }

    /// Whether it makes sense. [`build`](crate::monkey::MonkeyBuilder::build) calls it.
    ///
    /// # Errors
    /// `InvalidInput` that says what is wrong with it: an empty list, bounds that are infinite or in the wrong order,
    /// or a zero.
    pub fn check(&self) -> Result<()> {
        let invalid = |expected: &str| Err(Error::invalid("tolerance", self, expected));
        match &self.0 {
            Rule::Is(_) | Rule::By(..) => Ok(()),
            Rule::OneOf(values) if values.is_empty() => invalid("at least one value"),
            Rule::OneOf(_) => Ok(()),
            Rule::Range(bounds) => match (bounds.least, bounds.most) {
                (least, most) if [least, most].into_iter().flatten().any(|bound| !bound.is_finite()) => {
                    invalid("finite bounds")
                }
                (Some(least), Some(most)) if least > most || (least == most && !bounds.has_most) => {
                    invalid("a range from the lesser to the greater number")
                }
                _ => Ok(()),
            },
            Rule::All(tolerances) | Rule::Any(tolerances) if tolerances.is_empty() => {
                invalid("at least one tolerance")
            }
            Rule::All(tolerances) | Rule::Any(tolerances) => tolerances.iter().try_for_each(Self::check),
            Rule::Within(limit) if limit.is_zero() => invalid("more than zero"),
            Rule::Within(_) => Ok(()),
            Rule::NoMoreThanBefore(factor) if !(factor.is_finite() && *factor > 0.0) => {
                invalid("a finite factor of more than zero")
            }
            Rule::NoMoreThanBefore(_) => Ok(()),
        }
    }
}

impl Bounds {
    fn contain(self, number: f64) -> bool {
        let is_low = self.least.is_some_and(|least| number < least);
        let is_high =
            self.most.is_some_and(|most| if self.has_most { number > most } else { number >= most });
        !(is_low || is_high)
    }
}

/// Whether two values are equal; numbers by their value.
fn is_same(value: &Value, expected: &Value) -> bool {
    match (value, expected) {
        (Value::Number(value), Value::Number(expected)) => {
            value == expected || (value.is_f64() || expected.is_f64()) && value.as_f64() == expected.as_f64()
        }
        _ => value == expected,
    }
}

/// Completes "expected ".
impl fmt::Display for Tolerance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Rule::Is(value) => Shown(value).fmt(f),
            Rule::OneOf(values) => {
                f.write_str("one of ")?;
                listed(f, values.iter().map(Shown), ", ")
            }
            Rule::Range(Bounds { least, most, has_most }) => match (least, most, has_most) {
                (Some(least), Some(most), true) => write!(f, "from {least} to {most}"),
                (Some(least), Some(most), false) => write!(f, "at least {least} and less than {most}"),
                (Some(least), None, _) => write!(f, "at least {least}"),
                (None, Some(most), true) => write!(f, "at most {most}"),
                (None, Some(most), false) => write!(f, "less than {most}"),
                (None, None, _) => f.write_str("any number"),
            },
            Rule::All(tolerances) => listed(f, tolerances, " and "),
            Rule::Any(tolerances) => listed(f, tolerances, " or "),
            Rule::Within(limit) => write!(f, "within {}", duration_text(*limit)),
            Rule::NoMoreThanBefore(factor) => {
                write!(f, "at most {factor} times the median before the injection")
            }
            Rule::By(text, _) => escaped(&cut(text)).fmt(f),
        }
    }
}

fn listed<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    items: impl IntoIterator<Item = T>,
    between: &str,
) -> fmt::Result {
    for (index, item) in items.into_iter().enumerate() {
        write!(f, "{}{item}", if index == 0 { "" } else { between })?;
    }
    Ok(())
}

impl fmt::Debug for Tolerance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tolerance({self})")
    }
}

macro_rules! from_values {
    ($($kind:ty),*) => {$(
        impl From<$kind> for Tolerance {
            fn from(value: $kind) -> Self {
                Self::is(value)
            }
        }
    )*};
}

from_values!(bool, i8, i16, i32, i64, u8, u16, u32, u64, isize, usize, &str, String);

macro_rules! from_ranges {
    ($($kind:ty),*) => {$(
        impl From<RangeFrom<$kind>> for Tolerance {
            fn from(range: RangeFrom<$kind>) -> Self {
                Self::numbers(Some(f64::from(range.start)), None, true)
            }
        }

        impl From<RangeTo<$kind>> for Tolerance {
            fn from(range: RangeTo<$kind>) -> Self {
                Self::numbers(None, Some(f64::from(range.end)), false)
            }
        }

        impl From<RangeToInclusive<$kind>> for Tolerance {
            fn from(range: RangeToInclusive<$kind>) -> Self {
                Self::numbers(None, Some(f64::from(range.end)), true)
            }
        }

        impl From<Range<$kind>> for Tolerance {
            fn from(range: Range<$kind>) -> Self {
                Self::numbers(Some(f64::from(range.start)), Some(f64::from(range.end)), false)
            }
        }

        impl From<RangeInclusive<$kind>> for Tolerance {
            fn from(range: RangeInclusive<$kind>) -> Self {
                Self::numbers(Some(f64::from(*range.start())), Some(f64::from(*range.end())), true)
            }
        }
    )*};
}

from_ranges!(f64, i32, u32);
