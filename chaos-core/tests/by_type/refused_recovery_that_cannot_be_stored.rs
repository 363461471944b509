//! Only data can be a recovery.

use chaos_core::{FaultId, Permit, Recovery, Result, RecoveryScope, TargetId, Verdict, async_trait};

#[derive(Debug, serde::Serialize)]
struct InMemoryOnly(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

#[async_trait]
impl Recovery for InMemoryOnly {
    const KIND: &'static str = "tests/in-memory-only/1";

    async fn recover(&self, _: &RecoveryScope, _: &Permit) -> Result<()> {
        Ok(())
    }

    async fn verify(&self, _: &RecoveryScope) -> Result<Verdict> {
        Ok(Verdict::Back)
    }

    fn by_hand(&self, _: &TargetId, _: FaultId) -> String {
        String::new()
    }
}

fn main() {}
