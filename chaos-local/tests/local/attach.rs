use std::{ffi::OsStr, fs, io::BufReader, os::unix::ffi::OsStrExt, path::Path};

use chaos_core::{ErrorKind, GroupId, Health, Provider};
use chaos_local::{Fleet, Fleets};
use rustix::process::Signal;

use crate::support::{
    Mark, Started, exists, healths, hear, identities, parameter, role, say, signal, until_group,
};

const OWNER: &str = "attach::another_process_finds_the_same_targets";

/// A process that owns a fleet over `directory`.
fn owner(mark: &Mark, directory: &Path) -> Started {
    let mut owner = mark.role(OWNER, "owner", &[("STATE", directory.to_str().unwrap())]);
    assert_eq!(hear(&mut BufReader::new(owner.0.stdout.take().unwrap())), "up");
    owner
}

#[tokio::test]
async fn another_process_finds_the_same_targets() {
    if role().as_deref() == Some("owner") {
        let fleet = Fleet::of("sleep").arg("600").replicas(2).name("web");
        let _fleet = fleet.state_directory(parameter("STATE")).start().await.unwrap();
        say("up");
        std::future::pending::<()>().await;
    }
    let (mark, parent) = (Mark::new(), tempfile::tempdir().unwrap());
    let directory = parent.path().join("it's $(touch pwned) `x` \"y\" \\ é");
    let first_owner = owner(&mark, &directory);

    let fleet = Fleet::attach(&directory).unwrap();
    assert_eq!(fleet.id().path(), directory.canonicalize().unwrap().to_str().unwrap());
    let group = fleet.group(fleet.id()).await.unwrap();
    assert_eq!((group.desired, group.replaces_members), (2, true));
    assert_eq!(healths(&group), [Health::Healthy; 2]);
    assert_eq!(fleet.ports().unwrap().len(), 2);

    // A replacement is the same target in another process.
    let before = identities(&group);
    signal(before[1], Signal::KILL);
    let healed =
        until_group(&fleet, fleet.id(), |group| group.healthy() == 2 && identities(group)[1] != before[1]);
    let healed = healed.await;
    assert_eq!(identities(&healed)[0], before[0]);
    let id = healed.members[1].target.id();
    let target = Fleets::new().resolve(id).await.unwrap().unwrap();
    assert_eq!(target.health().await.unwrap(), Health::Healthy);
    assert!(Fleets::new().resolve(&fleet.id().target("replica-2").unwrap()).await.unwrap().is_none());

    // One directory, one fleet.
    let second = mark.sleepers(1).state_directory(&directory).start().await.unwrap_err();
    assert_eq!(second.kind(), ErrorKind::Conflict);
    assert_eq!(fleet.group(fleet.id()).await.unwrap().healthy(), 2);

    // The state that a killed fleet has left says that it is gone.
    first_owner.end();
    assert_eq!(fleet.group(fleet.id()).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert!(fleet.resolve(id).await.unwrap().is_none());
    assert!(Fleets::new().resolve(id).await.unwrap().is_none());
    assert_eq!(target.health().await.unwrap(), Health::Gone);
    assert_eq!(Fleet::attach(&directory).unwrap_err().kind(), ErrorKind::NotFound);
    mark.assert_nothing_left().await;

    // It does not hinder the next fleet.
    let second_owner = owner(&mark, &directory);
    assert_eq!(fleet.group(fleet.id()).await.unwrap().healthy(), 2);
    second_owner.end();
    mark.assert_nothing_left().await;
}

#[tokio::test]
async fn an_orderly_end_is_written_down() {
    let (mark, directory) = (Mark::new(), tempfile::tempdir().unwrap());
    let fleet = mark.sleepers(2).name("web").state_directory(directory.path()).start().await.unwrap();
    let read = || -> serde_json::Value {
        serde_json::from_slice(&fs::read(directory.path().join("fleet.json")).unwrap()).unwrap()
    };
    let (up, identity) = (read(), identities(&fleet.group(fleet.id()).await.unwrap())[1]);
    assert_eq!((&up["format"], &up["name"], &up["ended"]), (&1.into(), &"web".into(), &false.into()));
    assert_eq!(up["replicas"][1]["process"]["pid"], identity.pid());
    fleet.stop().await.unwrap();
    let ended = read();
    assert_eq!((&ended["ended"], &ended["replicas"]), (&true.into(), &serde_json::json!([])));
    assert!(!exists(identity));
    let names = || fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(names().count(), 2, "{:?}", names().collect::<Vec<_>>());
}

#[tokio::test]
async fn what_cannot_be_told_is_never_taken_for_gone() {
    let (mark, directory) = (Mark::new(), tempfile::tempdir().unwrap());
    let fleet = mark.sleepers(1).state_directory(directory.path()).start().await.unwrap();
    let (group, target) = (fleet.id().clone(), fleet.id().target("replica-0").unwrap());
    let (json, lock) = (directory.path().join("fleet.json"), directory.path().join("fleet.lock"));
    let good = fs::read_to_string(&json).unwrap();
    let newer = good.replace("\"format\": 1", "\"format\": 2, \"surprise\": []");
    let another_container = good.replace("\"pid:[", "\"pid:[1");
    let another_machine =
        good.replace("\"boot\": \"", "\"boot\": \"x").replace("\"machine\": \"", "\"machine\": \"x");
    for (text, expected) in [
        (newer.as_str(), ErrorKind::Unsupported),
        (another_container.as_str(), ErrorKind::Unsupported),
        (another_machine.as_str(), ErrorKind::Unsupported),
        (&good[..good.len() / 2], ErrorKind::Corrupt),
        ("", ErrorKind::Corrupt),
        ("[]", ErrorKind::Corrupt),
    ] {
        fs::write(&json, text).unwrap();
        for error in [
            Fleet::attach(directory.path()).unwrap_err(),
            Fleets::new().group(&group).await.unwrap_err(),
            Fleets::new().resolve(&target).await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), expected, "{text}: {error:?}");
            // A fleet elsewhere stays elsewhere, but a truncated file may be whole again.
            assert_eq!(error.is_final(), expected == ErrorKind::Unsupported, "{text}: {error:?}");
            assert!(error.to_string().contains("fleet.json"), "{error}");
        }
    }
    fs::remove_file(&json).unwrap();
    assert_eq!(Fleets::new().resolve(&target).await.unwrap_err().kind(), ErrorKind::Unavailable);
    fs::write(&json, &good).unwrap();
    assert!(Fleets::new().resolve(&target).await.unwrap().is_some());
    // The lock is for programs that start a fleet. Readers need none.
    fs::remove_file(&lock).unwrap();
    assert!(Fleets::new().resolve(&target).await.unwrap().is_some());
    // Before this very machine was booted.
    fs::write(&json, good.replace("\"boot\": \"", "\"boot\": \"x")).unwrap();
    assert!(Fleets::new().resolve(&target).await.unwrap().is_none());
    fs::write(&json, &good).unwrap();
    drop(fleet);
}

#[tokio::test]
async fn bad_directories_are_named_and_left_alone() {
    let (mark, directory) = (Mark::new(), tempfile::tempdir().unwrap());
    let missing = directory.path().join("missing");
    let error = Fleet::attach(&missing).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("missing"), "{error}");
    assert!(!missing.exists());
    let error = Fleet::attach(directory.path()).unwrap_err();
    assert!(error.to_string().contains("fleet.json"), "{error}");

    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    for bad in [
        directory.path().join("a\nb"),
        directory.path().join(OsStr::from_bytes(b"\xff")),
        file.clone(),
        file.join("below a file"),
    ] {
        let error = mark.sleepers(1).state_directory(&bad).start().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().starts_with("invalid state_directory: "), "{error}");
        assert!(!error.to_string().contains('\n'), "{error}");
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    assert!(mark.processes().is_empty());
}

#[tokio::test]
async fn a_bare_name_of_a_dead_process_is_gone_and_another_scheme_is_refused() {
    let fleets = Fleets::new();
    let id: GroupId = "local:web".parse().unwrap();
    assert_eq!(fleets.group(&id).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert!(fleets.resolve(&id.target("replica-0").unwrap()).await.unwrap().is_none());
    let foreign: GroupId = "aws-asg:web".parse().unwrap();
    assert_eq!(fleets.group(&foreign).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    let foreign = foreign.target("i-0").unwrap();
    assert_eq!(fleets.resolve(&foreign).await.unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn a_fleet_inside_another_process_is_gone_only_with_its_replicas() {
    let mark = Mark::new();
    // A name that no other test has.
    let name = format!("bare-{}", std::process::id());
    let fleet = mark.sleepers(2).name(&name).start().await.unwrap();
    let (id, target) = (fleet.id().clone(), fleet.id().target("replica-1").unwrap());
    // A program that replays a journal has no such fleet, and sees only public facts.
    let error = Fleets::new().resolve(&target).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(error.to_string().contains("lives inside another process"), "{error}");
    assert_eq!(Fleets::new().group(&id).await.unwrap_err().kind(), ErrorKind::Unsupported);
    fleet.stop().await.unwrap();
    assert!(Fleets::new().resolve(&target).await.unwrap().is_none());
    assert_eq!(Fleets::new().group(&id).await.unwrap_err().kind(), ErrorKind::NotFound);
}
