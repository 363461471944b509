//! The checks.

use std::{sync::Arc, time::Duration};

use chaos_core::{
    Capability, ChaosEvent, Health, Recovery, Registry, Result,
    fault::{FaultRecord, FaultState},
    recovery::RecoveryRecord,
};

use super::{
    another::{can_be_staged, is_left_alone},
    paused::Come,
    rig::{orphaned, recovers, replay, while_injected},
    variants::{Interrupted, NOT_BACK, OnlyVerified, Twice},
};
use crate::{
    Subject,
    report::{Checked, Suite, ensure, not_applicable, violated},
    stage::Stage,
};

pub(super) async fn check<R: Recovery>(
    suite: &mut Suite<'_>,
    event: &Arc<dyn ChaosEvent>,
    fresh: &impl AsyncFn() -> Result<Subject>,
) {
    use FaultState::{Active, Armed, Injecting};
    let timing = suite.timing;
    let set = async || Stage::set(timing, Box::pin(fresh()).await).await;

    suite.check("its kind names a format", async { well_named(R::KIND) }).await;
    suite
        .check("it reads back as it was written", async {
            let stage = set().await?;
            while_injected::<R>(&stage, event, Come::NoWay, async |fault| reads_back::<R>(&fault)).await
        })
        .await;
    suite
        .check("it says how a person undoes it", async {
            let stage = set().await?;
            while_injected::<R>(&stage, event, Come::NoWay, async |fault| says_how::<R>(&fault)).await
        })
        .await;
    suite
        .check("it is right where the injection never began", async {
            untouched::<R>(&set().await?, event, Armed).await
        })
        .await;
    suite
        .check("it is right where the injection was begun and did nothing", async {
            untouched::<R>(&set().await?, event, Injecting).await
        })
        .await;
    suite
        .check("it is right where the injection was cut off half-way", async {
            brings_back::<R, R>(&set().await?, event, Come::HalfWay, Injecting).await
        })
        .await;
    suite
        .check("it is right where the reply of the injection was lost", async {
            brings_back::<R, R>(&set().await?, event, Come::AllTheWay, Injecting).await
        })
        .await;
    suite
        .check("another monkey brings the target back from the journal alone", async {
            brings_back::<R, R>(&set().await?, event, Come::AllTheWay, Active).await
        })
        .await;
    suite
        .check("recovering twice is recovering once", async {
            brings_back::<R, Twice<R>>(&set().await?, event, Come::AllTheWay, Active).await
        })
        .await;
    suite
        .check("a recovery that was dropped can be repeated", async {
            brings_back::<R, Interrupted<R>>(&set().await?, event, Come::AllTheWay, Active).await
        })
        .await;
    suite
        .check("it is right where the target is gone", async {
            target_is_gone::<R>(&set().await?, event).await
        })
        .await;
    suite
        .check("another target of this name is left alone", async {
            if event.hold().is_momentary() {
                return not_applicable("the event is momentary: its target may come back as another one");
            }
            can_be_staged(event.requires())?;
            let stage = set().await?;
            while_injected::<R>(&stage, event, Come::AllTheWay, async |fault| {
                is_left_alone::<R>(&stage, &fault).await
            })
            .await
        })
        .await;
    suite
        .check("verify sees that the fault holds", async {
            if event.hold().is_momentary() {
                return not_applicable("the event is momentary: its effect may be over at once");
            }
            let stage = set().await?;
            while_injected::<R>(&stage, event, Come::AllTheWay, async |fault| {
                sees_the_fault::<R>(&stage, &fault).await
            })
            .await
        })
        .await;
    suite
        .check("verify changes nothing", async {
            let stage = set().await?;
            let come = if event.hold().is_momentary() { Come::NoWay } else { Come::AllTheWay };
            while_injected::<R>(&stage, event, come, async |fault| {
                let before = stage.settled().await?;
                only_verify::<R>(&stage, &fault).await?;
                let after = stage.look().await?;
                ensure!(after == before, "the target was {before} before and is {after} after");
                Ok(())
            })
            .await
        })
        .await;
}

fn well_named(kind: &str) -> Checked {
    let parts: Vec<&str> = kind.split('/').collect();
    let is_right = matches!(parts[..], [owner, name, version]
        if [owner, name].iter().all(|part| !part.is_empty() && !part.contains(char::is_whitespace))
            && version.parse::<u32>().is_ok());
    ensure!(is_right, "{kind:?} is not `crate/name/version` with a number for a version");
    Ok(())
}

fn reads_back<R: Recovery>(fault: &FaultRecord) -> Checked {
    let written = &fault.recovery;
    ensure!(written.kind == R::KIND, "the event's recovery is {:?} and not {:?}", written.kind, R::KIND);
    let text = written.payload.to_string();
    let payload = text.parse().or_else(|error| violated(format!("{text} is not JSON: {error}")))?;
    let read = Registry::default().register::<R>().read(&RecoveryRecord::new(R::KIND, payload))?;
    let again = read.record()?;
    ensure!(again == *written, "{written:?} reads back as {again:?}");
    Ok(())
}

/// The instructions from the journal alone, as a later process would read them.
fn says_how<R: Recovery>(fault: &FaultRecord) -> Checked {
    let read = Registry::default().register::<R>().read(&fault.recovery)?;
    let words = read.by_hand(&fault.target, fault.id);
    ensure!(!words.trim().is_empty(), "it says nothing");
    let is_plain = |character: char| character == '\n' || !character.is_control();
    ensure!(words.chars().all(is_plain), "{words:?} is not plain text");
    Ok(())
}

/// If nothing was done to the target, it counts as recovered and stays as it is.
async fn untouched<R: Recovery>(stage: &Stage, event: &Arc<dyn ChaosEvent>, state: FaultState) -> Checked {
    while_injected::<R>(stage, event, Come::NoWay, async |fault| {
        let before = stage.look().await?;
        recovers::<R>(stage, &orphaned(&fault, state).await?).await?;
        stage.stays(&before, "the recovery of a fault that never happened changed the target").await
    })
    .await
}

/// Another monkey recovers with `V`, from a journal that holds the fault in `state`, and the target is back.
async fn brings_back<R: Recovery, V: Recovery>(
    stage: &Stage,
    event: &Arc<dyn ChaosEvent>,
    come: Come,
    state: FaultState,
) -> Checked {
    let healthy_before = stage.group().await?.healthy();
    while_injected::<R>(stage, event, come, async |fault| {
        recovers::<V>(stage, &orphaned(&fault, state).await?).await?;
        stage.whole_again(healthy_before).await
    })
    .await
}

async fn target_is_gone<R: Recovery>(stage: &Stage, event: &Arc<dyn ChaosEvent>) -> Checked {
    let offered = stage.handle().await?.capabilities().set();
    if !offered.contains(Capability::Terminate) {
        return not_applicable("the target cannot be terminated");
    }
    let before = stage.look().await?;
    while_injected::<R>(stage, event, Come::Beyond, async |fault| {
        stage.until_ended(&before).await?;
        recovers::<R>(stage, &orphaned(&fault, FaultState::Active).await?).await?;
        // If its group has replaced it under the same id, the replacement counts.
        stage
            .until("the replacement of a target that is gone is not healthy", |look| {
                matches!(look.health, Health::Gone | Health::Healthy)
            })
            .await
            .map(|_| ())
    })
    .await
}

/// The platform may take its time to bring the fault about, so one look at the faulty target is enough.
async fn sees_the_fault<R: Recovery>(stage: &Stage, fault: &FaultRecord) -> Checked {
    let watch = stage.timing.watch_settling();
    while only_verify::<R>(stage, fault).await? {
        ensure!(watch.again().await, "it says that the target is back while the fault holds");
    }
    Ok(())
}

/// Whether `verify` says that the target is back.
async fn only_verify<R: Recovery>(stage: &Stage, fault: &FaultRecord) -> Checked<bool> {
    let mut once = stage.retry();
    once.settle = Duration::ZERO;
    let journal = orphaned(fault, FaultState::Active).await?;
    let ended = replay::<OnlyVerified<R>>(stage, Arc::clone(&stage.provider), &journal, once).await?;
    match ended.failure {
        None => Ok(ended.state == FaultState::Recovered),
        Some(failure) if failure.message.starts_with(NOT_BACK) => Ok(false),
        Some(failure) => violated(failure.to_string()),
    }
}
