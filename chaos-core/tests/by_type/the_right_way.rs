//! The whole way, as the types lay it down. What the other programs here do wrong, this one does right.

use chaos_core::{
    MemoryJournal, Monkey, Permit, Prepared, Registry, Result, Scope, capability::Lifecycle,
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

fn main() {
    let _ = (one_way, change);
    let _ = Monkey::builder()
        .provider(MemoryProvider::default())
        .event(PowerOff::default())
        .unleash(MemoryJournal::new(), Registry::default().register::<PowerOn>())
        .build();
}
