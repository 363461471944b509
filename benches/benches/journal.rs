//! Times one fault's way through a journal on disk.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a benchmark may panic")]

use std::cell::Cell;

use chaos_core::{
    FaultId, Journal, TargetId,
    fault::{FaultRecord, FaultState, Magnitude, Mark},
    journal::{Arming, Lease, Limits},
    recovery::RecoveryRecord,
};
use chaos_journal::SqlJournal;
use criterion::{Criterion, criterion_group, criterion_main};
use jiff::Timestamp;

const WAY: [FaultState; 4] =
    [FaultState::Injecting, FaultState::Active, FaultState::Recovering, FaultState::Recovered];

fn journal(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let directory = tempfile::tempdir_in(std::env::current_dir().unwrap()).unwrap();
    let journal = runtime.block_on(SqlJournal::open(directory.path().join("journal.sqlite"))).unwrap();
    let next = Cell::new(0u64);
    criterion.bench_function("journal/arm and four marks", |bencher| {
        bencher.to_async(&runtime).iter(|| {
            next.set(next.get() + 1);
            whole_way(&journal, next.get())
        });
    });
    runtime.block_on(journal.close()).unwrap();
}

async fn whole_way(journal: &SqlJournal, number: u64) {
    let fault = fault(number);
    let _lease: Lease = match journal.arm(&fault, &Limits::none()).await.unwrap() {
        Arming::Armed(lease) => lease,
        Arming::Refused(reason) => panic!("{reason}"),
    };
    for state in WAY {
        journal.mark(fault.id, &Mark::new(state, Timestamp::UNIX_EPOCH)).await.unwrap();
    }
}

fn fault(number: u64) -> FaultRecord {
    let id: FaultId = format!("{number:016x}").parse().unwrap();
    let target: TargetId = format!("memory:web/machine-{}", number % 1_000).parse().unwrap();
    let recovery =
        RecoveryRecord::new("benches/none/1", serde_json::json!({ "replaced": true, "healthy": 5 }));
    let at = Timestamp::UNIX_EPOCH;
    FaultRecord::armed(id, 42, target, "stop", recovery, Magnitude::default(), at, at)
}

criterion_group!(benches, journal);
criterion_main!(benches);
