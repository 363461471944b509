//! Temporary refusals.

use std::sync::Arc;

use chaos_core::{MemoryJournal, Registry, Result, testing::PowerOn};

use super::{
    Adversity,
    held::{Attempts, held, power_off, replayed},
    scene::{Scene, happens, in_doubt},
};
use crate::{
    contract::orders::Orders,
    faulty::TargetCall,
    report::{Checked, Finding, Suite, ensure, not_applicable},
};

/// The number of refused attempts after which a platform works again.
const REFUSALS: usize = 3;

pub(super) async fn check<A: Adversity>(suite: &mut Suite<'_>, fresh: &impl AsyncFn() -> Result<A>) {
    let timing = suite.timing;
    suite
        .check("three refusals of a recovery, then fine", async {
            let scene = Scene::set(timing, fresh).await?;
            in_each_way(&scene, async |way| recovers(&scene, way).await).await
        })
        .await;
    suite
        .check("three refusals of a replay, then fine", async {
            let scene = Scene::set(timing, fresh).await?;
            in_each_way(&scene, async |way| recovers_elsewhere(&scene, way).await).await
        })
        .await;
    suite
        .check("what is refused before a fault is a doubt", async {
            let scene = Scene::set(timing, fresh).await?;
            in_each_way(&scene, async |way| injects_nothing(&scene, way).await).await
        })
        .await;
}

/// Does `check` with each kind of refusal, and tells which one broke it.
async fn in_each_way<A: Adversity>(scene: &Scene<A>, check: impl AsyncFn(&str) -> Checked) -> Checked {
    let (mut never, mut seen) = (Vec::new(), 0);
    for way in scene.world.refusals() {
        let checked = check(way).await;
        scene.world.heal().await?;
        match checked {
            Ok(()) => seen += 1,
            Err(Finding::NotApplicable(reason)) => never.push(format!("{way}: {reason}")),
            Err(Finding::Violated(why)) => return Err(Finding::Violated(format!("{way}: {why}"))),
        }
    }
    match seen {
        0 if never.is_empty() => not_applicable("the fixture names no way of refusing"),
        0 => not_applicable(never.join("; ")),
        _ => Ok(()),
    }
}

async fn recovers<A: Adversity>(scene: &Scene<A>, way: &str) -> Checked {
    let (attempts, orders) = (Attempts::new(), Orders::default());
    let provider = orders.to_targets_of(scene.world.provider().await?);
    let in_the_hold = async |_: &_| {
        scene.is_stopped().await?;
        refuse(scene, way).await
    };
    held(&scene.stage, provider, &attempts, in_the_hold, fine_again(scene, &attempts)).await?;
    ensure!(orders.given().contains(&TargetCall::Start), "nothing started the target");
    scene.is_healthy().await
}

async fn recovers_elsewhere<A: Adversity>(scene: &Scene<A>, way: &str) -> Checked {
    let (attempts, orders) = (Attempts::new(), Orders::default());
    let provider = orders.to_targets_of(scene.world.provider().await?);
    let in_the_hold = async |fault: &_| {
        scene.is_stopped().await?;
        refuse(scene, way).await?;
        let ended = replayed(&scene.stage, provider, fault, &attempts, fine_again(scene, &attempts)).await;
        // Whatever the result, the fault itself must be recovered as well.
        scene.world.heal().await?;
        ended?;
        ensure!(orders.given().contains(&TargetCall::Start), "nothing started the target");
        scene.is_healthy().await
    };
    let provider = Arc::clone(&scene.stage.provider);
    held(&scene.stage, provider, &Attempts::new(), in_the_hold, async { Ok(()) }).await.map(drop)
}

async fn refuse<A: Adversity>(scene: &Scene<A>, way: &str) -> Checked {
    happens(scene.world.refuse(way).await?)
}

async fn fine_again<A: Adversity>(scene: &Scene<A>, attempts: &Attempts) -> Checked {
    attempts.failed(REFUSALS).await;
    Ok(scene.world.heal().await?)
}

/// Neither when a whole listing is requested, nor when one target is.
async fn injects_nothing<A: Adversity>(scene: &Scene<A>, way: &str) -> Checked {
    let (stage, orders) = (&scene.stage, Orders::default());
    let provider = orders.to_targets_of(scene.world.provider().await?);
    let registry = Registry::default().register::<PowerOn>();
    let listing = scene.world.provider().await?;
    let listing = stage.builder(listing).event(power_off(stage)).build()?;
    let monkey = stage.monkey_over(provider, MemoryJournal::new(), registry, stage.retry())?;
    refuse(scene, way).await?;
    let plan = listing.plan().await?;
    ensure!(plan.chosen().next().is_none(), "a target was chosen: {plan}");
    in_doubt(stage, &plan)?;
    let report = monkey.inject(power_off(stage), &stage.target).await?;
    ensure!(report.faults.is_empty() && orders.given().is_empty(), "it was injected: {report}");
    in_doubt(stage, &report.plan)
}
