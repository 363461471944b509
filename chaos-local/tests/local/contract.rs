//! The contract of targets, kept by replicas, by those of a fleet elsewhere, and by adopted processes.

use std::{sync::Mutex, time::Duration};

use chaos_core::{GroupId, Provider};
use chaos_events::{AwaitReplacement, Reboot, StartAgain, Stop, Terminate};
use chaos_local::{Fleet, Processes};
use chaos_testkit::{Subject, Timing, contract};

use crate::support::Mark;

fn timing() -> Timing {
    Timing::default().quiet(Duration::from_millis(200))
}

/// A replica, and what differs after each of its boots.
fn replica(provider: impl Provider + Clone, group: &GroupId) -> Subject {
    let (again, id) = (provider.clone(), group.clone());
    let start_time = move || {
        let (provider, id) = (again.clone(), id.clone());
        let read = async move {
            let group = provider.group(&id).await?;
            Ok(group.members[1].incarnation.as_deref().unwrap_or("none").to_owned())
        };
        Box::pin(read) as _
    };
    Subject::new(provider, group.target("replica-1").unwrap()).boot_mark(start_time)
}

#[tokio::test]
async fn replicas_keep_the_contract_of_targets() {
    let mark = Mark::new();
    // A fleet for each check: the back-off of a replica that ends again and again would slow them down.
    let fresh = async || {
        let fleet = mark.sleepers(2).start().await?;
        Ok(replica(fleet.clone(), fleet.id()))
    };
    contract::target::check(&timing(), fresh).await.assert_kept();
    mark.assert_nothing_left().await;
}

#[tokio::test]
async fn replicas_of_a_fleet_elsewhere_keep_the_contract_of_targets() {
    let (mark, fleets) = (Mark::new(), Mutex::new(Vec::new()));
    let fresh = async || {
        let directory = tempfile::tempdir().unwrap();
        let fleet = mark.sleepers(2).state_directory(directory.path()).start().await?;
        let attached = Fleet::attach(directory.path())?;
        fleets.lock().unwrap().push((fleet, directory));
        Ok(replica(attached.clone(), attached.id()))
    };
    contract::target::check(&timing(), fresh).await.assert_kept();
    drop(fleets);
    mark.assert_nothing_left().await;
}

#[tokio::test]
async fn adopted_processes_keep_the_contract_of_targets() {
    let (mark, children) = (Mark::new(), Mutex::new(Vec::new()));
    let fresh = async || {
        let child = mark.child();
        let processes = Processes::adopt("contract", [&child.0])?;
        children.lock().unwrap().push(child);
        let group = processes.group(processes.id()).await?;
        Ok(Subject::new(processes, group.members[0].target.id().clone()))
    };
    contract::target::check(&timing(), fresh).await.assert_kept();
    drop(children);
    mark.assert_nothing_left().await;
}

#[tokio::test]
async fn a_fleet_keeps_the_contract_of_providers() {
    let mark = Mark::new();
    let fresh = async || mark.sleepers(3).start().await;
    contract::provider::check(&timing(), fresh).await.assert_kept();
    mark.assert_nothing_left().await;
}

#[tokio::test]
async fn adopted_processes_keep_the_contract_of_providers() {
    let (mark, children) = (Mark::new(), Mutex::new(Vec::new()));
    let fresh = async || {
        let family = [mark.child(), mark.child(), mark.child()];
        let processes = Processes::adopt("contract", family.iter().map(|child| &child.0))?;
        children.lock().unwrap().extend(family);
        Ok(processes)
    };
    contract::provider::check(&timing(), fresh).await.assert_kept();
    drop(children);
    mark.assert_nothing_left().await;
}

/// Real faults on real processes, in real time.
#[tokio::test]
async fn the_events_keep_their_contracts_on_a_fleet() {
    let mark = Mark::new();
    let fresh = async || {
        let fleet = mark.sleepers(3).start().await?;
        Ok(replica(fleet.clone(), fleet.id()))
    };
    // A busy machine takes a while to begin it, and what is left must be seen.
    let stop = Stop::lasting(Duration::from_secs(2)).unwrap();
    contract::event::check(&timing(), stop, chaos_events::registry(), fresh).await.assert_kept();
    let terminate = Terminate::default();
    contract::event::check(&timing(), terminate, chaos_events::registry(), fresh).await.assert_kept();
    let reboot = Reboot::default();
    contract::event::check(&timing(), reboot, chaos_events::registry(), fresh).await.assert_kept();

    let stop = Stop::lasting(Duration::from_secs(60)).unwrap();
    contract::recovery::check::<StartAgain>(&timing(), stop, fresh).await.assert_kept();
    contract::recovery::check::<AwaitReplacement>(&timing(), terminate, fresh).await.assert_kept();
    mark.assert_nothing_left().await;
}
