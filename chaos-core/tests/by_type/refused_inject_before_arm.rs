//! Injecting comes after arming.

async fn hasty(prepared: chaos_core::Prepared) {
    prepared.inject().await;
}

fn main() {}
