//! Traces that follow the caller. They are in a separate file and run one after the other, because `tracing` caches its
//! subscriber for the whole process.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::support::{Recorder, builder, runtime};
use chaos_core::{
    Hold, MemoryJournal, MonkeyBuilder, Outcome,
    testing::{MemoryProvider, PowerOff},
};
use tracing::{
    Event, Metadata, Subscriber,
    span::{Attributes, Id, Record},
};

/// Held by the test that runs.
static ALONE: Mutex<()> = Mutex::new(());

fn world() -> MemoryProvider {
    MemoryProvider::default().with_group("web", 3).unwrap()
}

fn off(seconds: u64) -> PowerOff {
    PowerOff::lasting(Hold::lasting(Duration::from_secs(seconds)).unwrap())
}

/// Remembers each span with the one that it is in; or panics whenever one is entered.
#[derive(Debug, Default)]
struct Spans {
    panics: bool,
    next: AtomicU64,
    /// Name of a span and of its parent.
    seen: Arc<Mutex<Vec<(String, String)>>>,
    names: Mutex<std::collections::BTreeMap<u64, String>>,
    entered: Mutex<Vec<u64>>,
}

impl Subscriber for Spans {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_span()
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = self.next.fetch_add(1, Ordering::SeqCst) + 1;
        let mut names = self.names.lock().unwrap();
        let parent = match span.parent() {
            Some(parent) => Some(parent.into_u64()),
            None => self.entered.lock().unwrap().last().copied(),
        };
        let parent = parent.and_then(|parent| names.get(&parent).cloned()).unwrap_or_default();
        let name = span.metadata().name().to_owned();
        self.seen.lock().unwrap().push((name.clone(), parent));
        names.insert(id, name);
        Id::from_u64(id)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, span: &Id) {
        let is_fault = self.names.lock().unwrap().get(&span.into_u64()).is_some_and(|name| name == "fault");
        assert!(!(self.panics && is_fault), "a subscriber that panics");
        self.entered.lock().unwrap().push(span.into_u64());
    }

    fn exit(&self, span: &Id) {
        let mut entered = self.entered.lock().unwrap();
        if let Some(position) = entered.iter().rposition(|id| *id == span.into_u64()) {
            entered.remove(position);
        }
    }
}

#[test]
fn a_span_for_the_run_and_one_for_the_fault_follow_the_callers() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let spans = Spans::default();
    let seen = Arc::clone(&spans.seen);
    tracing::subscriber::with_default(spans, || {
        runtime().block_on(async {
            use tracing::Instrument;
            let monkey = builder(&world(), &MemoryJournal::new()).event(off(60)).build().unwrap();
            let run = monkey.run_once().instrument(tracing::info_span!("my job"));
            run.await.unwrap().ensure_completed().unwrap();
        });
    });
    let of = |name: &str, parent: &str| (name.to_owned(), parent.to_owned());
    assert_eq!(*seen.lock().unwrap(), [of("my job", ""), of("run", "my job"), of("fault", "run")]);
}

#[test]
fn a_subscriber_that_panics_leaves_nothing_behind() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (world, journal) = (world(), MemoryJournal::new());
    tracing::subscriber::with_default(Spans { panics: true, ..Spans::default() }, || {
        runtime().block_on(async {
            let monkey = builder(&world, &journal).event(off(60)).build().unwrap();
            let report = monkey.run_once().await.unwrap();
            assert_ne!(report.outcome(), Outcome::Completed, "{report}");
            assert!(report.is_recovered(), "{report}");
            // A fault that an earlier process has left is recovered all the same.
            drop(monkey);
        });
    });
    let (fault, target) = runtime().block_on(crate::support::orphan(&world, &journal));
    tracing::subscriber::with_default(Spans { panics: true, ..Spans::default() }, || {
        runtime().block_on(async {
            let monkey = builder(&world, &journal).build().unwrap();
            let replayed = monkey.recover_pending().await.unwrap().faults;
            assert_eq!(
                (replayed[0].id, replayed[0].state),
                (fault, chaos_core::fault::FaultState::Recovered)
            );
            assert_eq!(crate::support::health(&world, &target).await, chaos_core::Health::Healthy);
        });
    });
}

/// Counts the lines of the log.
#[derive(Debug, Default)]
struct Log(Arc<AtomicU64>);

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event()
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn an_observer_takes_the_place_of_the_log_and_also_observe_leaves_it() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    // How many lines the log has, and how many activities the observer was told.
    let run = |add: fn(MonkeyBuilder, Recorder) -> MonkeyBuilder| {
        let (log, recorder) = (Log::default(), Recorder::default());
        let lines = Arc::clone(&log.0);
        tracing::subscriber::with_default(log, || {
            runtime().block_on(async {
                let builder = add(builder(&world(), &MemoryJournal::new()), recorder.clone());
                builder.event(off(60)).build().unwrap().run_once().await.unwrap().ensure_completed().unwrap();
            });
        });
        (lines.load(Ordering::SeqCst), recorder.names().len() as u64)
    };
    let (lines, _) = run(|builder, _| builder);
    assert!(lines > 5, "{lines}");
    assert_eq!(run(|builder, recorder| builder.also_observe(recorder)), (lines, lines));
    assert_eq!(run(|builder, recorder| builder.observer(recorder)), (0, lines));
    let both = |builder: MonkeyBuilder, recorder: Recorder| {
        builder.also_observe(recorder.clone()).observer(recorder)
    };
    assert_eq!(run(both), (0, 2 * lines), "whatever the order");
}
