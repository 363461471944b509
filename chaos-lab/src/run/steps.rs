use std::sync::Arc;

use chaos_core::Result;
use tokio::task::JoinSet;

use super::{progress::Section, state::State};
use crate::experiment::Activity;

/// How far a method has come, in steps: a part of the progress of its fault.
pub(crate) const STEPS_BEGUN: &str = "steps_begun";

/// What its steps have yielded.
pub(crate) const OUTPUTS: &str = "outputs";

/// Activities that are carried out in turn, some of them in the background.
pub(crate) struct Steps<'a> {
    state: &'a Arc<State>,
    section: Section,
    background: JoinSet<Option<Arc<Activity>>>,
    failed: Vec<Arc<Activity>>,
}

impl<'a> Steps<'a> {
    pub(crate) fn of(state: &'a Arc<State>, section: Section) -> Self {
        Self { state, section, background: JoinSet::new(), failed: Vec::new() }
    }

    /// Carries out the next one, or begins it if it belongs in the background. Right before it, `begins` is done: after
    /// the pause, unless that belongs in the background as well, and not if it must not be carried out.
    ///
    /// # Errors
    /// Those of `begins`. Then it is not carried out.
    pub(crate) async fn carry_out(
        &mut self,
        activity: &Arc<Activity>,
        begins: impl Future<Output = Result<()>>,
    ) -> Result<()> {
        let is_rollback = matches!(self.section, Section::Rollbacks);
        if !activity.background && !self.state.may_begin(activity, is_rollback).await {
            return Ok(());
        }
        let under_way = self.state.begin(self.section, activity);
        if activity.background {
            let forbidden = self.state.forbidden(activity).await;
            if forbidden.is_none() {
                begins.await?;
            }
            let (state, activity) = (Arc::clone(self.state), Arc::clone(activity));
            self.background.spawn(async move {
                if !state.may_begin(&activity, is_rollback).await {
                    return Some(activity);
                }
                state.pause_before(&activity).await;
                let is_fine = state.perform(&activity, under_way, forbidden).await;
                (!is_fine).then_some(activity)
            });
            return Ok(());
        }
        self.state.pause_before(activity).await;
        let forbidden = self.state.forbidden(activity).await;
        if forbidden.is_none() {
            begins.await?;
        }
        if !self.state.perform(activity, under_way, forbidden).await {
            self.failed.push(Arc::clone(activity));
        }
        Ok(())
    }

    /// Ends what is in the background.
    pub(crate) async fn cut(mut self) {
        self.background.shutdown().await;
    }

    /// Waits for what is in the background. Returns those that did not succeed.
    pub(crate) async fn finish(mut self) -> Vec<Arc<Activity>> {
        while let Some(ended) = self.background.join_next().await {
            self.failed.extend(ended.ok().flatten());
        }
        self.failed
    }
}
