//! Functions that inject events into members of groups.

use std::sync::Arc;

use chaos_core::{
    BlastRadius, Error, ErrorKind, GroupId, Monkey, Result, RunReport, TargetId, provider::GroupFilter,
};
use futures_util::future::join_all;
use serde_json::Value;
use tokio::sync::oneshot;

use super::{
    budget::BACK_WITHIN, engine::called, injection_watch::InjectionWatch, narrow_journal::NarrowJournal,
    state::State,
};
use crate::{
    experiment::PythonProvider,
    functions::{Call, Function, Injection, Narrowed, Share, recoveries as events},
    runner::{Trouble, TroubleKind},
};

/// The run of the event in one group.
struct GroupRun {
    share: Share,
    monkey: Monkey,
    injections: InjectionWatch,
}

impl State {
    /// Injects what a function asks for, if all of it can be, and returns when it is injected, or, if the event has a
    /// duration, when it is undone.
    pub(crate) async fn inject_by(
        &self,
        function: &'static Function,
        python: &PythonProvider,
    ) -> Result<Value, Trouble> {
        let names = self.names();
        let call = called(function, python, &names, &self.clock)?;
        self.inject_into_groups(&call).await.map_err(|error| {
            let kind =
                if error.kind() == ErrorKind::Refused { TroubleKind::Refused } else { TroubleKind::Unknown };
            Trouble::new(kind, error.chain(), &names)
        })
    }

    async fn inject_into_groups(&self, call: &Call) -> Result<Value> {
        let injection = Injection::of(call, self.method_rest(), self.entropy.draw()?).await?;
        let group_runs = injection
            .shares
            .iter()
            .map(|share| self.group_run(&injection, share))
            .collect::<Result<Vec<_>>>()?;
        // Of one victim there is no part that could be hit without the rest.
        if group_runs.iter().map(|run| run.share.count).sum::<usize>() > 1 {
            for run in &group_runs {
                run.may_be_hit().await?;
            }
        }
        let mut begun = Vec::new();
        for run in group_runs {
            let told = self.begin_event(run.monkey.clone(), injection.event_kind.lasts())?;
            begun.push((run, told));
        }
        let ends =
            join_all(begun.into_iter().map(|(run, told)| run.hit(told, injection.event_kind.goes_on())))
                .await;
        let (mut hit, mut failed) = (Vec::new(), Vec::new());
        for end in ends {
            let (group, victims, mut reasons) = end?;
            hit.push((group, victims));
            failed.append(&mut reasons);
        }
        if failed.is_empty() {
            return Ok(injection.output(&hit));
        }
        let count: usize = hit.iter().map(|(_, victims)| victims.len()).sum();
        let what = match count {
            0 => "nobody was hit".to_owned(),
            _ => format!("not all that were asked for were hit, but {count}, which are undone as always"),
        };
        Err(Error::new(ErrorKind::Other, what).with("not_hit", failed.join("; ")))
    }

    fn group_run(&self, injection: &Injection, share: &Share) -> Result<GroupRun> {
        let under_fault = {
            let mut events = self.events();
            let asked = events.asked.entry(share.group.id.clone()).or_default();
            let before = *asked;
            *asked = before.saturating_add(share.count);
            before
        };
        // The numbers of the file are the blast radius of this step. Those of the steps before it count beside them.
        let blast_radius = BlastRadius::default()
            .targets_per_group(share.count.saturating_add(under_fault))
            .targets_per_run(share.count)
            .min_healthy(0)
            .max_active(usize::MAX);
        let injections = InjectionWatch::new();
        let mut builder = Monkey::builder()
            .provider(Narrowed::new(injection.provider(&share.group.id)?, share))
            .event(Arc::clone(&injection.event))
            .groups(GroupFilter::only([share.group.id.as_str()]))
            .blast_radius(blast_radius)
            .concurrency(share.count)
            .recovery_budget(BACK_WITHIN)
            .also_observe(injections.clone())
            .clock(Arc::clone(&self.clock))
            .entropy(Arc::clone(&self.entropy));
        if let Some(calendar) = &self.calendar {
            builder = builder.calendar(Arc::clone(calendar));
        }
        let journal = NarrowJournal::recovering_nothing(&self.journal);
        let monkey = builder.unleash(journal, events()).build()?;
        Ok(GroupRun { share: share.clone(), monkey, injections })
    }
}

impl GroupRun {
    /// Whether a run would hit as many as were asked for. It touches nothing.
    async fn may_be_hit(&self) -> Result<()> {
        let plan = self.monkey.plan().await?;
        let chosen = plan.chosen().count();
        if chosen == self.share.count {
            return Ok(());
        }
        let Share { group, count, .. } = &self.share;
        let group = &group.id;
        let what = format!("nobody was hit: {count} of {group} were asked for, and {chosen} may be hit");
        Err(Error::new(ErrorKind::Refused, what).with("why", plan.why_nothing().join("; ")))
    }

    /// The victims, and why there are fewer than were asked for.
    async fn hit(
        self,
        told: oneshot::Receiver<Result<RunReport>>,
        goes_on: bool,
    ) -> Result<(GroupId, Vec<TargetId>, Vec<String>)> {
        let count = self.share.count;
        let over = async {
            told.await.unwrap_or_else(|_| Err(Error::new(ErrorKind::Other, "the run of the event broke off")))
        };
        let report = if goes_on {
            tokio::select! {
                biased;
                () = self.injections.all(count) => None,
                report = over => Some(report?),
            }
        } else {
            Some(over.await?)
        };
        let mut seen = self.injections.seen();
        if let Some(report) = report
            && seen.injected.len() + seen.failed.len() < count
        {
            seen.failed.extend(report.why_nothing());
        }
        if seen.failed.is_empty() && seen.injected.len() < count {
            seen.failed.push(format!("{} of {count} in {}", seen.injected.len(), self.share.group.id));
        }
        Ok((self.share.group.id, seen.injected, seen.failed))
    }
}
