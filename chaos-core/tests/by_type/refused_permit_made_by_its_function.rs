//! Only chaos-core makes permits: no other crate can call the function that makes one.

fn forge() {
    let _make = chaos_core::Permit::to_inject;
}

fn main() {}
