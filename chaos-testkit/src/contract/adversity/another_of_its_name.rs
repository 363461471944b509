//! A deleted target, and another one with its name.

use std::sync::Arc;

use chaos_core::{
    Result,
    fault::{FaultRecord, Milestone},
};

use super::{
    Adversity,
    held::{Attempts, held, replayed},
    scene::{Scene, happens},
};
use crate::{
    contract::orders::Orders,
    report::{Checked, Suite, ensure},
    stage::Look,
};

pub(super) async fn check<A: Adversity>(suite: &mut Suite<'_>, fresh: &impl AsyncFn() -> Result<A>) {
    let timing = suite.timing;
    suite
        .check("another target of this name is left alone", async {
            let scene = Scene::set(timing, fresh).await?;
            let (orders, mut other) = (Orders::default(), None);
            let provider = orders.to_targets_of(scene.world.provider().await?);
            let in_the_hold = async |_: &_| {
                other = Some(replace(&scene).await?);
                orders.forget();
                Ok(())
            };
            let ended = held(&scene.stage, provider, &Attempts::new(), in_the_hold, async { Ok(()) }).await?;
            is_gone(&ended)?;
            is_untouched(&scene, &orders, other.as_ref()).await
        })
        .await;
    suite
        .check("another target of this name is left alone by a replay", async {
            let scene = Scene::set(timing, fresh).await?;
            let in_the_hold = async |fault: &_| {
                let (orders, other) = (Orders::default(), replace(&scene).await?);
                let provider = orders.to_targets_of(scene.world.provider().await?);
                let done = async { Ok(()) };
                let ended = replayed(&scene.stage, provider, fault, &Attempts::new(), done).await?;
                is_gone(&ended)?;
                is_untouched(&scene, &orders, Some(&other)).await
            };
            let provider = Arc::clone(&scene.stage.provider);
            held(&scene.stage, provider, &Attempts::new(), in_the_hold, async { Ok(()) }).await.map(drop)
        })
        .await;
}

/// Returns the state of the other one.
async fn replace<A: Adversity>(scene: &Scene<A>) -> Checked<Look> {
    scene.is_stopped().await?;
    happens(scene.world.replace_target().await?)?;
    scene.elsewhere().await?.settled().await
}

fn is_gone(ended: &FaultRecord) -> Checked {
    let is_back = ended.milestones.iter().any(|reached| reached.milestone == Milestone::Healthy);
    ensure!(!is_back, "it took the other target for its own, and counts it as healthy again");
    ensure!(ended.gone && ended.note.is_some(), "it does not say that its target is gone");
    Ok(())
}

async fn is_untouched<A: Adversity>(scene: &Scene<A>, orders: &Orders, other: Option<&Look>) -> Checked {
    let given = orders.given();
    ensure!(given.is_empty(), "it received orders that were not meant for it: {given:?}");
    match other {
        Some(other) => scene.elsewhere().await?.stays(other, "the recovery changed the other one").await,
        None => Ok(()),
    }
}
