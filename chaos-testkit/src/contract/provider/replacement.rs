//! Whether a group replaces its members.

use chaos_core::{Capability, Group, Health, Provider, Result, provider::GroupFilter};
use futures_util::StreamExt;

use crate::{
    Subject, Timing,
    report::{Checked, Suite, ensure, not_applicable, violated},
    stage::Stage,
    trial::{Undo, trial},
};

pub(super) async fn check<P: Provider>(suite: &mut Suite<'_>, fresh: &impl AsyncFn() -> Result<P>) {
    let timing = suite.timing;
    suite
        .check("a group that replaces its members replaces one that is terminated", async {
            let stage = terminable(timing, Box::pin(fresh()).await, true).await?;
            terminate(&stage).await?;
            is_replaced(&stage).await
        })
        .await;
    suite
        .check("a group that replaces nobody leaves a terminated member gone", async {
            let stage = terminable(timing, Box::pin(fresh()).await, false).await?;
            let before = stage.group().await?;
            terminate(&stage).await?;
            is_not_replaced(&stage, &before).await
        })
        .await;
}

/// A member that can be terminated, of a group that declares `replaces` about its members.
async fn terminable<P: Provider>(timing: &Timing, provider: Result<P>, replaces: bool) -> Checked<Stage> {
    let provider = provider.or_else(|error| violated(format!("the fixture failed: {}", error.chain())))?;
    let (mut found, filter) = (None, GroupFilter::all());
    let mut groups = provider.groups(&filter);
    while let Some(group) = groups.next().await {
        let group = group?;
        if group.replaces_members == replaces && found.is_none() {
            found = group
                .members
                .iter()
                .filter(|member| member.excluded.is_none())
                .map(|member| &member.target)
                .find(|target| target.capabilities().set().contains(Capability::Terminate))
                .map(|target| target.id().clone());
        }
    }
    drop(groups);
    match found {
        Some(target) => Stage::set(timing, Ok(Subject::new(provider, target))).await,
        None => not_applicable(format!(
            "no group that declares replaces_members as {replaces} has a member that can be terminated"
        )),
    }
}

async fn terminate(stage: &Stage) -> Checked {
    let looking = stage.clone();
    let before = stage.look().await?;
    trial(stage, Undo::Nothing, move |target, permit| {
        Box::pin(async move {
            target.capabilities().lifecycle()?.terminate(permit).await?;
            looking.until_ended(&before).await
        })
    })
    .await
}

async fn is_replaced(stage: &Stage) -> Checked {
    let watch = stage.timing.watch_settling();
    loop {
        let group = stage.group().await?;
        if group.healthy() >= group.desired {
            return Ok(());
        }
        ensure!(
            watch.again().await,
            "{} declares that it replaces its members; {:?} after a termination {} of {} are healthy",
            group.id,
            stage.timing.settle_limit(),
            group.healthy(),
            group.desired
        );
    }
}

async fn is_not_replaced(stage: &Stage, before: &Group) -> Checked {
    let watch = stage.timing.watch_quiet();
    loop {
        let group = stage.group().await?;
        let newcomer = group.members.iter().find(|member| {
            let id = member.target.id();
            let is_new = before
                .member(id)
                .is_none_or(|old| *id == stage.target || old.incarnation != member.incarnation);
            is_new && !matches!(member.health, Health::Gone | Health::Stopped)
        });
        if let Some(newcomer) = newcomer {
            return violated(format!(
                "{} declares that it does not replace its members, but after the termination of {} there is {}, {}",
                group.id,
                stage.target,
                newcomer.target.id(),
                newcomer.health
            ));
        }
        if !watch.again().await {
            return Ok(());
        }
    }
}
