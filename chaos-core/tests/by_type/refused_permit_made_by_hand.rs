//! Only chaos-core makes permits: nobody makes one fault's permit out of another's.

fn forge(fault: chaos_core::FaultId, other: chaos_core::Permit) -> chaos_core::Permit {
    chaos_core::Permit { fault, ..other }
}

fn main() {}
