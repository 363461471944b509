//! A permit cannot be multiplied.

fn twice(permit: &chaos_core::Permit) -> (chaos_core::Permit, chaos_core::Permit) {
    (permit.clone(), permit.clone())
}

fn main() {}
