//! No permit exists while an event is prepared, so it cannot change anything.

fn change(scope: &chaos_core::Scope) -> &chaos_core::Permit {
    scope.permit()
}

fn main() {}
