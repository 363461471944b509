//! A monkey is not unleashed without what reads its recoveries back.

use chaos_core::{MemoryJournal, Monkey};

fn main() {
    let _ = Monkey::builder().unleash(MemoryJournal::new());
}
