//! A process that is killed with `kill -9` in the middle of a fault, and the next one, which replays its journal.

use std::{env, os::unix::process::ExitStatusExt, path::Path, process::Command, sync::Arc, time::Duration};

use chaos_azure::{AvailabilitySets, AzureBuilder};
use chaos_core::{Journal, Monkey, Registry, TargetId, fault::FaultState};
use chaos_events::Stop;
use chaos_journal::SqlJournal;
use chaos_testkit::{
    Connect, CutOff,
    faulty::{CrashAt, When},
};
use fake_azure::{FakeArm, NewAvailabilitySet, PowerState, SecurityGroups};

use crate::{
    cloud::{KnownToken, SUBSCRIPTION, count, machine},
    isolation::left_behind,
};

const ENDPOINT: &str = "CHAOS_AZURE_CRASH_ENDPOINT";
const JOURNAL: &str = "CHAOS_AZURE_CRASH_JOURNAL";
const POINT: &str = "CHAOS_AZURE_CRASH_POINT";
const NAME: &str = "crash::a_killed_process_leaves_nothing_that_a_replay_does_not_undo";
const SIGKILL: i32 = 9;

const POINTS: [(FaultState, When); 5] = [
    (FaultState::Armed, When::AfterMark),
    (FaultState::Injecting, When::AfterMark),
    (FaultState::Active, When::BeforeMark),
    (FaultState::Active, When::AfterMark),
    (FaultState::Recovering, When::AfterMark),
];

fn sets(endpoint: &str) -> AzureBuilder<AvailabilitySets> {
    let builder = AvailabilitySets::builder().subscription(SUBSCRIPTION).endpoint(endpoint);
    builder.credential(Arc::new(KnownToken))
}

fn registry() -> Registry {
    chaos_events::registry().register::<Connect>()
}

fn web() -> TargetId {
    format!("azure-avset:{SUBSCRIPTION}/shop/web/web-0").parse().unwrap()
}

/// The parent starts this same test as a child for each point and each event, which the environment names.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_leaves_nothing_that_a_replay_does_not_undo() {
    if let Ok(endpoint) = env::var(ENDPOINT) {
        return crash(&endpoint).await;
    }
    for groups in [SecurityGroups::Shared, SecurityGroups::None] {
        for point in 0..2 * POINTS.len() {
            let fake = FakeArm::start().unwrap();
            fake.add(NewAvailabilitySet::new("shop", "web").machines(2).security_groups(groups));
            let directory = tempfile::tempdir().unwrap();
            let journal = directory.path().join("journal.db");
            let child = Command::new(env::current_exe().unwrap())
                .args(["--exact", NAME])
                .env(ENDPOINT, fake.endpoint())
                .env(JOURNAL, &journal)
                .env(POINT, point.to_string())
                .output()
                .unwrap();
            let what = format!("{groups:?} {:?} {}", POINTS[point / 2], point % 2);
            assert_eq!(child.status.signal(), Some(SIGKILL), "{what}: {child:?}");
            is_undone(&fake, &journal, &what).await;
        }
    }
}

async fn crash(endpoint: &str) {
    let point: usize = env::var(POINT).unwrap().parse().unwrap();
    let (state, when) = POINTS[point / 2];
    let journal = SqlJournal::open(env::var(JOURNAL).unwrap()).await.unwrap();
    let monkey = Monkey::builder()
        .provider(sets(endpoint).build().unwrap())
        .unleash(CrashAt::journal(journal, state, when), registry())
        .build()
        .unwrap();
    if point.is_multiple_of(2) {
        let stop = Stop::lasting(Duration::from_secs(5)).unwrap();
        let _ = monkey.inject(stop, &web()).await;
    } else {
        let _ = monkey.inject(CutOff::looking(|| async {}), &web()).await;
    }
    unreachable!("the process outlived {state}");
}

async fn is_undone(fake: &FakeArm, journal: &Path, what: &str) {
    let group = fake.security_group(&machine("web-1"));
    let journal = Arc::new(SqlJournal::open(journal).await.unwrap());
    assert_eq!(journal.pending().await.unwrap().faults.len(), 1, "{what}");
    let monkey = Monkey::builder()
        .provider(sets(fake.endpoint()).build().unwrap())
        .unleash(Arc::clone(&journal), registry())
        .build()
        .unwrap();
    let recovered = monkey.recover_pending().await.unwrap().faults;
    assert!(recovered.iter().all(|fault| fault.state == FaultState::Recovered), "{what}: {recovered:?}");
    assert!(journal.pending().await.unwrap().faults.is_empty(), "{what}");
    assert_eq!(fake.power_state(&machine("web-0")), Some(PowerState::Running), "{what}");
    assert_eq!(fake.security_group(&machine("web-0")), group, "{what}");
    assert_eq!(left_behind(fake).await, [""; 0], "{what}");
    assert!(count(fake, "POST", "/powerOff") <= 1, "{what}");
}
