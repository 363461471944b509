//! A monkey is not unleashed without a registry that reads its recoveries back.

use chaos_core::{MemoryJournal, Monkey};

fn main() {
    let _ = Monkey::builder().unleash(MemoryJournal::new());
}
