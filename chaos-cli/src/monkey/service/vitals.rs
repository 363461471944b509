use std::{sync::Arc, time::Duration};

use chaos_core::{
    Journal, Result,
    clock::Clock,
    fault::FaultState,
    journal::{Found, Halt},
};

/// How long the journal may take to answer.
const LIMIT: Duration = Duration::from_secs(5);

/// How a service is, as of one look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Vitals {
    /// Why it is not well. Empty if it is.
    pub(super) ills: Vec<String>,
    /// What the journal says. `None` if it has not answered.
    pub(super) journal: Option<InJournal>,
}

/// What a journal says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct InJournal {
    /// How many faults are pending, entries that cannot be read included.
    pub(super) pending: usize,
    /// The halt in force.
    pub(super) halt: Option<Halt>,
    /// Whether some pending faults are held by no process.
    pub(super) has_orphans: bool,
    /// Whether a fault is past its deadline and its budget, and its recovery was not seen to fail. One that has failed
    /// is for a person to look after.
    pub(super) is_overdue: bool,
}

impl Vitals {
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
                let (mut ills, mut is_overdue) = (Vec::new(), false);
                for fault in pending.faults.iter().filter(|fault| fault.is_overdue(now)) {
                    is_overdue |= fault.state != FaultState::RecoveryFailed;
                    let (id, target) = (fault.id, &fault.target);
                    ills.push(format!("fault {id} on {target} is past its deadline and its recovery budget"));
                }
                for entry in &pending.unreadable {
                    ills.push(format!("the journal's entry {} cannot be read", entry.entry));
                }
                let journal = InJournal {
                    pending: pending.faults.len() + pending.unreadable.len(),
                    halt,
                    has_orphans: !orphans.faults.is_empty(),
                    is_overdue,
                };
                Self { ills, journal: Some(journal) }
            }
        }
    }

    fn ill(why: String) -> Self {
        Self { ills: vec![why], journal: None }
    }
}
