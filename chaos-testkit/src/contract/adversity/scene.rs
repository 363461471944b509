use std::future::Future;

use chaos_core::{
    BlastRadius, Capability, CapabilitySet, Health, Result,
    plan::{Decision, Plan, Reason},
};

use super::{Adversity, Happens, held::power_off};
use crate::{
    Subject, Timing,
    report::{Checked, ensure, not_applicable, violated},
    stage::Stage,
};

/// A world, and a stage over it whose target is healthy, and can be stopped and started.
pub(super) struct Scene<A> {
    pub(super) world: A,
    pub(super) stage: Stage,
}

impl<A: Adversity> Scene<A> {
    pub(super) async fn set(timing: &Timing, fresh: &impl AsyncFn() -> Result<A>) -> Checked<Self> {
        let world = Box::pin(fresh()).await;
        let world = world.or_else(|error| violated(format!("the fixture failed: {}", error.chain())))?;
        let subject = world.provider().await.map(|provider| Subject::new(provider, world.target().clone()));
        let stage = Stage::set(timing, subject).await?;
        let needed = CapabilitySet::of([Capability::Stop, Capability::Start]);
        let missing = needed.missing_from(stage.handle().await?.capabilities().set());
        if !missing.is_empty() {
            return not_applicable(format!("the fixture's target {} lacks {missing}", stage.target));
        }
        Ok(Self { world, stage })
    }

    /// A stage as seen from another process.
    pub(super) async fn elsewhere(&self) -> Checked<Stage> {
        Ok(Stage { provider: self.world.provider().await?, ..self.stage.clone() })
    }

    /// The groups in a listing of the world: the target's group and all others.
    pub(super) async fn plan(&self) -> Checked<Plan> {
        let stage = self.elsewhere().await?;
        let one_of_each = BlastRadius::default().min_healthy(0).targets_per_run(1_000);
        let monkey =
            self.stage.builder(stage.provider).event(power_off(&self.stage)).blast_radius(one_of_each);
        Ok(monkey.build()?.plan().await?)
    }

    /// Waits until a fresh look sees the target stopped.
    pub(super) async fn is_stopped(&self) -> Checked {
        let stage = self.elsewhere().await?;
        stage.until("the target is not stopped", |look| look.health == Health::Stopped).await.map(drop)
    }

    /// Waits until a fresh look sees the target healthy.
    pub(super) async fn is_healthy(&self) -> Checked {
        let stage = self.elsewhere().await?;
        stage.until("the target is not back", |look| look.health == Health::Healthy).await.map(drop)
    }

    /// The number of questions that `asking` asks, if they are counted.
    pub(super) async fn counting<T>(&self, asking: impl Future<Output = T>) -> Checked<(T, Option<usize>)> {
        let before = self.world.asked().await?;
        let result = asking.await;
        let after = self.world.asked().await?;
        Ok((result, before.zip(after).map(|(before, after)| after.saturating_sub(before))))
    }
}

/// Ends a check if the trouble cannot happen.
pub(super) fn happens(happens: Happens) -> Checked {
    match happens {
        Happens::Now => Ok(()),
        Happens::Never(reason) => not_applicable(reason),
    }
}

/// A plan leaves the target's group alone because something was uncertain.
pub(super) fn in_doubt(stage: &Stage, plan: &Plan) -> Checked {
    let chosen =
        plan.chosen().map(|(target, _)| target).find(|target| target.group() == stage.target.group());
    if let Some(chosen) = chosen {
        return violated(format!("{chosen} was chosen"));
    }
    let is_doubt = |reason: &Reason| matches!(reason, Reason::Doubt { .. } | Reason::Excluded { .. });
    let of_target = plan
        .groups
        .iter()
        .filter(|group| group.id == stage.target.group())
        .flat_map(|group| {
            let targets = group.targets.iter().filter(|target| target.id == stage.target);
            let reasons = targets.filter_map(|target| match &target.decision {
                Decision::NotChosen { reason, .. } => Some(reason),
                _ => None,
            });
            group.reason.iter().chain(reasons)
        })
        .any(is_doubt);
    ensure!(
        of_target || !plan.doubts.is_empty() || plan.refused.as_ref().is_some_and(is_doubt),
        "{} was left alone without a doubt: {}",
        stage.target,
        plan.why_nothing().join("; ")
    );
    Ok(())
}
