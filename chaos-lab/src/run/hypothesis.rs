use super::{HypothesisLook, state::State};

impl State {
    /// Looks at each probe of the hypothesis in turn, up to the first that cannot look or is not met. `None` if there
    /// is none.
    pub(crate) async fn look(&self) -> Option<HypothesisLook> {
        let hypothesis =
            self.experiment.hypothesis.as_ref().filter(|hypothesis| !hypothesis.probes.is_empty())?;
        let mut look = HypothesisLook::default();
        for probe in &hypothesis.probes {
            let run = self.ask(probe).await;
            let is_met = run.tolerance_met == Some(true);
            look.probes.push(run);
            if !is_met {
                break;
            }
        }
        Some(look)
    }
}
