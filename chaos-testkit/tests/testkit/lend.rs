//! Permits and scopes of real faults, lent to unit tests.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use crate::support::{paused, world::World};
use chaos_core::{
    Error, ErrorKind, Health, Provider,
    fault::Injection,
    testing::{MemoryProvider, PowerOn},
};
use chaos_testkit::{Subject, lend};

fn world() -> (MemoryProvider, Subject) {
    let world = MemoryProvider::default().with_group("web", 3).unwrap();
    let subject = Subject::new(world.clone(), World::machine(0));
    (world, subject)
}

async fn health(world: &MemoryProvider) -> Health {
    world.resolve(&World::machine(0)).await.unwrap().unwrap().health().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_permit_is_lent_and_the_target_comes_back_whatever_the_closure_does() {
    let (timing, (world, subject)) = (paused(), world());
    for outcome in ["well", "an error", "a panic"] {
        let stopped = world.clone();
        let lent = lend::permit(&timing, &subject, PowerOn::default(), move |permit| {
            Box::pin(async move {
                let target = stopped.resolve(&World::machine(0)).await?.unwrap();
                target.capabilities().lifecycle()?.stop(permit).await?;
                match outcome {
                    "well" => Ok(target.health().await?),
                    "an error" => Err(Error::new(ErrorKind::Denied, "my own error")),
                    _ => panic!("my own assertion"),
                }
            })
        })
        .await;
        match outcome {
            "well" => assert_eq!(lent.unwrap(), Health::Stopped),
            "an error" => assert_eq!(lent.unwrap_err().kind(), ErrorKind::Denied),
            _ => assert!(lent.unwrap_err().to_string().contains("it panicked: my own assertion")),
        }
        assert_eq!(health(&world).await, Health::Healthy, "{outcome}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_an_undo_does_not_bring_back_is_an_error() {
    let (timing, (world, subject)) = (paused(), world());
    let stopped = world.clone();
    let lent = lend::permit(&timing, &subject, PowerOn::default(), move |_| {
        Box::pin(async move { stopped.set_health(&World::machine(0), Health::Unhealthy) })
    })
    .await;
    assert!(lent.is_err(), "{lent:?}");
    assert_eq!(health(&world).await, Health::Unhealthy);
    let sick =
        lend::permit(&timing, &subject, lend::NothingToUndo::default(), |_| Box::pin(async { Ok(()) }));
    assert!(sick.await.unwrap_err().to_string().contains("not healthy"));
}

#[tokio::test(start_paused = true)]
async fn a_scope_is_lent_and_nothing_is_armed() {
    let (timing, (world, subject)) = (paused(), world());
    let seen = lend::scope(&timing, &subject, |scope| {
        Box::pin(async move { Ok((scope.target().id().clone(), scope.group().members.len())) })
    });
    let (target, members) = seen.await.unwrap();
    assert_eq!((target, members), (World::machine(0), 3));
    let failed = lend::scope(&timing, &subject, |_| {
        Box::pin(async { Err::<(), _>(Error::new(ErrorKind::NotFound, "my own error")) })
    });
    assert_eq!(failed.await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(health(&world).await, Health::Healthy);
}

#[tokio::test(start_paused = true)]
async fn a_recovery_is_lent_its_scope_and_a_permit_once() {
    let (timing, (world, subject)) = (paused(), world());
    let calls = Arc::new(AtomicUsize::new(0));
    for outcome in ["well", "an error", "a panic"] {
        let (called, world) = (Arc::clone(&calls), world.clone());
        let lent = lend::recovery_scope(&timing, &subject, move |scope, permit| {
            Box::pin(async move {
                called.fetch_add(1, SeqCst);
                assert_eq!(permit.fault(), scope.fault());
                world.set_health(scope.target_id(), Health::Stopped)?;
                let target = scope.fresh_target().await?.unwrap();
                target.capabilities().lifecycle()?.start(permit).await?;
                match outcome {
                    "well" => Ok(scope.injection()),
                    "an error" => Err(Error::new(ErrorKind::Denied, "my own error")),
                    _ => panic!("my own assertion"),
                }
            })
        })
        .await;
        match outcome {
            "well" => assert_eq!(lent.unwrap(), Injection::Returned),
            "an error" => assert_eq!(lent.unwrap_err().kind(), ErrorKind::Denied),
            _ => assert!(lent.unwrap_err().to_string().contains("it panicked: my own assertion")),
        }
    }
    assert_eq!(calls.load(SeqCst), 3);
    assert_eq!(health(&world).await, Health::Healthy);
}
