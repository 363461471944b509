//! The appearance of a target.

use chaos_core::{Capability, CapabilitySet, Result};

use crate::{
    Subject,
    report::{Suite, ensure, not_applicable, violated},
    stage::Stage,
};

const LIFECYCLE: [Capability; 4] =
    [Capability::Terminate, Capability::Stop, Capability::Start, Capability::Reboot];

pub(super) async fn check(suite: &mut Suite<'_>, fresh: &impl AsyncFn() -> Result<Subject>) {
    let timing = suite.timing;
    let stage = Stage::set(timing, Box::pin(fresh()).await).await;

    suite.check("the target is healthy at first", async { stage.clone().map(|_| ()) }).await;
    suite
        .check("the id is the same for every handle", async {
            let stage = stage.clone()?;
            let group = stage.group().await?;
            ensure!(
                group.member(&stage.target).is_some(),
                "the group {} has no member {}",
                group.id,
                stage.target
            );
            for _ in 0..2 {
                let handle = stage.handle().await?;
                ensure!(
                    *handle.id() == stage.target,
                    "{} resolves to a target that calls itself {}",
                    stage.target,
                    handle.id()
                );
            }
            Ok(())
        })
        .await;
    suite
        .check("the labels are the same for every handle", async {
            let stage = stage.clone()?;
            let (one, other) = (stage.handle().await?, stage.handle().await?);
            ensure!(one.labels() == other.labels(), "{:?} and then {:?}", one.labels(), other.labels());
            let group = stage.group().await?;
            let listed = group.member(&stage.target).map(|member| member.target.labels());
            ensure!(
                listed == Some(one.labels()),
                "{listed:?} in the group and {:?} when resolved",
                one.labels()
            );
            Ok(())
        })
        .await;
    suite
        .check("the capabilities are the same at every call", async {
            let stage = stage.clone()?;
            let (one, other) = (stage.handle().await?, stage.handle().await?);
            let group = stage.group().await?;
            let first = one.capabilities().set();
            let listed = group.member(&stage.target).map(|member| member.target.capabilities().set());
            let again = [Some(one.capabilities().set()), Some(other.capabilities().set()), listed];
            match again.into_iter().find(|set| *set != Some(first)) {
                Some(differing) => violated(format!("{first:?} and then {differing:?}")),
                None => Ok(()),
            }
        })
        .await;
    suite
        .check("the lifecycle declares lifecycle operations alone", async {
            let handle = stage.clone()?.handle().await?;
            let capabilities = handle.capabilities();
            let Some(lifecycle) = &capabilities.lifecycle else {
                return not_applicable("the target has no lifecycle");
            };
            let foreign = lifecycle.operations().missing_from(CapabilitySet::of(LIFECYCLE));
            ensure!(foreign.is_empty(), "its operations hold {foreign}");
            Ok(())
        })
        .await;
}
