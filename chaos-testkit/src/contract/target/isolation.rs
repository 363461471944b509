//! Cutting a target off.

use std::sync::Arc;

use chaos_core::{Result, capability::Isolation};

use crate::{
    Subject,
    probe::{Undo, probe},
    report::{Checked, Suite, ensure, not_applicable},
    stage::Stage,
};

pub(super) async fn check(suite: &mut Suite<'_>, fresh: &impl AsyncFn() -> Result<Subject>) {
    let timing = suite.timing;
    let set = async || -> Checked<_> {
        let stage = Stage::set(timing, Box::pin(fresh()).await).await?;
        match stage.handle().await?.capabilities().isolation {
            Some(isolation) => Ok((stage, isolation)),
            None => not_applicable("the target has no isolation"),
        }
    };

    suite
        .check("a snapshot changes nothing", async {
            let (_, isolation) = set().await?;
            ensure!(!isolation.is_isolated().await?, "the target is isolated at first");
            let (one, other) = (isolation.snapshot().await?, isolation.snapshot().await?);
            ensure!(one == other, "{one:?} and then {other:?}");
            ensure!(!isolation.is_isolated().await?, "the snapshot isolated the target");
            Ok(())
        })
        .await;
    suite
        .check("isolate cuts the target off, and again", async {
            let (stage, isolation) = set().await?;
            isolate(&stage, isolation, false).await
        })
        .await;
    suite
        .check("restore connects the target, and again", async {
            let (stage, isolation) = set().await?;
            isolate(&stage, isolation, true).await
        })
        .await;
}

async fn isolate(stage: &Stage, isolation: Arc<dyn Isolation>, restore: bool) -> Checked {
    let snapshot = isolation.snapshot().await?;
    probe(stage, Undo::Restore(snapshot.clone()), move |_, permit| {
        Box::pin(async move {
            for _ in 0..2 {
                isolation.isolate(permit).await?;
                ensure!(isolation.is_isolated().await?, "the target is not isolated after isolate");
                let is_restored = isolation.is_restored(&snapshot, permit.fault()).await?;
                ensure!(!is_restored, "what isolates the target is there, and the isolation denies it");
            }
            if restore {
                for _ in 0..2 {
                    isolation.restore(&snapshot, permit).await?;
                    ensure!(!isolation.is_isolated().await?, "the target is still isolated after restore");
                    let is_restored = isolation.is_restored(&snapshot, permit.fault()).await?;
                    ensure!(is_restored, "something of the isolation is left after restore");
                }
                let after = isolation.snapshot().await?;
                ensure!(
                    after == snapshot,
                    "it was connected as {snapshot:?}, and after restore as {after:?}"
                );
            }
            Ok(())
        })
    })
    .await
}
