//! Experiments that are killed at any moment.

use std::time::Duration;

use chaos_core::{
    clock::{Clock, SystemClock},
    fault::{FaultRecord, Injection},
};
use futures_util::{StreamExt, stream};

use super::{
    killed::{STEPS, experiment, is_empty, is_recovered, part, played},
    place::Place,
};
use crate::support::{SplitMix, end, pending};

/// The number of experiments at the same time.
const LANES: usize = 2;

/// How many steps the journal says have begun.
fn begun(fault: &FaultRecord) -> usize {
    fault.progress.get("steps_begun").map_or(0, |begun| usize::try_from(begun.as_u64().unwrap()).unwrap())
}

/// Kills a run after this time, and recovers. Whether the kill met a fault.
async fn killed_after(moment: Duration, after: &str) -> bool {
    let place = Place::new();
    place.write("experiment.json", &experiment(&place, None));
    let mut program = place.run(&[]).spawn().unwrap();
    let clock = SystemClock::default();
    // Its journal is read all the time.
    tokio::select! {
        () = clock.sleep(moment) => {}
        () = place.journal_has(|_| false) => {}
    }
    program.start_kill().unwrap();
    let program = end(program).await;
    assert!(program.was_killed() || program.status.code() == Some(0), "{after}: {program:#?}");
    is_empty(&place, after).await;
    let is_begun = |name: &str| place.begun().iter().any(|begun| begun.split(' ').next() == Some(name));
    let left = if place.path("experiments.journal").exists() {
        pending(&place.path("experiments.journal")).await
    } else {
        Vec::new()
    };
    let Some(fault) = left.first() else {
        // What has begun was undone before.
        let is_undone = |(name, has_undo): &(&str, bool)| {
            !has_undo || !is_begun(name) || is_begun(&format!("undo-{name}"))
        };
        assert!(STEPS.iter().all(is_undone), "{after}: nothing is pending: {:?}", place.begun());
        assert!(!is_begun("one") || is_begun("roll-two"), "{after}: nothing is pending: {:?}", place.begun());
        return false;
    };
    let (steps, has_printed) =
        (begun(fault), fault.progress.get("outputs").is_some_and(|outputs| !outputs["four"].is_null()));
    for (name, has_undo) in &STEPS[steps..] {
        assert!(!has_undo || !is_begun(name), "{after}: {name} has begun, and the journal does not know");
    }
    let expected = if fault.injection() == Injection::NeverBegan {
        Vec::new()
    } else {
        played(steps, has_printed || steps == 5)
    };
    let before = place.begun().len();
    let recovered = place.ended(&["recover", "--journal", "experiments.journal"]).await;
    assert_eq!(place.begun()[before..], expected, "{after}: {recovered:#?}");
    is_recovered(&place, &recovered, after).await;
    true
}

#[tokio::test]
async fn killed_at_random_moments() {
    let clock = SystemClock::default();
    let mut random = SplitMix::drawn();
    println!("{}", random.origin());
    // The shorter of two, because a kill after the end proves nothing.
    let mut span = Duration::MAX;
    for _ in 0..2 {
        let place = Place::new();
        place.write("experiment.json", &experiment(&place, None));
        let began = clock.monotonic();
        end(place.run(&[]).spawn().unwrap()).await.with_code(0);
        span = span.min(clock.monotonic() - began);
    }
    let kills: Vec<_> = (0..part(30, 8))
        .map(|number| {
            let moment = span.mul_f64(random.next_unit());
            (moment, format!("kill {number} after {moment:?} of {span:?} ({})", random.origin()))
        })
        .collect();
    let count = kills.len();
    let kills = stream::iter(kills).map(|(moment, after)| async move { killed_after(moment, &after).await });
    let met = kills.buffer_unordered(LANES).filter(|met| std::future::ready(*met)).count().await;
    println!("{met} of {count} kills met a fault");
    assert!(met >= count / 8, "too few kills met a fault: {met} of {count}");
}
