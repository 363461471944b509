use std::{sync::Arc, time::Duration};

use chaos_core::{
    Journal, Result,
    clock::Clock,
    journal::{Found, Halt},
};

/// How long the journal may take to answer.
const LIMIT: Duration = Duration::from_secs(5);

/// How a service is, as of one look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Vitals {
    /// Why it is not well. Empty if it is.
    pub(super) ills: Vec<String>,
    /// How many faults are pending.
    pub(super) pending: usize,
    /// The halt in force.
    pub(super) halt: Option<Halt>,
    /// Whether some pending faults are held by no process.
    pub(super) has_orphans: bool,
}

impl Vitals {
    /// Whether the service is well.
    pub(super) fn are_sound(&self) -> bool {
        self.ills.is_empty()
    }

    /// Looks into the journal.
    pub(super) async fn look(journal: &dyn Journal, clock: &Arc<dyn Clock>) -> Self {
        let looking = async {
            let pending = journal.pending().await?;
            let orphans = journal.orphans(clock.now()).await?;
            Ok((pending, orphans, journal.halt().await?))
        };
        let looked: Option<Result<(Found, Found, Option<Halt>)>> = tokio::select! {
            biased;
            looked = looking => Some(looked),
            () = clock.sleep(LIMIT) => None,
        };
        match looked {
            None => Self::ill(format!("the journal has not answered within {LIMIT:?}")),
            Some(Err(error)) => Self::ill(format!("the journal cannot be read: {}", error.chain())),
            Some(Ok((pending, orphans, halt))) => {
                let now = clock.now();
                let overdue = pending.faults.iter().filter(|fault| fault.is_overdue(now));
                let mut ills: Vec<String> = overdue
                    .map(|fault| {
                        let (id, target) = (fault.id, &fault.target);
                        format!("fault {id} on {target} is past its deadline and its recovery budget")
                    })
                    .collect();
                let unreadable = pending.unreadable.iter();
                ills.extend(
                    unreadable.map(|entry| format!("the journal's entry {} cannot be read", entry.entry)),
                );
                let has_orphans = !orphans.faults.is_empty();
                Self { ills, pending: pending.faults.len(), halt, has_orphans }
            }
        }
    }

    fn ill(why: String) -> Self {
        Self { ills: vec![why], ..Self::default() }
    }
}
