//! Only chaos-core makes permits: nobody calls what makes one.

use std::sync::Arc;

fn forge(fault: chaos_core::FaultId) -> chaos_core::Permit {
    chaos_core::Permit::new(fault, jiff::Timestamp::MAX, Arc::new(chaos_core::SystemClock::default()))
}

fn main() {}
