use serde_json::Value;

/// The answer of a [`Probe`](super::Probe) that could look.
///
/// ```
/// use chaos_core::steady_state::Reading;
///
/// assert_eq!(Reading::from(200), Reading::Value(200.into()));
/// assert_eq!(Reading::from(f64::NAN), Reading::no_answer("NaN is no number"));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Reading {
    /// The value that was read.
    Value(Value),
    /// The system did not answer, and why. A system that does not answer is not steady, so no tolerance accepts this.
    NoAnswer(String),
}

impl Reading {
    /// The system did not answer: `why` completes "no answer: ", as in "connection refused".
    pub fn no_answer(why: impl Into<String>) -> Self {
        Self::NoAnswer(why.into())
    }
}

macro_rules! from_values {
    ($($kind:ty),*) => {$(
        impl From<$kind> for Reading {
            fn from(value: $kind) -> Self {
                Self::Value(value.into())
            }
        }
    )*};
}

from_values!(bool, i8, i16, i32, i64, u8, u16, u32, u64, isize, usize, &str, String, Value);

impl From<f64> for Reading {
    /// NaN and the infinities are no answer.
    fn from(number: f64) -> Self {
        if number.is_finite() {
            return Self::Value(number.into());
        }
        Self::no_answer(format!("{number} is no number"))
    }
}

impl From<f32> for Reading {
    fn from(number: f32) -> Self {
        f64::from(number).into()
    }
}
