//! Changing settings of a target.

use std::sync::Arc;

use chaos_core::{
    Result,
    capability::{Change, Setting, Settings, Standing},
};

use crate::{
    Subject,
    report::{Checked, Suite, ensure, not_applicable},
    stage::Stage,
    trial::{Undo, trial},
};

pub(super) async fn check(suite: &mut Suite<'_>, fresh: &impl AsyncFn() -> Result<Subject>) {
    let timing = suite.timing;
    let set = async || -> Checked<_> {
        let stage = Stage::set(timing, Box::pin(fresh()).await).await?;
        match stage.handle().await?.capabilities().settings {
            Some(settings) if settings.can_change().contains(Setting::Isolation) => Ok((stage, settings)),
            _ => not_applicable("the target cannot be isolated"),
        }
    };
    let fault = "00000000000000ff".parse();

    suite
        .check("a snapshot changes nothing", async {
            let (_, settings) = set().await?;
            let fault = fault.clone()?;
            let (one, other) =
                (settings.snapshot(&Change::Isolate).await?, settings.snapshot(&Change::Isolate).await?);
            ensure!(one == other, "{one:?} and then {other:?}");
            let standing = settings.standing(&one, fault).await?;
            ensure!(standing == Standing::AsBefore, "after a snapshot and nothing else, {standing}");
            Ok(())
        })
        .await;
    suite
        .check("isolate cuts the target off, and again", async {
            let (stage, settings) = set().await?;
            isolate(&stage, settings, false).await
        })
        .await;
    suite
        .check("restore connects the target, and again", async {
            let (stage, settings) = set().await?;
            isolate(&stage, settings, true).await
        })
        .await;
}

async fn isolate(stage: &Stage, settings: Arc<dyn Settings>, restore: bool) -> Checked {
    let before = settings.snapshot(&Change::Isolate).await?;
    trial(stage, Undo::Restore(before.clone()), move |_, permit| {
        Box::pin(async move {
            let fault = permit.fault();
            for _ in 0..2 {
                settings.apply(&Change::Isolate, &before, permit).await?;
                let standing = settings.standing(&before, fault).await?;
                ensure!(standing == Standing::Changed, "after apply, {standing}");
            }
            if restore {
                for _ in 0..2 {
                    settings.restore(&before, permit).await?;
                    let standing = settings.standing(&before, fault).await?;
                    ensure!(standing == Standing::AsBefore, "after restore, {standing}");
                }
                let after = settings.snapshot(&Change::Isolate).await?;
                ensure!(after == before, "the settings were {before}, and after restore {after}");
            }
            Ok(())
        })
    })
    .await
}
