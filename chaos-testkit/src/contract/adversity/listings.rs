//! Groups that are listed twice, and endless listings.

use chaos_core::{Result, provider::GroupFilter};
use futures_util::StreamExt;

use super::{
    Adversity,
    scene::{Scene, happens, in_doubt},
};
use crate::report::{Checked, Suite, ensure, violated};

/// The most questions that a listing may ask, and the most groups that it may yield, before it counts as endless.
const MOST: usize = 3_000;

pub(super) async fn check<A: Adversity>(suite: &mut Suite<'_>, fresh: &impl AsyncFn() -> Result<A>) {
    let timing = suite.timing;
    suite
        .check("the same group twice is a doubt", async {
            let scene = Scene::set(timing, fresh).await?;
            let group = scene.stage.target.group();
            let plan = scene.plan().await?;
            ensure!(
                plan.chosen().any(|(target, _)| target.group() == group),
                "the fixture's group {group} must be one from which the plan chooses a target: {plan}"
            );
            happens(scene.world.list_twice().await?)?;
            let plan = scene.plan().await?;
            scene.world.heal().await?;
            in_doubt(&scene.stage, &plan)
        })
        .await;
    suite
        .check("a listing that never ends is an error", async {
            let scene = Scene::set(timing, fresh).await?;
            happens(scene.world.never_end().await?)?;
            let checked = ends_in_an_error(&scene).await;
            scene.world.heal().await?;
            checked
        })
        .await;
}

async fn ends_in_an_error<A: Adversity>(scene: &Scene<A>) -> Checked {
    let (provider, filter) = (scene.world.provider().await?, GroupFilter::all());
    let before = scene.world.asked().await?;
    let asked = async || -> Checked<usize> {
        let now = scene.world.asked().await?;
        Ok(before.zip(now).map_or(0, |(before, now)| now.saturating_sub(before)))
    };
    let mut groups = provider.groups(&filter);
    let mut yielded = 0;
    while let Some(group) = groups.next().await {
        if group.is_err() {
            let asked = asked().await?;
            ensure!(asked <= MOST, "it asked {asked} times before it gave up");
            return Ok(());
        }
        yielded += 1;
        let asked = asked().await?;
        ensure!(yielded.max(asked) <= MOST, "it goes on after {asked} questions and {yielded} groups");
    }
    violated(format!("it ended with {yielded} groups and without an error"))
}
