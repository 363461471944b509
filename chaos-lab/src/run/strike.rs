//! Functions that inject events into members of groups.

use std::{sync::Arc, time::Duration};

use chaos_core::{
    BlastRadius, Error, ErrorKind, GroupId, Monkey, Result, RunReport, TargetId, provider::GroupFilter,
};
use futures_util::future::join_all;
use serde_json::Value;
use tokio::sync::oneshot;

use super::{engine::called, narrow_journal::NarrowJournal, state::State, struck::Struck};
use crate::{
    experiment::PythonProvider,
    functions::{Aim, Call, Function, Narrowed, Share, recoveries as events},
    runner::{Trouble, TroubleKind},
};

/// How long the recovery of such a fault may take. A group replaces a member in minutes.
pub(crate) const BACK_WITHIN: Duration = Duration::from_secs(900);

/// One group of a strike.
struct Party {
    share: Share,
    monkey: Monkey,
    struck: Struck,
}

impl State {
    /// Injects what a function asks for, if all of it can be, and returns when it is injected, or, if the event has a
    /// duration, when it is undone.
    pub(crate) async fn strike(
        &self,
        function: &'static Function,
        python: &PythonProvider,
    ) -> Result<Value, Trouble> {
        let names = self.names();
        let call = called(function, python, &names, &self.clock)?;
        self.struck(&call).await.map_err(|error| {
            let kind =
                if error.kind() == ErrorKind::Refused { TroubleKind::Refused } else { TroubleKind::Unknown };
            Trouble::new(kind, error.chain(), &names)
        })
    }

    async fn struck(&self, call: &Call) -> Result<Value> {
        let aim = Aim::of(call, self.method_rest(), self.entropy.draw()?).await?;
        let parties = aim.shares.iter().map(|share| self.party(&aim, share)).collect::<Result<Vec<_>>>()?;
        // Of one victim there is no part that could be hit without the rest.
        if parties.iter().map(|party| party.share.count).sum::<usize>() > 1 {
            for party in &parties {
                party.may_be_hit().await?;
            }
        }
        let mut begun = Vec::new();
        for party in parties {
            let told = self.begin_event(party.monkey.clone(), aim.blow.lasts())?;
            begun.push((party, told));
        }
        let ends = join_all(begun.into_iter().map(|(party, told)| party.hit(told, aim.blow.goes_on()))).await;
        let (mut hit, mut failed) = (Vec::new(), Vec::new());
        for end in ends {
            let (group, victims, mut reasons) = end?;
            hit.push((group, victims));
            failed.append(&mut reasons);
        }
        if failed.is_empty() {
            return Ok(aim.output(&hit));
        }
        let count: usize = hit.iter().map(|(_, victims)| victims.len()).sum();
        let what = match count {
            0 => "nobody was hit".to_owned(),
            _ => format!("not all that were asked for were hit, but {count}, which are undone as always"),
        };
        Err(Error::new(ErrorKind::Other, what).with("not_hit", failed.join("; ")))
    }

    fn party(&self, aim: &Aim, share: &Share) -> Result<Party> {
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
        let struck = Struck::new();
        let mut builder = Monkey::builder()
            .provider(Narrowed::new(aim.provider(&share.group.id)?, share))
            .event(Arc::clone(&aim.event))
            .groups(GroupFilter::only([share.group.id.as_str()]))
            .blast_radius(blast_radius)
            .concurrency(share.count)
            .recovery_budget(BACK_WITHIN)
            .also_observe(struck.clone())
            .clock(Arc::clone(&self.clock))
            .entropy(Arc::clone(&self.entropy));
        if let Some(calendar) = &self.calendar {
            builder = builder.calendar(Arc::clone(calendar));
        }
        let journal = NarrowJournal::recovering_nothing(&self.journal);
        let monkey = builder.unleash(journal, events()).build()?;
        Ok(Party { share: share.clone(), monkey, struck })
    }
}

impl Party {
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
                () = self.struck.all(count) => None,
                report = over => Some(report?),
            }
        } else {
            Some(over.await?)
        };
        let mut seen = self.struck.seen();
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
