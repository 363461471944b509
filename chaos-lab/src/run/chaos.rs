//! Events and probes of this library as activities.

use std::{sync::Arc, time::Duration};

use chaos_core::{
    Error, ErrorKind, Monkey, Outcome, Result, RunReport, catalogue::Naming, steady_state::Reading,
};
use futures_util::future::join_all;
use serde_json::Value;
use tokio::sync::oneshot;

use super::{
    injecting::{Injected, Injecting},
    narrow_journal::NarrowJournal,
    state::{State, locked},
};
use crate::{
    experiment::{ChaosKind, ChaosProvider, chaos_order::ChaosOrder},
    runner::{Trouble, TroubleKind},
};

/// How long a probe may take.
const LIMIT: Duration = Duration::from_secs(30);

impl State {
    /// Injects an event and waits until its faults are undone, or asks a probe.
    pub(crate) async fn chaos(&self, chaos: &ChaosProvider) -> Result<Value, Trouble> {
        let names = self.names();
        let refused = |error: Error| Trouble::new(TroubleKind::Refused, error.chain(), &names);
        let settings = match names.substitute(&Value::Object(chaos.settings.clone())) {
            Value::Object(settings) => settings,
            _ => chaos.settings.clone(),
        };
        let chaos = ChaosProvider { settings, ..chaos.clone() };
        match chaos.kind {
            ChaosKind::Probe => {
                let probe = chaos.probe(&self.catalogues).map_err(refused)?;
                let looking = probe.look(self.clock.as_ref());
                let reading = tokio::select! {
                    biased;
                    reading = looking => reading,
                    () = self.clock.sleep(LIMIT) => {
                        let what = format!("the probe took longer than {LIMIT:?}");
                        return Err(Trouble::new(TroubleKind::Unknown, what, &names));
                    }
                };
                match reading {
                    Ok(Reading::Value(value)) => Ok(value),
                    Ok(Reading::NoAnswer(why)) => Err(Trouble::new(TroubleKind::NoAnswer, why, &names)),
                    Ok(_) => Err(Trouble::new(TroubleKind::Unknown, "an unknown kind of reading", &names)),
                    Err(error) => Err(Trouble::new(TroubleKind::Unknown, error.chain(), &names)),
                }
            }
            ChaosKind::Event => {
                let report = self.inject(&chaos).await.map_err(refused)?;
                let (outcome, why) = (report.outcome(), report.why_nothing().join("; "));
                let value = serde_json::to_value(&report).unwrap_or_default();
                match outcome {
                    Outcome::Skipped => {
                        let what = format!("nothing was injected: {why}");
                        Err(Trouble::new(TroubleKind::Refused, what, &names))
                    }
                    Outcome::Failed => Err(Trouble::new(
                        TroubleKind::Unknown,
                        "a fault failed; the report tells more",
                        &names,
                    )),
                    _ => Ok(value),
                }
            }
        }
    }

    async fn inject(&self, chaos: &ChaosProvider) -> Result<RunReport> {
        let order = ChaosOrder::read(chaos, &self.catalogues)?;
        let opened = self.catalogues.providers.open(&order.provider, &order.settings, Naming::Fields).await?;
        let filter = if order.groups.names().is_some() { order.groups } else { opened.filter };
        let builder = Monkey::builder()
            .event(Arc::clone(order.event.event()))
            .groups(filter)
            .blast_radius(order.blast_radius)
            .clock(Arc::clone(&self.clock))
            .entropy(Arc::clone(&self.entropy));
        let builder =
            opened.providers.into_iter().fold(builder, |builder, provider| builder.provider(provider));
        let builder = match &self.calendar {
            Some(calendar) => builder.calendar(Arc::clone(calendar)),
            None => builder,
        };
        let journal = NarrowJournal::recovering_nothing(&self.journal);
        let monkey = builder.unleash(journal, self.catalogues.events.registry()).build()?;
        let told = self.begin_event(monkey, false)?;
        told.await.unwrap_or_else(|_| Err(Error::new(ErrorKind::Other, "the run of the event broke off")))
    }

    /// Begins the run of an event. Its report comes when it is over. `lasts` tells whether its faults are to be held
    /// until the method is over.
    ///
    /// # Errors
    /// If the method is over.
    pub(crate) fn begin_event(
        &self,
        monkey: Monkey,
        lasts: bool,
    ) -> Result<oneshot::Receiver<Result<RunReport>>> {
        // A task of its own, so that the report of a run that is cut short is not lost.
        let (tell, told) = oneshot::channel();
        let (reports, running) = (self.injected(), monkey.clone());
        let run = async move {
            let report = running.run_once().await;
            if let Ok(report) = &report {
                locked(&reports).push(Injected { report: report.clone(), lasts });
            }
            let _ = tell.send(report);
        };
        let mut events = self.events();
        if events.is_closed {
            return Err(Error::new(ErrorKind::Refused, "the method is over"));
        }
        events.running.push(Injecting { monkey, task: tokio::spawn(run) });
        Ok(told)
    }

    /// Lets no event begin any more, and waits until every fault of those that have begun is undone.
    pub(crate) async fn end_faults(&self) {
        let (running, calls) = {
            let mut events = self.events();
            events.is_closed = true;
            (std::mem::take(&mut events.running), std::mem::take(&mut events.calls))
        };
        let calls = join_all(calls);
        // Side by side, because the recovery of one may take long.
        let faults = join_all(running.into_iter().map(|Injecting { monkey, task }| async move {
            monkey.shutdown().await;
            let _ = task.await;
        }));
        tokio::join!(calls, faults);
    }
}
