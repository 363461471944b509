//! Only chaos-core makes permits: nobody fills one in.

use std::sync::Arc;

fn forge(fault: chaos_core::FaultId) -> chaos_core::Permit {
    let clock = Arc::new(chaos_core::SystemClock::default());
    chaos_core::Permit { fault, deadline: jiff::Timestamp::MAX, clock }
}

fn main() {}
