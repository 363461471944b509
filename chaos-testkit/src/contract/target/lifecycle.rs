//! Terminate, stop, start and reboot.

use std::sync::Arc;

use chaos_core::{Capability, ErrorKind, Health, Permit, Result, Target, capability::Lifecycle};

use crate::{
    Subject,
    report::{Checked, Suite, ensure, not_applicable, violated},
    stage::{Reading, Stage},
    trial::{Undo, trial},
};

pub(super) async fn check(suite: &mut Suite<'_>, fresh: &impl AsyncFn() -> Result<Subject>) {
    use Capability::{Reboot, Start, Stop, Terminate};
    let operations = [
        (Terminate, "an undeclared terminate is unsupported and changes nothing"),
        (Stop, "an undeclared stop is unsupported and changes nothing"),
        (Start, "an undeclared start is unsupported and changes nothing"),
        (Reboot, "an undeclared reboot is unsupported and changes nothing"),
    ];
    let timing = suite.timing;
    let set = async || Stage::set(timing, Box::pin(fresh()).await).await;

    suite
        .check("terminate ends the target", async {
            let stage = set().await?;
            require(&stage, &[Terminate]).await?;
            terminate(stage, 1).await
        })
        .await;
    suite
        .check("terminate may be repeated", async {
            let stage = set().await?;
            require(&stage, &[Terminate]).await?;
            terminate(stage, 2).await
        })
        .await;
    suite
        .check("stop halts the target", async {
            let stage = set().await?;
            require(&stage, &[Stop]).await?;
            stop(stage, 1).await
        })
        .await;
    suite
        .check("stop may be repeated", async {
            let stage = set().await?;
            require(&stage, &[Stop]).await?;
            stop(stage, 2).await
        })
        .await;
    suite
        .check("start brings a stopped target back", async {
            let stage = set().await?;
            require(&stage, &[Stop, Start]).await?;
            stop_and_start(stage).await
        })
        .await;
    suite
        .check("starting what runs changes nothing", async {
            let stage = set().await?;
            require(&stage, &[Start]).await?;
            start_what_runs(stage).await
        })
        .await;
    suite
        .check("reboot brings the target back", async {
            let stage = set().await?;
            require(&stage, &[Reboot]).await?;
            reboot(stage, 1).await
        })
        .await;
    suite
        .check("reboot may be repeated", async {
            let stage = set().await?;
            require(&stage, &[Reboot]).await?;
            reboot(stage, 2).await
        })
        .await;
    suite
        .check("reboot restarts the target", async {
            let stage = set().await?;
            require(&stage, &[Reboot]).await?;
            match stage.boot_mark.clone() {
                Some(boot_mark) => reboot_changes(stage, boot_mark).await,
                None => not_applicable("the fixture gives no boot mark"),
            }
        })
        .await;
    for (operation, name) in operations {
        suite
            .check(name, async {
                let stage = set().await?;
                undeclared(stage, operation).await
            })
            .await;
    }
}

async fn require(stage: &Stage, operations: &[Capability]) -> Checked {
    let handle = stage.handle().await?;
    let capabilities = handle.capabilities();
    let Some(lifecycle) = &capabilities.lifecycle else {
        return not_applicable("the target has no lifecycle");
    };
    let declared = lifecycle.operations();
    match operations.iter().find(|operation| !declared.contains(**operation)) {
        Some(missing) => not_applicable(format!("{missing} is not declared")),
        None => Ok(()),
    }
}

fn lifecycle_of(target: &Arc<dyn Target>) -> Result<Arc<dyn Lifecycle>> {
    target.capabilities().lifecycle().cloned()
}

async fn call(operation: Capability, lifecycle: &dyn Lifecycle, permit: &Permit) -> Checked {
    let result = match operation {
        Capability::Terminate => lifecycle.terminate(permit).await,
        Capability::Stop => lifecycle.stop(permit).await,
        Capability::Start => lifecycle.start(permit).await,
        _ => lifecycle.reboot(permit).await,
    };
    result.or_else(|error| violated(format!("{operation} failed: {}", error.chain())))
}

/// Starts the target if that is declared. A target that cannot be started again stays as it is.
async fn undo_of_stop(stage: &Stage) -> Result<Undo> {
    let declared = stage.handle().await?.capabilities().set();
    Ok(match declared.contains(Capability::Start) {
        true => Undo::Start,
        false => Undo::Nothing,
    })
}

async fn terminate(stage: Stage, times: usize) -> Checked {
    let before = stage.look().await?;
    let looking = stage.clone();
    trial(&stage, Undo::Nothing, move |target, permit| {
        Box::pin(async move {
            let lifecycle = lifecycle_of(&target)?;
            for _ in 0..times {
                call(Capability::Terminate, lifecycle.as_ref(), permit).await?;
            }
            looking.until_ended(&before).await
        })
    })
    .await
}

async fn stop(stage: Stage, times: usize) -> Checked {
    let looking = stage.clone();
    trial(&stage, undo_of_stop(&stage).await?, move |target, permit| {
        Box::pin(async move {
            let lifecycle = lifecycle_of(&target)?;
            for _ in 0..times {
                call(Capability::Stop, lifecycle.as_ref(), permit).await?;
                is_stopped(&looking).await?;
            }
            Ok(())
        })
    })
    .await
}

async fn is_stopped(stage: &Stage) -> Checked {
    stage.until("stop did not halt the target", |look| look.health == Health::Stopped).await.map(|_| ())
}

async fn is_healthy(stage: &Stage, what: &str) -> Checked {
    stage.until(what, |look| look.health == Health::Healthy).await.map(|_| ())
}

async fn stop_and_start(stage: Stage) -> Checked {
    let looking = stage.clone();
    trial(&stage, Undo::Start, move |target, permit| {
        Box::pin(async move {
            let lifecycle = lifecycle_of(&target)?;
            call(Capability::Stop, lifecycle.as_ref(), permit).await?;
            is_stopped(&looking).await?;
            call(Capability::Start, lifecycle.as_ref(), permit).await?;
            is_healthy(&looking, "start did not bring the target back").await
        })
    })
    .await
}

async fn start_what_runs(stage: Stage) -> Checked {
    let before = stage.look().await?;
    let looking = stage.clone();
    trial(&stage, Undo::Nothing, move |target, permit| {
        Box::pin(async move {
            let lifecycle = lifecycle_of(&target)?;
            call(Capability::Start, lifecycle.as_ref(), permit).await?;
            call(Capability::Start, lifecycle.as_ref(), permit).await?;
            looking.stays(&before, "starting a running target changed it").await
        })
    })
    .await
}

async fn reboot(stage: Stage, times: usize) -> Checked {
    let looking = stage.clone();
    trial(&stage, undo_of_stop(&stage).await?, move |target, permit| {
        Box::pin(async move {
            let lifecycle = lifecycle_of(&target)?;
            for _ in 0..times {
                call(Capability::Reboot, lifecycle.as_ref(), permit).await?;
            }
            is_healthy(&looking, "reboot did not bring the target back").await
        })
    })
    .await
}

async fn reboot_changes(stage: Stage, boot_mark: Reading) -> Checked {
    let before = boot_mark.read().await?;
    let looking = stage.clone();
    trial(&stage, undo_of_stop(&stage).await?, move |target, permit| {
        Box::pin(async move {
            call(Capability::Reboot, lifecycle_of(&target)?.as_ref(), permit).await?;
            let watch = looking.timing.watch_settling();
            // A target that is down may have no mark.
            while boot_mark.read().await.ok().is_none_or(|mark| mark == before) {
                ensure!(watch.again().await, "the boot mark is still {before:?} after the reboot");
            }
            is_healthy(&looking, "reboot did not bring the target back").await
        })
    })
    .await
}

async fn undeclared(stage: Stage, operation: Capability) -> Checked {
    let handle = stage.handle().await?;
    let capabilities = handle.capabilities();
    let Some(lifecycle) = &capabilities.lifecycle else {
        return not_applicable("the target has no lifecycle");
    };
    if lifecycle.operations().contains(operation) {
        return not_applicable(format!("{operation} is declared"));
    }
    let before = stage.look().await?;
    let looking = stage.clone();
    // If the operation works after all, the best that can be done is to start the target.
    trial(&stage, Undo::Start, move |target, permit| {
        Box::pin(async move {
            let lifecycle = lifecycle_of(&target)?;
            let result = match operation {
                Capability::Terminate => lifecycle.terminate(permit).await,
                Capability::Stop => lifecycle.stop(permit).await,
                Capability::Start => lifecycle.start(permit).await,
                _ => lifecycle.reboot(permit).await,
            };
            match result {
                Ok(()) => return violated(format!("{operation} is not declared, but it succeeded")),
                Err(error) if error.kind() != ErrorKind::Unsupported => {
                    return violated(format!(
                        "{operation} is not declared, but it failed with {:?} instead of as unsupported: {}",
                        error.kind(),
                        error.chain()
                    ));
                }
                Err(_) => {}
            }
            looking.stays(&before, &format!("an unsupported {operation} changed the target")).await
        })
    })
    .await
}
