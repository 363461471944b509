//! The hypothesis during the method, as the steady state that the monkey watches.

use std::{fmt, sync::Arc, time::Duration};

use super::{HypothesisLook, state::State};
use crate::experiment::{Activity, Provider};
use chaos_core::{
    Error, ErrorKind, Result, SteadyState, Tolerance, async_trait,
    clock::Clock,
    steady_state::{Phase, Probe, Reading},
};

/// For a probe that sets no time limit of its own.
const LIMIT: Duration = Duration::from_secs(30);

/// How much longer than its own limit a look may take.
const MARGIN: Duration = Duration::from_secs(5);

/// What the monkey watches: the stop conditions before and during the method, and the hypothesis during it if the
/// strategy wants that.
pub(crate) fn steady_state(state: &Arc<State>) -> Option<SteadyState> {
    let experiment = &state.experiment;
    let is_during = !state.options.compatible && state.hypothesis_strategy().is_during();
    let hypothesis = experiment.hypothesis.as_ref().filter(|_| is_during);
    let probes = hypothesis.map(|hypothesis| hypothesis.probes.as_slice()).unwrap_or_default();
    let conditions = &experiment.stop_conditions;
    if probes.is_empty() && conditions.is_empty() {
        return None;
    }
    let title = hypothesis.map_or("", |hypothesis| hypothesis.title.trim());
    let title = if title.is_empty() { "the stop conditions hold" } else { title };
    let limits = probes.iter().chain(conditions).map(|probe| limit(probe));
    let steady = SteadyState::new(title)
        .every(state.options.frequency)
        .time_limit(limits.max().unwrap_or(LIMIT).saturating_add(MARGIN));
    let watched = |probe: &Arc<Activity>, belongs_to_hypothesis| Watched {
        state: Arc::clone(state),
        probe: Arc::clone(probe),
        belongs_to_hypothesis,
    };
    let tolerance = || Tolerance::by("a normal value", |look| *look.value == true);
    let steady = probes.iter().enumerate().fold(steady, |steady, (index, probe)| {
        let name = format!("{}. {}", index + 1, probe.name);
        if state.options.fail_fast {
            steady.probe_in([Phase::During], name, watched(probe, true), tolerance())
        } else {
            steady.observe_in([Phase::During], name, watched(probe, true), tolerance())
        }
    });
    Some(conditions.iter().enumerate().fold(steady, |steady, (index, condition)| {
        let name = format!("stop condition {}: {}", index + 1, condition.name);
        steady.stop_condition(name, watched(condition, false), tolerance())
    }))
}

fn limit(probe: &Activity) -> Duration {
    match &probe.provider {
        Provider::Process(process) => process.timeout.unwrap_or(LIMIT),
        Provider::Python(python) => python.timeout.unwrap_or(LIMIT),
        _ => LIMIT,
    }
}

/// A probe of the hypothesis.
#[derive(Debug)]
struct Watched {
    state: Arc<State>,
    probe: Arc<Activity>,
    /// Whether its looks are looks at the hypothesis.
    belongs_to_hypothesis: bool,
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.probe.name)
    }
}

#[async_trait]
impl Probe for Watched {
    async fn look(&self, _: &dyn Clock) -> Result<Reading> {
        let run = self.state.watch(&self.probe).await;
        let (met, why) = (run.tolerance_met == Some(true), run.not_met.clone());
        let trouble = run.exception.clone().map(|exception| (exception, run.is_no_answer));
        // A look that outlasts the method is not counted.
        if self.belongs_to_hypothesis && !self.state.progress().is_method_over {
            self.state.progress().looked(HypothesisLook::of(run));
            self.state.changed();
        }
        if !self.belongs_to_hypothesis && !met {
            self.state.progress().is_stopped = true;
        }
        match trouble {
            Some((exception, true)) => Ok(Reading::no_answer(exception)),
            Some((exception, false)) => Err(Error::new(ErrorKind::Unavailable, exception)),
            None if met => Ok(true.into()),
            None => Ok(why.unwrap_or_else(|| "not met".to_owned()).into()),
        }
    }
}
