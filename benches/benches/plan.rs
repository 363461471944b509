//! Times a plan over many targets: discovery in memory, a decision for each target, and the draw.

#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

use chaos_core::{Monkey, testing::MemoryProvider};
use chaos_events::Stop;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const GROUP_SIZE: usize = 20;

/// The system's allocator gives the memory of one plan back to the kernel before the next, and with a million targets
/// the page faults would be a fifth of the figure.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn plan(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    let mut benchmark = criterion.benchmark_group("plan");
    benchmark.sample_size(20);
    for targets in [10_000, 100_000, 1_000_000] {
        let monkey =
            Monkey::builder().provider(world(targets)).event(Stop::default()).seed(42).build().unwrap();
        benchmark.throughput(Throughput::Elements(targets as u64));
        benchmark.bench_function(BenchmarkId::from_parameter(targets), |bencher| {
            bencher.to_async(&runtime).iter_with_large_drop(|| monkey.plan());
        });
    }
    benchmark.finish();
}

fn world(targets: usize) -> MemoryProvider {
    (0..targets / GROUP_SIZE).fold(MemoryProvider::default(), |world, number| {
        world.with_group(&format!("group-{number:06}"), GROUP_SIZE).unwrap()
    })
}

criterion_group!(benches, plan);
criterion_main!(benches);
