//! Times a recovery on its way to the journal's form and back.

#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::hint::black_box;

use chaos_core::{Registry, recovery::RecoveryRecord};
use chaos_events::AwaitReplacement;
use criterion::{Criterion, criterion_group, criterion_main};

fn recovery_record(criterion: &mut Criterion) {
    let payload = r#"{"replaced":true,"healthy":5,"incarnation":"4711.8812345"}"#;
    let recovery: AwaitReplacement = serde_json::from_str(payload).unwrap();
    let record = RecoveryRecord::of(&recovery).unwrap();
    let text = serde_json::to_string(&record).unwrap();
    let registry: Registry = chaos_events::registry();

    criterion.bench_function("recovery record/encode", |bencher| {
        bencher.iter(|| serde_json::to_string(&RecoveryRecord::of(black_box(&recovery)).unwrap()).unwrap());
    });
    criterion.bench_function("recovery record/decode", |bencher| {
        bencher.iter(|| {
            let record: RecoveryRecord = serde_json::from_str(black_box(&text)).unwrap();
            registry.read(&record).unwrap()
        });
    });
}

criterion_group!(benches, recovery_record);
criterion_main!(benches);
