//! The looks before an injection.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;

use super::{
    SteadyState,
    look::{Looked, look},
    phase::Phase,
    steady_state::{Duty, Watched},
    tolerance::Judgement,
};
use crate::{
    clock::Clock,
    error::{ErrorKind, Failure},
    plan::Reason,
};

/// Whether the system is steady before a plan that belongs to no run.
pub(crate) async fn before_alone(steady: &SteadyState, clock: &Arc<dyn Clock>) -> Result<(), Reason> {
    let asked = steady.probes.iter().filter(|watched| watched.phases.has(Phase::Before));
    all_steady(asked.map(|watched| is_steady(steady, watched, clock, None, steady.baseline, |_, _| ()))).await
}

/// Asks each probe once, for `diagnose`: its name, and its finding.
pub(crate) async fn ask_once(
    steady: &SteadyState,
    clock: &Arc<dyn Clock>,
) -> Vec<(String, Result<String, Failure>)> {
    let asking = steady.probes.iter().map(|watched| async move {
        let looked = look(&watched.probe, clock, steady.time_limit).await;
        let finding = match watched.judge(&looked, None) {
            Judgement::Met => Ok(format!("as it should be: {}", watched.expected())),
            Judgement::NotMet(why) => Err(Failure::new(ErrorKind::Refused, format!("not steady: {why}"))),
            Judgement::Unknown(failure) => Err(failure),
        };
        (watched.name.clone(), finding)
    });
    join_all(asking).await
}

/// Asks side by side, and returns the first reason in the order of the probes.
pub(super) async fn all_steady(
    asking: impl IntoIterator<Item = impl Future<Output = Result<(), Reason>>>,
) -> Result<(), Reason> {
    join_all(asking).await.into_iter().collect()
}

/// Looks at one probe for `lasting`, but at least until it is decided whether it is steady. `normal` is known once a
/// fault was injected. Tells `seen` of each look.
pub(super) async fn is_steady(
    steady: &SteadyState,
    watched: &Watched,
    clock: &Arc<dyn Clock>,
    normal: Option<f64>,
    lasting: Duration,
    mut seen: impl FnMut(&Looked, &Judgement),
) -> Result<(), Reason> {
    let (tolerated, of) = (steady.violated.0, steady.violated.1 as usize);
    let begun = clock.monotonic();
    let mut latest: Vec<Judgement> = Vec::new();
    loop {
        let looked = look(&watched.probe, clock, steady.time_limit).await;
        let judged = watched.judge(&looked, normal);
        seen(&looked, &judged);
        if latest.len() == of {
            latest.remove(0);
        }
        latest.push(judged);
        let wrong = latest.iter().filter(|judged| **judged != Judgement::Met).count();
        if wrong >= tolerated as usize {
            return Err(watched.reason(&latest));
        }
        let is_over = clock.monotonic().saturating_sub(begun) >= lasting;
        // However the looks that are left of this many turn out, it is no violation.
        if is_over && latest.len() - wrong > of - tolerated as usize {
            return Ok(());
        }
        clock.sleep(steady.every.saturating_sub(clock.monotonic().saturating_sub(looked.began))).await;
    }
}

impl Watched {
    /// Judges a look outside of a fault. What must be told during a fault must not be told before it.
    pub(super) fn judge(&self, looked: &Looked, normal: Option<f64>) -> Judgement {
        let judged = match &looked.reading {
            Ok(reading) => self.tolerance.judge_reading(reading, looked.took, normal),
            Err(failure) => Judgement::Unknown(failure.clone()),
        };
        match (self.duty, judged) {
            (Duty::MustTell(_), Judgement::Met) => {
                Judgement::NotMet(format!("it is {} already, before the fault", self.tolerance))
            }
            (Duty::MustTell(_), Judgement::NotMet(_)) => Judgement::Met,
            (_, judged) => judged,
        }
    }

    fn expected(&self) -> String {
        match self.duty {
            Duty::MustTell(_) => format!("not {} yet", self.tolerance),
            _ => self.tolerance.to_string(),
        }
    }

    /// Why it is not steady by these looks.
    fn reason(&self, latest: &[Judgement]) -> Reason {
        let violated = latest.iter().find_map(|judged| match judged {
            Judgement::NotMet(why) => Some(Reason::not_steady(&self.name, why)),
            _ => None,
        });
        let doubt = || {
            latest.iter().find_map(|judged| match judged {
                Judgement::Unknown(failure) => Some(self.doubt(failure)),
                _ => None,
            })
        };
        violated.or_else(doubt).unwrap_or_else(|| Reason::not_steady(&self.name, "it is not steady"))
    }

    /// A doubt about this probe.
    pub(super) fn doubt(&self, failure: &Failure) -> Reason {
        let message = format!("probe {:?} could not look: {}", self.name, failure.message);
        Reason::doubt(Failure::new(failure.kind, message))
    }
}
