//! An armed fault is injected or abandoned before it is recovered.

async fn backwards(armed: chaos_core::fault::Armed) {
    armed.recover().await;
}

fn main() {}
