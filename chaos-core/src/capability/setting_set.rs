use std::fmt;

/// One setting of a target that can be changed from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Setting {
    /// Whether its network lets anything in and out.
    Isolation,
}

impl Setting {
    const ALL: [Self; 1] = [Self::Isolation];

    fn bit(self) -> u32 {
        1 << self as u32
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Isolation => "isolation",
        })
    }
}

/// A set of [`Setting`].
///
/// ```
/// use chaos_core::capability::{Setting, SettingSet};
///
/// let settings = SettingSet::of([Setting::Isolation]);
/// assert!(settings.contains(Setting::Isolation) && !SettingSet::default().contains(Setting::Isolation));
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct SettingSet(u32);

impl SettingSet {
    /// The set of these.
    pub fn of(settings: impl IntoIterator<Item = Setting>) -> Self {
        Self(settings.into_iter().fold(0, |bits, setting| bits | setting.bit()))
    }

    /// Whether `setting` is in the set.
    pub fn contains(self, setting: Setting) -> bool {
        self.0 & setting.bit() != 0
    }

    /// The members, in a fixed order.
    pub fn iter(self) -> impl Iterator<Item = Setting> {
        Setting::ALL.into_iter().filter(move |setting| self.contains(*setting))
    }
}

impl fmt::Debug for SettingSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
