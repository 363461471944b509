use std::{str::FromStr, sync::Arc};

use chaos_core::{Error, Journal, Result, fault::FaultState};
use chaos_testkit::faulty::{CrashAt, When};

/// The moment at which a drill kills or stops itself: before or after its journal records that a fault enters a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CrashPoint {
    when: When,
    state: FaultState,
}

impl CrashPoint {
    /// A journal that ends its own process at this moment.
    pub(super) fn journal(self, journal: impl Journal) -> Arc<dyn Journal> {
        Arc::new(CrashAt::journal(journal, self.state, self.when))
    }

    /// A journal that stops its own process at this moment, until somebody continues it.
    pub(super) fn pausing_journal(self, journal: impl Journal) -> Arc<dyn Journal> {
        Arc::new(CrashAt::pausing_journal(journal, self.state, self.when))
    }
}

impl FromStr for CrashPoint {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || Error::invalid("crash point", format!("{text:?}"), "before:STATE or after:STATE");
        let (when, state) = text.split_once(':').ok_or_else(wrong)?;
        let when = match when {
            "before" => When::BeforeMark,
            "after" => When::AfterMark,
            _ => return Err(wrong()),
        };
        Ok(Self { when, state: state.parse()? })
    }
}
