use chaos_core::{Result, Scope};

use crate::host_script::Answer;

/// The cores that are available to burn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) cores: usize,
    /// The part of them that quotas allow, in hundredths of a core.
    pub(super) allowed: Option<u32>,
}

impl Room {
    pub(super) fn of(answer: &Answer) -> Result<Self> {
        let cores: usize = answer.parse("cores")?;
        let allowed = answer.all("allowed").next().map(|_| answer.parse::<u32>("allowed")).transpose()?;
        // A quota above the number of cores allows all of them.
        let is_less =
            |allowed: &u32| u32::try_from(cores).is_ok_and(|cores| *allowed < cores.saturating_mul(100));
        Ok(Self { cores, allowed: allowed.filter(is_less) })
    }

    pub(super) fn tell(self, asked: f64, scope: &Scope) {
        let Some(allowed) = self.allowed.map(|allowed| f64::from(allowed) / 100.0) else { return };
        scope.measure("allowed_cores", allowed);
        if asked > allowed {
            scope.note(format!(
                "the quotas of the target's control groups allow {allowed} cores of the requested {asked}: the \
                 burners get no more than that"
            ));
        }
    }
}
