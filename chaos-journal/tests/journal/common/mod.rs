//! The shared parts of the journal's tests.

pub(crate) mod child;
pub(crate) mod stranger;

use std::{collections::BTreeMap, fs, path::Path};

use chaos_core::{
    FaultId, Journal,
    fault::{FaultRecord, FaultState, Magnitude, Mark},
    journal::{Arming, Lease, Limits},
    recovery::RecoveryRecord,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

/// `seconds` after the start of the tests' time, with a fraction that careless storage would lose.
pub(crate) fn at(seconds: i64) -> Timestamp {
    let start: Timestamp = "2026-03-02T09:00:00.123456789Z".parse().unwrap();
    start + SignedDuration::from_secs(seconds)
}

/// The id with this number.
pub(crate) fn id(number: u64) -> FaultId {
    format!("{number:016x}").parse().unwrap()
}

/// An armed fault, whose number is also the second of its arming.
pub(crate) fn fault(number: u64, target: &str, event: &str) -> FaultRecord {
    let mut requested = Magnitude::default();
    requested.set("load_percent", 0.1 + 0.2);
    let armed_at = at(i64::try_from(number).unwrap());
    FaultRecord::armed(
        id(number),
        u64::MAX - number,
        target.parse().unwrap(),
        event,
        RecoveryRecord::new("test/nothing/1", json!({ "pid": number, "note": "ü\u{0}\"" })),
        requested,
        armed_at,
        armed_at + SignedDuration::from_secs(60),
    )
}

/// Arms a fault that no limit forbids.
pub(crate) async fn arm(journal: &dyn Journal, fault: &FaultRecord) -> Lease {
    match journal.arm(fault, &Limits::none()).await.unwrap() {
        Arming::Armed(lease) => lease,
        Arming::Refused(reason) => panic!("refused: {reason:?}"),
    }
}

/// Takes a fault through the states, with a second for each.
pub(crate) async fn pass_through(journal: &dyn Journal, fault: FaultId, from: i64, states: &[FaultState]) {
    for (second, state) in (from..).zip(states) {
        journal.mark(fault, &Mark::new(*state, at(second))).await.unwrap();
    }
}

/// Every regular file in a folder with its bytes.
pub(crate) fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_file())
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect()
}

/// The names of the files in a folder. Opens none of them: that would drop the locks of a journal that is open here.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
