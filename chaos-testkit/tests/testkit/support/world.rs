//! The world of the test that runs on this thread, for liars that reach into it past every permit.

use std::cell::{Cell, RefCell};

use chaos_core::{Health, TargetId, testing::MemoryProvider};

thread_local! {
    static WORLD: RefCell<Option<MemoryProvider>> = const { RefCell::new(None) };
    static LITTER: Cell<usize> = const { Cell::new(0) };
}

pub(crate) struct World;

impl World {
    pub(crate) fn enter(world: &MemoryProvider) {
        WORLD.set(Some(world.clone()));
        LITTER.set(0);
    }

    pub(crate) fn machine(number: usize) -> TargetId {
        format!("memory:web/machine-{number}").parse().unwrap()
    }

    pub(crate) fn set(number: usize, health: Health) {
        WORLD.with_borrow(|world| {
            world.as_ref().unwrap().set_health(&Self::machine(number), health).unwrap();
        });
    }

    /// Leaves a trace that no look at the group shows.
    pub(crate) fn litter() {
        LITTER.set(LITTER.get() + 1);
    }

    /// The number of traces.
    pub(crate) fn litter_count() -> usize {
        LITTER.get()
    }
}
