//! The hypothesis during the method, as the steady state that the monkey watches.

use std::{fmt, sync::Arc, time::Duration};

use chaos_core::{
    Error, ErrorKind, Result, SteadyState, Tolerance, async_trait,
    clock::Clock,
    steady_state::{Phase, Probe, Reading},
};
use serde_json::{Value, json};

use super::{HypothesisLook, state::State};
use crate::experiment::{Activity, Provider};

/// For a probe that sets no time limit of its own.
const LIMIT: Duration = Duration::from_secs(30);

/// How much longer than its own limit a look may take.
const MARGIN: Duration = Duration::from_secs(5);

/// What the monkey watches while the method is carried out, if the strategy wants that.
pub(crate) fn steady_state(state: &Arc<State>) -> Option<SteadyState> {
    if state.options.compatible || !state.hypothesis_strategy().is_during() {
        return None;
    }
    let hypothesis =
        state.experiment.hypothesis.as_ref().filter(|hypothesis| !hypothesis.probes.is_empty())?;
    let limits = hypothesis.probes.iter().map(|probe| limit(probe));
    let title = match hypothesis.title.trim() {
        "" => "the hypothesis of the experiment",
        title => title,
    };
    let steady = SteadyState::new(title)
        .every(state.options.frequency)
        .time_limit(limits.max().unwrap_or(LIMIT).saturating_add(MARGIN));
    Some(hypothesis.probes.iter().enumerate().fold(steady, |steady, (index, probe)| {
        let name = format!("{}. {}", index + 1, probe.name);
        let watched = Watched { state: Arc::clone(state), probe: Arc::clone(probe) };
        let tolerance = Tolerance::by("what its tolerance says", |look| look.value["met"] == true);
        if state.options.fail_fast {
            steady.probe_in([Phase::During], name, watched, tolerance)
        } else {
            steady.observe_in([Phase::During], name, watched, tolerance)
        }
    }))
}

fn limit(probe: &Activity) -> Duration {
    match &probe.provider {
        Provider::Process(process) => process.timeout.unwrap_or(LIMIT),
        _ => LIMIT,
    }
}

/// A probe of the hypothesis.
#[derive(Debug)]
struct Watched {
    state: Arc<State>,
    probe: Arc<Activity>,
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.probe.name)
    }
}

#[async_trait]
impl Probe for Watched {
    async fn look(&self, _: &dyn Clock) -> Result<Reading> {
        let run = self.state.ask(&self.probe).await;
        let (met, why) = (run.tolerance_met == Some(true), run.not_met.clone());
        let trouble = run.exception.clone().map(|exception| (exception, run.is_no_answer));
        self.state.progress().looked(HypothesisLook::of(run));
        self.state.changed();
        match trouble {
            Some((exception, true)) => Ok(Reading::no_answer(exception)),
            Some((exception, false)) => Err(Error::new(ErrorKind::Unavailable, exception)),
            None => Ok(Reading::Value(match why {
                Some(why) => json!({ "met": met, "why": why }),
                None => Value::from_iter([("met", met)]),
            })),
        }
    }
}
