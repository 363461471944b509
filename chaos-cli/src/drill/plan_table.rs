use std::fmt;

use chaos_core::{
    plan::{Decision, Plan},
    text::escaped,
};

use crate::table::Table;

/// The chosen targets, and why the others were not chosen.
pub(super) struct PlanTable<'a>(pub(super) &'a Plan);

impl fmt::Display for PlanTable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::with_headings(["target", "decision"]);
        for target in self.0.groups.iter().flat_map(|group| &group.targets) {
            let decision = match &target.decision {
                Decision::Chosen { event, .. } => format!("{event} (seed {})", self.0.seed),
                Decision::NotChosen { reason, .. } => format!("left alone: {reason}"),
                other => format!("{other:?}"),
            };
            table.row([target.id.to_string(), decision]);
        }
        write!(f, "{table}")?;
        for caveat in self.0.caveats() {
            write!(f, "\n{}", escaped(&caveat))?;
        }
        if self.0.chosen().next().is_none() {
            for reason in self.0.why_nothing() {
                write!(f, "\n{}", escaped(&reason))?;
            }
        }
        Ok(())
    }
}
