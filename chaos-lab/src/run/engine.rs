//! Experiments of a cloud's own engine, which steps of a method start, and which are stopped before the rollbacks.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use chaos_core::{Error, ErrorKind, clock::Clock, jiff::Timestamp};
use serde_json::Value;
use tokio::sync::oneshot;

use super::state::State;
use crate::{
    experiment::{Provider, PythonProvider},
    functions::{Call, Function},
    runner::{Trouble, TroubleKind},
    substitution::Names,
};

/// The progress of a method: when the last step began that starts an experiment.
pub(crate) const START_BEGUN_AT: &str = "start_begun_at";

/// How long after its begin a start may still come: the longest that a call takes, and the lag of the list.
const MAY_COME_FOR: Duration = Duration::from_secs(260);
/// How long the list of a service may lack what was started.
const LAG: Duration = Duration::from_secs(15);

/// The function that starts an experiment, if a provider names one.
pub(crate) fn start_in(provider: &Provider) -> Option<(&'static Function, &PythonProvider)> {
    match provider {
        Provider::Python(python) => {
            Function::here(python).filter(|known| known.starts_experiments()).map(|known| (known, python))
        }
        _ => None,
    }
}

/// The function that stops what a run has started, if a provider names it.
pub(crate) fn stop_in(provider: &Provider) -> Option<(&'static Function, &PythonProvider)> {
    match provider {
        Provider::Python(python) => Function::here(python)
            .filter(|known| known.stops_experiments_of_run())
            .map(|known| (known, python)),
        _ => None,
    }
}

impl State {
    /// Starts an experiment. The call goes on if this is dropped, so that what it starts is there before it is looked
    /// for: [`end_faults`](State::end_faults) waits for it.
    pub(crate) async fn start_experiment(
        &self,
        function: &'static Function,
        python: &PythonProvider,
    ) -> Result<Value, Trouble> {
        let names = self.names();
        let call = called(function, python, &names, &self.clock)?.of_run(&self.run);
        let (tell, told) = oneshot::channel();
        {
            let mut events = self.events();
            if events.is_closed {
                return Err(Trouble::new(TroubleKind::Refused, "the method is over", &names));
            }
            let starts = Arc::clone(&events.starts);
            starts.fetch_add(1, Ordering::SeqCst);
            events.calls.push(tokio::spawn(async move {
                let ended = call.carry_out().await;
                if ended.as_ref().err().is_some_and(was_refused) {
                    starts.fetch_sub(1, Ordering::SeqCst);
                }
                let _ = tell.send(ended);
            }));
        }
        let ended = told.await.unwrap_or_else(|_| Err(Error::new(ErrorKind::Other, "the call broke off")));
        ended.map_err(|error| Trouble::new(TroubleKind::Unknown, error.chain(), &names))
    }

    /// Stops what the run has started.
    pub(crate) async fn stop_experiments(
        &self,
        function: &'static Function,
        python: &PythonProvider,
    ) -> Result<Value, Trouble> {
        let starts = self.events().starts.load(Ordering::SeqCst);
        stop(function, python, &self.names(), &self.clock, (starts, LAG)).await
    }
}

/// Stops what a run of an earlier process has started, in so many steps at most. If fewer are found, they are looked
/// for as long as a start may still come.
pub(crate) async fn stop_later(
    function: &'static Function,
    python: &PythonProvider,
    names: &Names,
    clock: &Arc<dyn Clock>,
    starts: usize,
    begun_at: Option<Timestamp>,
) -> Result<Value, Trouble> {
    let age = begun_at.and_then(|at| Duration::try_from(clock.now().duration_since(at)).ok());
    let patience = MAY_COME_FOR.saturating_sub(age.unwrap_or_default()).max(LAG);
    stop(function, python, names, clock, (starts, patience)).await
}

async fn stop(
    function: &'static Function,
    python: &PythonProvider,
    names: &Names,
    clock: &Arc<dyn Clock>,
    (starts, patience): (usize, Duration),
) -> Result<Value, Trouble> {
    let call = called(function, python, names, clock)?.looking_for(starts, patience);
    call.carry_out().await.map_err(|error| Trouble::new(TroubleKind::Unknown, error.chain(), names))
}

/// A function with its arguments.
pub(crate) fn called(
    function: &'static Function,
    python: &PythonProvider,
    names: &Names,
    clock: &Arc<dyn Clock>,
) -> Result<Call, Trouble> {
    Call::of(function, python, names, clock).map_err(|why| Trouble::new(TroubleKind::Refused, why, names))
}

/// Whether the service has said that it started nothing.
fn was_refused(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Conflict
            | ErrorKind::Denied
            | ErrorKind::InvalidInput
            | ErrorKind::NotFound
            | ErrorKind::Unsupported
    )
}
