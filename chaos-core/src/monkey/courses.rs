//! The steady states of rules for groups, over the course of one run.

use std::{collections::BTreeMap, sync::Arc};

use futures_util::future::join_all;

use super::{
    core::{Core, Cut, Run},
    report::GroupSteadyState,
    terms::Terms,
};
use crate::{
    fault::FaultRecord,
    plan::{Planned, Reason},
    steady_state::{Course, SteadyState, before_alone},
};

/// The courses of the rules that the victims of a run are under, by the position of the terms.
#[derive(Debug, Default)]
pub(super) struct Courses(BTreeMap<usize, (Arc<Terms>, Arc<Course>)>);

impl Courses {
    /// Begins them, and spares the victims whose groups are not steady.
    pub(super) async fn begin(core: &Core, planned: &mut Planned, run: Run) -> Self {
        let begun = join_all(watched(planned).into_iter().map(|(terms, steady)| async move {
            let course = Course::begin(&steady, &core.parts.clock, &core.observers, run.id, run.seed);
            let unsteady = course.before_plan().await.err();
            (terms, course, unsteady)
        }));
        let (mut courses, mut unsteady) = (Self::default(), BTreeMap::new());
        for (terms, course, why) in begun.await {
            unsteady.extend(why.map(|why| (terms.index, why)));
            courses.0.insert(terms.index, (terms, course));
        }
        spare(planned, &unsteady);
        courses
    }

    /// What cuts a victim under these terms short.
    pub(super) fn cut(&self, cut: &Cut, terms: &Terms) -> Cut {
        cut.and(self.0.get(&terms.index).map(|(_, course)| Arc::clone(course)))
    }

    /// Looks until the groups under these terms, which had these faults, are steady again.
    pub(super) async fn conclude(
        &self,
        terms: usize,
        faults: &[FaultRecord],
        cut: &Cut,
    ) -> Option<GroupSteadyState> {
        let (terms, course) = self.0.get(&terms).filter(|_| !faults.is_empty())?;
        let report = course.conclude(faults, cut.clone().wait_for_order()).await;
        Some(GroupSteadyState { rule: terms.rule.clone().unwrap_or_default(), report })
    }
}

/// Spares the victims whose groups are not steady, in a plan that belongs to no run.
pub(super) async fn spare_unsteady(core: &Core, planned: &mut Planned) {
    let looks = watched(planned).into_iter().map(|(terms, steady)| async move {
        Some((terms.index, before_alone(&steady, &core.parts.clock).await.err()?))
    });
    let unsteady = join_all(looks).await.into_iter().flatten().collect();
    spare(planned, &unsteady);
}

/// The terms of the victims that have a steady state of their own.
fn watched(planned: &Planned) -> Vec<(Arc<Terms>, SteadyState)> {
    let terms = planned.victims.iter().map(|victim| (victim.terms.index, &victim.terms));
    let terms: BTreeMap<usize, &Arc<Terms>> = terms.collect();
    terms.into_values().filter_map(|terms| Some((Arc::clone(terms), terms.steady_state.clone()?))).collect()
}

fn spare(planned: &mut Planned, unsteady: &BTreeMap<usize, Reason>) {
    for index in (0..planned.victims.len()).rev() {
        if let Some(reason) = unsteady.get(&planned.victims[index].terms.index) {
            planned.spare(index, reason);
        }
    }
}
