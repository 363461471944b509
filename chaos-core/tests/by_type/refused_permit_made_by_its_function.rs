//! Only chaos-core makes permits: nobody calls what makes one.

fn forge() {
    let _make = chaos_core::Permit::to_inject;
}

fn main() {}
