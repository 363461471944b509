//! There is no injection without a recovery.

use chaos_core::Prepared;

fn one_way_street() -> Prepared {
    Prepared::new(|_| Box::pin(async { Ok(()) }))
}

fn main() {}
