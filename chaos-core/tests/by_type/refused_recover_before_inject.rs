//! What is armed is injected or given up before it is recovered.

async fn backwards(armed: chaos_core::fault::Armed) {
    armed.recover().await;
}

fn main() {}
