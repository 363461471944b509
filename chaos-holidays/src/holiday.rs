use jiff::civil::Date;

/// One holiday.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Holiday {
    /// Its date.
    pub date: Date,
    /// Its name, in English if there is a translation. One that is observed on another day says so.
    pub name: String,
    /// Its category: `public`, `bank`, `government`, `half_day`, `catholic` and so on.
    pub category: &'static str,
}

impl Holiday {
    /// Whether the date is only estimated, because the moon must be seen: it may come a day earlier or later.
    pub fn is_estimated(&self) -> bool {
        self.name.ends_with("estimated)")
    }
}
