//! Only chaos-core makes permits: nobody calls what makes one.

fn forge(scope: &chaos_core::Scope) -> chaos_core::Permit {
    chaos_core::Permit::to_inject(scope)
}

fn main() {}
