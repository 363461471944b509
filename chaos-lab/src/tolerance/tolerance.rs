use serde_json::Value;

use super::{judge::Judge, read::read, rule::Rule};
use crate::{
    document::{Problem, Problems},
    substitution::Names,
};

/// Which values are normal, as a file of Chaos Toolkit says it.
///
/// | tolerance | a value is normal if |
/// |---|---|
/// | a boolean | it is equal; `true` is 1 |
/// | a whole number | its field `status`, or the value itself, is equal |
/// | a text | it is equal. A text that stands for another value by its name is judged as that value |
/// | a list | its `status` is in the list; without one, it lies between the two elements, or is in a list of any other length |
/// | `{"type": "range", "range": [0.2, 0.4]}` | it is a number between these, or a text that says one |
/// | `{"type": "regex", "pattern": "^ok$"}` | the pattern is found in it |
/// | `{"type": "jsonpath", "path": "$.a", "expect": 1, "count": 1}` | the path finds something, exactly what is expected, or so many values |
///
/// The last three look at a field of the value that `target` names, if the value has it.
///
/// Numbers are compared by what is written, so 0.2 lies between 0.2 and 0.4; Chaos Toolkit compares binary fractions.
/// A value of another type is not met, with the reason, where Chaos Toolkit ends with an exception. The tolerance
/// `{"type": "probe"}` belongs to the run.
///
/// ```
/// use chaos_lab::{substitution::Names, tolerance::Tolerance};
/// use serde_json::json;
///
/// let names = Names::default();
/// let ok = Tolerance::read(&json!(200))?;
/// assert_eq!(ok.judge(&json!({ "status": 503, "body": "" }), &names), Err("503, expected 200".to_owned()));
///
/// let load = Tolerance::read(&json!({ "type": "range", "range": [0.2, 0.4], "target": "stdout" }))?;
/// assert_eq!(load.judge(&json!({ "status": 0, "stdout": "0.2\n" }), &names), Ok(()));
/// # Ok::<(), chaos_lab::document::Problems>(())
/// ```
#[derive(Clone, Debug)]
pub struct Tolerance(pub(super) Rule);

impl Tolerance {
    /// Reads a tolerance from data.
    ///
    /// # Errors
    /// Every problem, by its path below `tolerance`.
    pub fn read(data: &Value) -> Result<Self, Problems> {
        let mut problems: Vec<Problem> = Vec::new();
        let rule = read(data, "tolerance", &mut problems);
        match rule {
            Some(rule) if problems.is_empty() => Ok(Self(rule)),
            _ => Err(Problems::of(problems)),
        }
    }

    /// Judges a value. Texts, patterns and paths of the tolerance may hold `names`.
    ///
    /// # Errors
    /// Why it is not normal, as in "503, expected 200". No secret is shown.
    pub fn judge(&self, value: &Value, names: &Names) -> Result<(), String> {
        Judge { names }.judge(&self.0, value)
    }
}
