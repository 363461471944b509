//! A fault that no look during its hold saw in effect, although a part of it is left afterwards.

use std::sync::atomic::{AtomicBool, Ordering};

use chaos_core::{
    CapabilitySet, ChaosEvent, FaultId, Hold, MemoryJournal, Monkey, Outcome, Permit, Prepared, Recovery,
    RecoveryScope, Result, Scope, TargetId, Verdict, async_trait, testing::MemoryProvider,
};
use serde::{Deserialize, Serialize};

use crate::support::{clock, registry};

/// A partial fault: it never has the requested effect, but a part of it must be removed.
#[derive(Debug)]
struct InPart;

#[derive(Debug, Serialize, Deserialize)]
struct ClearAway;

static IS_LEFT: AtomicBool = AtomicBool::new(false);

#[async_trait]
impl ChaosEvent for InPart {
    fn name(&self) -> &'static str {
        "in-part"
    }

    fn requires(&self) -> CapabilitySet {
        CapabilitySet::default()
    }

    fn hold(&self) -> Hold {
        Hold::DEFAULT
    }

    async fn prepare(&self, _: &Scope) -> Result<Prepared> {
        let prepared = Prepared::new(ClearAway, |_| {
            Box::pin(async {
                IS_LEFT.store(true, Ordering::SeqCst);
                Ok(())
            })
        });
        Ok(prepared.requesting("seconds", 60.0))
    }
}

#[async_trait]
impl Recovery for ClearAway {
    const KIND: &'static str = "test/clear-away/1";

    async fn recover(&self, _: &RecoveryScope, _: &Permit) -> Result<()> {
        IS_LEFT.store(false, Ordering::SeqCst);
        Ok(())
    }

    async fn verify(&self, scope: &RecoveryScope) -> Result<Verdict> {
        let is_back = scope.is_held() || !IS_LEFT.load(Ordering::SeqCst);
        Ok(if is_back { Verdict::Back } else { Verdict::NotYet("something is left".to_owned()) })
    }

    fn by_hand(&self, _: &TargetId, _: FaultId) -> String {
        "clear it away".to_owned()
    }
}

/// The rest of a fault after the hold proves nothing about the hold.
#[tokio::test(start_paused = true)]
async fn what_every_look_in_the_hold_has_missed_had_no_effect_whatever_is_left() {
    let monkey = Monkey::builder()
        .provider(MemoryProvider::default().with_group("web", 3).unwrap())
        .clock(clock())
        .event(InPart)
        .unleash(MemoryJournal::new(), registry().register::<ClearAway>())
        .build()
        .unwrap();
    let report = monkey.run_once().await.unwrap();
    assert_eq!(report.outcome(), Outcome::NoEffect, "{report}");
    assert!(!IS_LEFT.load(Ordering::SeqCst), "it is cleared away all the same");
}
