use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How much of a fault was requested or achieved: numbers by name. Each name includes its unit, such as `load_percent`,
/// `bytes` or `seconds`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Magnitude(BTreeMap<String, f64>);

impl Magnitude {
    /// Sets one number. A value that is not finite is left out, because JSON cannot represent it.
    pub fn set(&mut self, name: impl Into<String>, value: f64) {
        if value.is_finite() {
            self.0.insert(name.into(), value);
        }
    }

    /// The number with this name.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0.get(name).copied()
    }

    /// Whether there is no number at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every name and number, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }
}
