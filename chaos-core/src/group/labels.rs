use std::collections::BTreeMap;

/// Tags of a target or a group, as discovered: key to value, sorted by key.
pub type Labels = BTreeMap<String, String>;
