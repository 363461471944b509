//! The conditions of `where`.

use serde_json::Value;

use super::{
    reader::{Invalid, Reader},
    words::Word,
};

/// A condition on a row.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Compare { column: Vec<String>, how: How, with: Vec<Value> },
}

/// How a value is compared. Operators that ignore case say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    Equal,
    EqualInAnyCase,
    ContainsInAnyCase,
    StartsInAnyCase,
    EndsInAnyCase,
}

impl Condition {
    pub(super) fn read(reader: &mut Reader) -> Result<Self, Invalid> {
        let mut any = vec![Self::all(reader)?];
        while reader.take_name("or") {
            any.push(Self::all(reader)?);
        }
        Ok(if any.len() == 1 { any.remove(0) } else { Self::Any(any) })
    }

    fn all(reader: &mut Reader) -> Result<Self, Invalid> {
        let mut all = vec![Self::one(reader)?];
        while reader.take_name("and") {
            all.push(Self::one(reader)?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Self::All(all) })
    }

    fn one(reader: &mut Reader) -> Result<Self, Invalid> {
        let is_negated = reader.take_name("not");
        if is_negated || reader.is_at_sign("(") {
            reader.sign("(")?;
            let inner = Self::read(reader)?;
            reader.sign(")")?;
            return Ok(if is_negated { Self::Not(Box::new(inner)) } else { inner });
        }
        let column = reader.column()?;
        let (how, is_negated, is_list) = operator(&reader.next()?)?;
        let with = if is_list { list(reader)? } else { vec![reader.value()?] };
        let compared = Self::Compare { column, how, with };
        Ok(if is_negated { Self::Not(Box::new(compared)) } else { compared })
    }

    pub(super) fn holds(&self, row: &Value) -> bool {
        match self {
            Self::All(all) => all.iter().all(|one| one.holds(row)),
            Self::Any(any) => any.iter().any(|one| one.holds(row)),
            Self::Not(inner) => !inner.holds(row),
            Self::Compare { column, how, with } => {
                let value = at(row, column);
                with.iter().any(|with| how.matches(value, with))
            }
        }
    }
}

impl How {
    fn matches(self, value: &Value, with: &Value) -> bool {
        let (Value::String(value), Value::String(with)) = (value, with) else {
            // A dynamic value that is missing is no text, and equals none.
            return self == Self::Equal
                && (value == with || value.as_f64().is_some_and(|it| with.as_f64() == Some(it)));
        };
        let (lower, lower_with) = (value.to_lowercase(), with.to_lowercase());
        match self {
            Self::Equal => value == with,
            Self::EqualInAnyCase => lower == lower_with,
            Self::ContainsInAnyCase => lower.contains(&lower_with),
            Self::StartsInAnyCase => lower.starts_with(&lower_with),
            Self::EndsInAnyCase => lower.ends_with(&lower_with),
        }
    }
}

/// The value of a column, or of a field in it; null if there is none.
pub(super) fn at<'a>(row: &'a Value, column: &[String]) -> &'a Value {
    column.iter().fold(row, |value, field| value.get(field).unwrap_or(&Value::Null))
}

/// The comparison, whether it is negated, and whether a list follows.
fn operator(word: &Word) -> Result<(How, bool, bool), Invalid> {
    let spelled = word.shown();
    let (positive, is_negated) = match spelled.as_str() {
        "!=" => ("==", true),
        "!~" => ("=~", true),
        other => other.strip_prefix('!').map_or((other, false), |positive| (positive, true)),
    };
    let (how, is_list) = match positive {
        "==" => (How::Equal, false),
        "=~" => (How::EqualInAnyCase, false),
        "contains" => (How::ContainsInAnyCase, false),
        "startswith" => (How::StartsInAnyCase, false),
        "endswith" => (How::EndsInAnyCase, false),
        "in" => (How::Equal, true),
        "in~" => (How::EqualInAnyCase, true),
        _ => return Err(Invalid::at(&spelled)),
    };
    Ok((how, is_negated, is_list))
}

fn list(reader: &mut Reader) -> Result<Vec<Value>, Invalid> {
    reader.sign("(")?;
    let mut values = vec![reader.value()?];
    while reader.is_at_sign(",") {
        reader.sign(",")?;
        values.push(reader.value()?);
    }
    reader.sign(")")?;
    Ok(values)
}
