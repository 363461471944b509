//! While an event is prepared there is no permit to be had, so that it cannot change anything.

fn change(scope: &chaos_core::Scope) -> &chaos_core::Permit {
    scope.permit()
}

fn main() {}
