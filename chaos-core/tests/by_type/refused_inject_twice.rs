//! An armed fault is injected once.

async fn twice(armed: chaos_core::fault::Armed) {
    let _first = armed.inject().await;
    let _second = armed.inject().await;
}

fn main() {}
