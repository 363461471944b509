//! The checks.

use std::sync::{Arc, Mutex};

use chaos_core::{
    Capability, CapabilitySet, ChaosEvent, Group, Journal, MemoryJournal, Outcome, Provider, Registry,
    Result,
    plan::{Decision, Reason},
};

use super::{
    look::{OnlyPrepared, Preparation, members},
    use_of::{Lacking, Used},
};
use crate::{
    Subject,
    faulty::{Altered, Faulty},
    report::{Checked, Suite, ensure, not_applicable, violated},
    stage::{Stage, why_nothing},
    trial::held,
};

const NO_FINGERPRINT: &str = "the fixture gives no fingerprint";

/// An event and the registry that reads its recovery back.
struct Case<'a> {
    event: &'a Arc<dyn ChaosEvent>,
    registry: &'a Registry,
}

pub(super) async fn check(
    suite: &mut Suite<'_>,
    event: &Arc<dyn ChaosEvent>,
    registry: &Registry,
    fresh: &impl AsyncFn() -> Result<Subject>,
) {
    let timing = suite.timing;
    let set = async || Stage::set(timing, Box::pin(fresh()).await).await;
    let case = Case { event, registry };

    suite.check("the name is well-formed", async { well_named(event.name()) }).await;
    suite
        .check("it describes itself the same at every call", async { case.is_constant(&set().await?).await })
        .await;
    suite.check("preparing touches nothing", async { case.only_looks(&set().await?).await }).await;
    suite
        .check("preparing leaves the fingerprint as it was", async {
            case.prepares_without_a_trace(&set().await?).await
        })
        .await;
    suite
        .check("the registry reads its recovery back", async { case.is_readable(&set().await?).await })
        .await;
    suite
        .check("it is injected and the target comes back", async {
            let stage = set().await?;
            let healthy = stage.group().await?.healthy();
            case.inject(&stage, Arc::clone(&stage.provider)).await?;
            stage.whole_again(healthy).await
        })
        .await;
    suite
        .check("its recovery puts the fingerprint back", async { case.leaves_no_trace(&set().await?).await })
        .await;
    suite
        .check("it leaves the rest of its group alone", async {
            let stage = set().await?;
            let before = members(&stage.group().await?).await?;
            case.inject(&stage, Arc::clone(&stage.provider)).await?;
            let after = members(&stage.group().await?).await?;
            match before.iter().find(|(id, seen)| **id != stage.target && after.get(id) != Some(seen)) {
                Some((id, seen)) => violated(format!("{id} was {seen:?} and is {:?}", after.get(id))),
                None => Ok(()),
            }
        })
        .await;
    suite
        .check("it uses what it requires and nothing else", async {
            case.uses_what_it_requires(&set().await?).await
        })
        .await;
    suite
        .check("a target that lacks what it requires is left alone", async {
            if event.requires().is_empty() {
                return not_applicable("it requires nothing");
            }
            for capability in event.requires().iter() {
                case.avoids_lacking(&set().await?, capability).await?;
            }
            Ok(())
        })
        .await;
    suite
        .check("a group that it does not suit is left alone", async {
            case.avoids_unsuitable(&set().await?).await
        })
        .await;
}

fn well_named(name: &str) -> Checked {
    let is_right = name.split('-').all(|word| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    });
    ensure!(is_right, "{name:?} is not made of lower-case words with hyphens");
    Ok(())
}

impl Case<'_> {
    async fn is_constant(&self, stage: &Stage) -> Checked {
        let (event, group) = (self.event, stage.group().await?);
        let describe = || (event.name(), event.requires(), event.hold(), event.suits(&group));
        let first = describe();
        for _ in 0..3 {
            let again = describe();
            ensure!(again == first, "{first:?} and then {again:?}");
        }
        Ok(())
    }

    async fn only_looks(&self, stage: &Stage) -> Checked {
        let (preparation, journal) = self.prepare(stage).await?;
        preparation.recovery_kind?;
        let (before, after) = (preparation.before, preparation.after);
        ensure!(before == after, "the members were {before:?} before and {after:?} after");
        let pending = journal.pending().await?.faults;
        ensure!(pending.is_empty(), "the journal holds {pending:?}");
        Ok(())
    }

    async fn prepares_without_a_trace(&self, stage: &Stage) -> Checked {
        let (preparation, _) = self.prepare(stage).await?;
        preparation.recovery_kind?;
        let Some((before, after)) = preparation.fingerprints else { return not_applicable(NO_FINGERPRINT) };
        ensure!(before == after, "the fingerprint was {before:?} before and {after:?} after");
        Ok(())
    }

    /// If a fingerprint does not change while the fault is held, it proves nothing that it is the same afterwards.
    async fn leaves_no_trace(&self, stage: &Stage) -> Checked {
        let Some(fingerprint) = &stage.fingerprint else { return not_applicable(NO_FINGERPRINT) };
        let before = fingerprint.read().await?;
        let (injecting, mut is_seen) = (self.inject(stage, Arc::clone(&stage.provider)), false);
        let watching = async {
            while !is_seen {
                is_seen = fingerprint.read().await.is_ok_and(|now| now != before);
                stage.timing.pause().await;
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            biased;
            injected = injecting => injected?,
            () = watching => {}
        }
        let watch = stage.timing.watch_settling();
        loop {
            let after = fingerprint.read().await?;
            if after == before {
                break;
            }
            ensure!(watch.again().await, "the fingerprint was {before:?} before and is {after:?} after");
        }
        if is_seen {
            Ok(())
        } else {
            not_applicable("the fingerprint never differed while the fault was held")
        }
    }

    async fn is_readable(&self, stage: &Stage) -> Checked {
        let kind = self.prepare(stage).await?.0.recovery_kind?;
        let known: Vec<&str> = self.registry.kinds().collect();
        ensure!(known.contains(&kind), "its recovery is {kind:?}, and registered is {known:?}");
        Ok(())
    }

    async fn prepare(&self, stage: &Stage) -> Checked<(Preparation, MemoryJournal)> {
        let (journal, seen) = (MemoryJournal::new(), Arc::new(Mutex::new(None)));
        let only_prepared = OnlyPrepared {
            inner: Arc::clone(self.event),
            fingerprint: stage.fingerprint.clone(),
            seen: Arc::clone(&seen),
        };
        let monkey = stage.monkey(journal.clone(), self.registry.clone())?;
        let report = monkey.inject(only_prepared, &stage.target).await?;
        match held(&seen).take() {
            Some(preparation) => Ok((preparation, journal)),
            None => violated(format!("it was not prepared: {}", why_nothing(&report))),
        }
    }

    /// A whole fault, from the injection until the target is back.
    async fn inject(&self, stage: &Stage, provider: impl Provider) -> Checked {
        let journal = MemoryJournal::new();
        let monkey = stage.monkey_over(provider, journal.clone(), self.registry.clone(), stage.retry())?;
        let report = monkey.inject(Arc::clone(self.event), &stage.target).await?;
        ensure!(!report.faults.is_empty(), "it was not injected: {}", why_nothing(&report));
        let failures: Vec<_> = report
            .faults
            .iter()
            .filter_map(|fault| fault.failure.as_ref())
            .map(ToString::to_string)
            .collect();
        // A correct event may find nothing to hit: no packet to drop, or a disk that is already full.
        let is_right = matches!(report.outcome(), Outcome::Completed | Outcome::NoEffect);
        ensure!(is_right, "{report}: {}", failures.join("; "));
        let pending = journal.pending().await?.faults;
        ensure!(pending.is_empty(), "the journal still holds {pending:?}");
        Ok(())
    }

    async fn uses_what_it_requires(&self, stage: &Stage) -> Checked {
        let used = Arc::new(Used::default());
        let watching = Arc::clone(&used);
        let provider = Altered::new(Arc::clone(&stage.provider))
            .targets(move |target| Arc::new(Faulty::new(target, Arc::clone(&watching))));
        self.inject(stage, provider).await?;
        let (used, requires) = (used.set(), self.event.requires());
        let undeclared = used.missing_from(requires);
        ensure!(undeclared.is_empty(), "it used {undeclared} and requires [{requires}]");
        // A recovery may need to start a stopped target, although it rarely finds it stopped.
        let unused = requires.missing_from(used.union(CapabilitySet::of([Capability::Start])));
        ensure!(unused.is_empty(), "it requires {unused} and used [{used}]");
        Ok(())
    }

    async fn avoids_lacking(&self, stage: &Stage, capability: Capability) -> Checked {
        let lacking = Altered::new(Arc::clone(&stage.provider))
            .targets(move |inner| Arc::new(Lacking { inner, without: capability }));
        self.refused(
            stage,
            lacking,
            |reason| matches!(reason, Reason::LacksCapability { missing, .. } if missing.contains(capability)),
        )
        .await
    }

    async fn avoids_unsuitable(&self, stage: &Stage) -> Checked {
        let group = stage.group().await?;
        if let Err(why) = self.event.suits(&group) {
            return violated(format!("the fixture's group {} does not suit it: {why}", group.id));
        }
        let other_kind = |group: Group| {
            let replaces = group.replaces_members;
            group.replaces_members(!replaces)
        };
        if self.event.suits(&other_kind(group)).is_ok() {
            return not_applicable("it suits groups that replace their members and groups that do not");
        }
        let provider = Altered::new(Arc::clone(&stage.provider)).groups(other_kind);
        self.refused(stage, provider, |reason| matches!(reason, Reason::Unsuitable { .. })).await
    }

    /// Checks that nothing is injected, for a reason of the right kind.
    async fn refused(
        &self,
        stage: &Stage,
        provider: impl Provider,
        is_right: impl Fn(&Reason) -> bool,
    ) -> Checked {
        let monkey =
            stage.monkey_over(provider, MemoryJournal::new(), self.registry.clone(), stage.retry())?;
        let report = monkey.inject(Arc::clone(self.event), &stage.target).await?;
        ensure!(report.faults.is_empty(), "it was injected nevertheless: {report}");
        let decision = report
            .plan
            .groups
            .iter()
            .flat_map(|group| &group.targets)
            .find(|target| target.id == stage.target)
            .map(|target| &target.decision);
        match decision {
            Some(Decision::NotChosen { reason, .. }) if is_right(reason) => Ok(()),
            _ => violated(format!("it was left alone for another reason: {}", why_nothing(&report))),
        }
    }
}
