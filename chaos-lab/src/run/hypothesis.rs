use serde_json::json;

use super::{
    HypothesisLook,
    controls::{Level, Moment},
    state::State,
};

impl State {
    /// Whether the hypothesis holds before the method, if the strategy asks.
    pub(crate) async fn gate(&self) -> bool {
        if !self.hypothesis_strategy().is_before() {
            return true;
        }
        let look = self.look().await;
        let is_met = look.as_ref().is_none_or(|look| look.is_met());
        self.progress().before = look;
        self.changed();
        is_met
    }

    /// Looks at each probe of the hypothesis in turn, up to the first that cannot look or is not met. `None` if there
    /// is none, or a control has interrupted the look.
    pub(crate) async fn look(&self) -> Option<HypothesisLook> {
        let hypothesis =
            self.experiment.hypothesis.as_ref().filter(|hypothesis| !hypothesis.probes.is_empty())?;
        self.hook(Moment::before(Level::Hypothesis)).await;
        if self.is_interrupted_by_control() {
            self.hook(Moment::after(Level::Hypothesis, serde_json::Value::Null)).await;
            return None;
        }
        let mut look = HypothesisLook::default();
        for probe in &hypothesis.probes {
            let Some(run) = self.ask(probe).await else { break };
            let is_met = run.tolerance_met == Some(true);
            look.probes.push(run);
            if !is_met || self.is_interrupted_by_control() {
                break;
            }
        }
        let is_interrupted = self.is_interrupted_by_control();
        if self.controls.is_some() {
            let mut state = json!(look.entry(true));
            if is_interrupted {
                state["steady_state_met"] = serde_json::Value::Null;
            }
            self.hook(Moment::after(Level::Hypothesis, state)).await;
        }
        (!self.is_interrupted_by_control()).then_some(look)
    }
}
