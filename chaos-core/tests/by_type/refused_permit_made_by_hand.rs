//! Only chaos-core makes permits: the permit of one fault cannot be made from another's.

fn forge(fault: chaos_core::FaultId, other: chaos_core::Permit) -> chaos_core::Permit {
    chaos_core::Permit { fault, ..other }
}

fn main() {}
