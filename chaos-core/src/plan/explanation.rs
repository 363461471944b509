use std::fmt;

use super::{Decision, Plan};
use crate::text::escaped;

/// A [`Plan`] as a table for a person, made by [`Plan::explain`].
///
/// One line for each target, with its group, its name, and the event that is injected into it or the reason why none
/// is. Reasons that keep the whole plan from being carried out are above the table. Doubts are below it, and patterns
/// that fit nothing.
#[derive(Clone, Copy, Debug)]
pub struct Explanation<'a>(&'a Plan);

impl Plan {
    /// The whole plan as a table for a person: for every target, the event that is injected into it, or the reason why
    /// none is.
    ///
    /// ```
    /// use chaos_core::{
    ///     Monkey,
    ///     testing::{MemoryProvider, PowerOff},
    /// };
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> chaos_core::Result<()> {
    /// let monkey = Monkey::builder()
    ///     .provider(MemoryProvider::default().with_group("web", 3)?.with_group("lone", 1)?)
    ///     .event(PowerOff::default())
    ///     .seed(42)
    ///     .build()?;
    /// let table = "\
    /// group        target     decision
    /// memory:lone  machine-0  0 healthy members would be left; at least 1 must be
    /// memory:web   machine-0  chosen: power-off
    /// memory:web   machine-1  not drawn
    /// memory:web   machine-2  not drawn";
    /// assert_eq!(monkey.plan().await?.explain().to_string(), table);
    /// # Ok(())
    /// # }
    /// ```
    pub fn explain(&self) -> Explanation<'_> {
        Explanation(self)
    }
}

impl Explanation<'_> {
    fn rows(self) -> Vec<[String; 3]> {
        let heading = ["group", "target", "decision"].map(str::to_owned);
        let mut rows = vec![heading];
        for group in &self.0.groups {
            let id = escaped(group.id.as_str()).to_string();
            if group.targets.is_empty() {
                let why = group.reason.as_ref().map_or_else(|| "no members".to_owned(), ToString::to_string);
                rows.push([id.clone(), "-".to_owned(), why]);
            }
            for target in &group.targets {
                let name = escaped(target.id.name()).to_string();
                rows.push([id.clone(), name, decided(&target.decision)]);
            }
        }
        rows
    }
}

impl fmt::Display for Explanation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan { refused, doubts, unmatched_patterns, .. } = self.0;
        let mut lines = Vec::new();
        lines.extend(refused.iter().map(|reason| format!("nothing is injected: {reason}")));
        let rows = self.rows();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let (groups, targets) = (width(0), width(1));
        for [group, target, decision] in &rows {
            lines.push(format!("{group:groups$}  {target:targets$}  {decision}"));
        }
        lines.extend(doubts.iter().map(|doubt| format!("in doubt: {doubt}")));
        lines.extend(unmatched_patterns.iter().map(ToString::to_string));
        f.write_str(&lines.join("\n"))
    }
}

fn decided(decision: &Decision) -> String {
    match decision {
        Decision::Chosen { event, caveat: None } => format!("chosen: {}", escaped(event)),
        Decision::Chosen { event, caveat: Some(caveat) } => {
            format!("chosen: {} ({})", escaped(event), escaped(caveat))
        }
        Decision::NotChosen { reason } => reason.to_string(),
    }
}
