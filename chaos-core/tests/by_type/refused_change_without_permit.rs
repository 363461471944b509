//! Every call that changes a target takes a permit.

async fn change(target: &dyn chaos_core::capability::Lifecycle) -> chaos_core::Result<()> {
    target.stop().await
}

fn main() {}
