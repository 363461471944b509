use std::{net::TcpListener, time::Duration};

use chaos_core::{
    ErrorKind, Health, Hold, MemoryJournal, Monkey, Outcome, Provider, Registry,
    fault::FaultState,
    provider::GroupFilter,
    testing::{PowerOff, PowerOn},
};
use chaos_events::{Reboot, Terminate};
use chaos_local::{HealthCheck, ProcessGroups, ProcessIdentity, Processes};
use futures_util::StreamExt;
use rustix::process::Signal;

use crate::support::{Mark, healths, identities, signal, until};

#[tokio::test]
async fn adopted_processes_are_found_again_from_their_ids_alone() {
    let mark = Mark::new();
    let children = [mark.child(), mark.child()];
    let processes = Processes::adopt("db $(x)", children.each_ref().map(|child| &child.0)).unwrap();
    let group = processes.group(processes.id()).await.unwrap();
    assert_eq!((group.desired, group.healthy(), group.replaces_members), (2, 2, false));
    let first = ProcessIdentity::of_pid(children[0].0.id()).unwrap();
    let id = group.members[0].target.id();
    assert!(id.as_str().starts_with(&format!("process:db $(x)/0@{first}@")), "{id}");
    assert_eq!(processes.groups(&GroupFilter::all()).count().await, 1);

    let elsewhere = Processes::named("recovery").build().unwrap();
    assert_eq!(elsewhere.groups(&GroupFilter::all()).count().await, 0);
    let found = elsewhere.resolve(id).await.unwrap().unwrap();
    assert_eq!(found.health().await.unwrap(), Health::Healthy);
    signal(first, Signal::STOP);
    until("it is stopped", || crate::support::state(first.pid()) == Some('T')).await;
    assert_eq!(found.health().await.unwrap(), Health::Stopped);

    // The same process id with another start time is another process.
    let impostor =
        id.as_str().replace(&first.to_string(), &format!("{}.{}", first.pid(), first.start_time() + 1));
    assert!(elsewhere.resolve(&impostor.parse().unwrap()).await.unwrap().is_none());
    let error = elsewhere.resolve(&"process:x/0@nobody".parse().unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);

    drop(children);
    assert!(elsewhere.resolve(id).await.unwrap().is_none());
    let group = processes.group(processes.id()).await.unwrap();
    assert_eq!(healths(&group), [Health::Gone, Health::Gone]);
}

/// A process of another place is not gone, unless this same machine was booted since.
#[tokio::test]
async fn a_process_elsewhere_is_refused_and_one_before_a_reboot_is_gone() {
    let mark = Mark::new();
    let child = mark.child();
    let processes = Processes::adopt("db", [&child.0]).unwrap();
    let id = processes.group(processes.id()).await.unwrap().members[0].target.id().to_string();
    let (process, place) = id.rsplit_once('@').unwrap();
    let [namespace, boot, machine] = place.split('.').collect::<Vec<_>>()[..] else { panic!("{place}") };
    let another = |text: &str| text.chars().rev().collect::<String>();
    let elsewhere = Processes::named("recovery").build().unwrap();
    for (place, is_refused) in [
        (format!("1{namespace}.{boot}.{machine}"), true),
        (format!("{namespace}.{}.{}", another(boot), another(machine)), true),
        (format!("{namespace}.{}.{machine}", another(boot)), false),
    ] {
        let id = format!("{process}@{place}").parse().unwrap();
        match elsewhere.resolve(&id).await {
            Err(error) => {
                assert_eq!((error.kind(), is_refused), (ErrorKind::Unsupported, true), "{error}");
                assert!(error.is_final(), "{error}");
            }
            Ok(found) => assert!(found.is_none() && !is_refused, "{id}"),
        }
        assert_eq!(elsewhere.remains(&id).await.is_err(), is_refused, "{id}");
    }
    // An id from an earlier version: the process is found, or else it is unknown whether it is gone.
    let old = process.parse().unwrap();
    assert!(elsewhere.resolve(&old).await.unwrap().is_some());
    drop(child);
    assert_eq!(elsewhere.resolve(&old).await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert!(elsewhere.resolve(&id.parse().unwrap()).await.unwrap().is_none());
    for broken in ["@", "@1.2", "@x.y.z"] {
        let error = elsewhere.resolve(&format!("{process}{broken}").parse().unwrap()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{broken}");
    }
}

#[tokio::test]
async fn what_started_this_process_is_spared_unless_asked_for() {
    let parent = std::os::unix::process::parent_id();
    let processes = Processes::adopt("harness", [parent]).unwrap();
    let group = processes.group(processes.id()).await.unwrap();
    let why = group.members[0].excluded.as_deref().unwrap();
    assert!(why.contains("even_ancestors"), "{why}");
    let processes = Processes::named("harness").member(&parent, None).even_ancestors().build().unwrap();
    let group = processes.group(processes.id()).await.unwrap();
    assert_eq!(group.members[0].excluded, None);
}

#[tokio::test]
async fn two_groups_make_one_provider() {
    let mark = Mark::new();
    let children = [mark.child(), mark.child()];
    let group = |name: &str, child: usize| Processes::adopt(name, [&children[child].0]).unwrap();
    let groups = ProcessGroups::of([group("db", 0), group("queue", 1)]).unwrap();
    let listed: Vec<_> = groups.groups(&GroupFilter::all()).collect().await;
    let ids: Vec<_> = listed.iter().map(|group| group.as_ref().unwrap().id.to_string()).collect();
    assert_eq!(ids, ["process:db", "process:queue"]);
    for group in listed {
        let id = group.unwrap().members[0].target.id().clone();
        assert_eq!(groups.resolve(&id).await.unwrap().unwrap().health().await.unwrap(), Health::Healthy);
    }
    let twice = ProcessGroups::of([group("db", 0), group("db", 1)]).unwrap_err();
    assert!(twice.to_string().contains("\"db\""), "{twice}");
    assert_eq!(ProcessGroups::of([]).unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn a_harness_replaces_what_was_terminated() {
    let mark = Mark::new();
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let ports = listeners.each_ref().map(|listener| Some(listener.local_addr().unwrap().port()));
    let mut children = [mark.child(), mark.child()];
    let processes = Processes::named("db")
        .member(&children[0].0, ports[0])
        .member(&children[1].0, ports[1])
        .health(HealthCheck::tcp())
        .replaced_by_harness(true)
        .build()
        .unwrap();
    let before = processes.group(processes.id()).await.unwrap();
    assert_eq!((before.healthy(), before.replaces_members), (2, true));
    let too_early = processes.adopt_replacement(0, &children[1].0).unwrap_err();
    assert_eq!(too_early.kind(), ErrorKind::InvalidInput);

    let monkey = Monkey::builder()
        .provider(processes.clone())
        .unleash(MemoryJournal::new(), chaos_events::registry())
        .build()
        .unwrap();
    let victim = before.members[0].target.id();
    let terminate = Terminate::default();
    let harness = async {
        until("it was terminated", || children[0].0.try_wait().unwrap().is_some()).await;
        let replacement = mark.child();
        let id = processes.adopt_replacement(0, &replacement.0).unwrap();
        assert_ne!(&id, victim);
        children[0] = replacement;
    };
    let (report, ()) = tokio::join!(monkey.inject(terminate, victim), harness);
    let report = report.unwrap();
    assert_eq!(report.outcome(), Outcome::Completed, "{report:#?}");
    assert!(processes.resolve(victim).await.unwrap().is_none());

    let alive = processes.adopt_replacement(1, &std::process::id()).unwrap_err();
    assert_eq!(alive.kind(), ErrorKind::InvalidInput);
    let extra = mark.child();
    assert_eq!(processes.adopt_replacement(1, &extra.0).unwrap_err().kind(), ErrorKind::Conflict);
    let error = processes.adopt_replacement(2, &extra.0).unwrap_err();
    assert!(error.to_string().starts_with("invalid index: 2;"), "{error}");
}

#[tokio::test]
async fn they_can_be_stopped_and_not_rebooted() {
    let mark = Mark::new();
    let children = [mark.child(), mark.child()];
    let processes = Processes::adopt("db", children.each_ref().map(|child| &child.0)).unwrap();
    let group = processes.group(processes.id()).await.unwrap();
    let monkey = Monkey::builder()
        .provider(processes.clone())
        .unleash(MemoryJournal::new(), Registry::default().register::<PowerOn>())
        .build()
        .unwrap();
    let target = group.members[1].target.id();
    let event = PowerOff::lasting(Hold::lasting(Duration::from_millis(300)).unwrap());
    let report = monkey.inject(event, target).await.unwrap();
    assert_eq!(report.faults[0].state, FaultState::Recovered, "{report:#?}");
    let after = processes.group(processes.id()).await.unwrap();
    assert_eq!((after.healthy(), identities(&after)), (2, identities(&group)));

    let report = monkey.inject(Reboot::default(), target).await.unwrap();
    assert_eq!(report.outcome(), Outcome::Skipped, "{report:#?}");
    drop(children);
    mark.assert_nothing_left().await;
}

#[tokio::test]
async fn what_cannot_be_adopted_is_named() {
    let mark = Mark::new();
    let mut child = mark.child();
    let pid = child.0.id();
    for (adopted, kind, expected) in [
        (Processes::adopt("db", [pid, 0x7fff_fff0]), ErrorKind::NotFound, "2147483632"),
        (Processes::adopt("db", [0]), ErrorKind::InvalidInput, "invalid pid: 0"),
        (Processes::adopt("db", [pid, pid]), ErrorKind::InvalidInput, "each process once"),
        (
            Processes::adopt("db", [std::process::id()]),
            ErrorKind::InvalidInput,
            "a process other than this one",
        ),
        (Processes::adopt("a/b", [pid]), ErrorKind::InvalidInput, "invalid group name: \"a/b\""),
        (
            Processes::named("db").member(&pid, None).health(HealthCheck::tcp()).build(),
            ErrorKind::InvalidInput,
            "invalid port of process",
        ),
    ] {
        let error = adopted.expect_err(expected);
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
    child.0.kill().unwrap();
    // A zombie is no process to adopt.
    until("it is dead", || crate::support::state(pid) == Some('Z')).await;
    let error = Processes::adopt("db", [&child.0]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}
