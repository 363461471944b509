//! The whole way, as the types require it: this program does right what the programs in `tests/by_type` do wrong.

use chaos_core::{
    MemoryJournal, Monkey, Permit, Prepared, Registry, Result, Scope,
    capability::Lifecycle,
    fault::{Active, Armed, FaultRecord, Safeguard},
    journal::{Arming, Limits},
    testing::{MemoryProvider, PowerOff, PowerOn},
};

async fn one_way(prepared: Prepared, scope: &Scope, safeguard: &Safeguard) -> Result<Option<FaultRecord>> {
    let armed: Armed = match prepared.arm(scope, safeguard, &Limits::none()).await? {
        Arming::Armed(armed) => armed,
        Arming::Refused(_) => return Ok(None),
    };
    let active: Active = armed.inject().await;
    Ok(Some(active.recover().await))
}

async fn change(target: &dyn Lifecycle, permit: &Permit) -> Result<()> {
    target.stop(permit).await
}

#[test]
fn what_the_refused_programs_do_wrong_can_be_done_right() {
    let _ = (one_way, change);
    let monkey = Monkey::builder()
        .provider(MemoryProvider::default())
        .event(PowerOff::default())
        .unleash(MemoryJournal::new(), Registry::default().register::<PowerOn>())
        .build();
    assert!(monkey.is_ok());
}
