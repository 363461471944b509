//! Others on the same machine: an unprivileged user who knows every id, and places from which not everything can be
//! seen.

use std::{
    fs::{self, File, Permissions},
    io::BufReader,
    os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use chaos_core::{
    ErrorKind, Hold, MemoryJournal, Monkey, Provider, Registry,
    fault::FaultState,
    testing::{PowerOff, PowerOn},
};
use chaos_local::{Fleet, Fleets, Processes};

use crate::support::{Mark, Started, hear, is_root, parameter, role, say};

/// Whoever may do nothing.
const STRANGER: u32 = 54_321;

fn stranger(arguments: &[&str]) -> Command {
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid", &STRANGER.to_string(), "--regid", &STRANGER.to_string(), "--clear-groups"])
        .args(arguments);
    command
}

#[tokio::test]
async fn the_state_of_a_fleet_is_its_owners_alone_whatever_the_umask() {
    let name = "adversary::the_state_of_a_fleet_is_its_owners_alone_whatever_the_umask";
    if role().as_deref() == Some("owner") {
        let fleet = Fleet::of("sleep").arg("600").state_directory(parameter("STATE"));
        let _fleet = fleet.start().await.unwrap();
        say("up");
        std::future::pending::<()>().await;
    }
    for umask in ["umask 000", "umask 077", "umask 777"] {
        let (mark, parent) = (Mark::new(), tempfile::tempdir().unwrap());
        let directory = parent.path().join("state");
        let shell = format!("{umask}; exec \"$@\"");
        let parameters = [("STATE", directory.to_str().unwrap())];
        let mut owner = mark.role_under(&["sh", "-c", &shell, "sh"], name, "owner", &parameters);
        assert_eq!(hear(&mut BufReader::new(owner.0.stdout.take().unwrap())), "up");
        let mode = |path: &Path| format!("{:o}", fs::metadata(path).unwrap().mode() & 0o7777);
        assert_eq!(mode(&directory), "700");
        for file in ["fleet.json", "fleet.lock"] {
            assert_eq!(mode(&directory.join(file)), "600", "{umask} {file}");
        }
        owner.end();
        mark.assert_nothing_left().await;
    }
}

#[tokio::test]
async fn what_others_could_have_written_is_refused_and_says_what_to_do() {
    let (mark, parent) = (Mark::new(), tempfile::tempdir().unwrap());
    let path = parent.path().join("state");
    let fleet = mark.sleepers(1).state_directory(&path).start().await.unwrap();
    let target = fleet.id().target("replica-0").unwrap();
    let json = path.join("fleet.json");
    let set = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    let refused = async |expected: &str| {
        for error in [
            Fleets::new().resolve(&target).await.unwrap_err(),
            Fleets::new().group(&target.group()).await.unwrap_err(),
            Fleet::attach(&path).unwrap_err(),
            Fleets::new().remains(&target).await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Refused, "{expected}: {error}");
            assert!(error.to_string().contains(expected), "{expected}: {error}");
        }
    };
    for (path, own) in [(path.as_path(), 0o700), (json.as_path(), 0o600)] {
        // Of a group that is not the user's own.
        let _ = chown(path, None, Some(STRANGER));
        for others in [0o020, 0o002] {
            if others == 0o020 && fs::metadata(path).unwrap().gid() == fs::metadata(path).unwrap().uid() {
                println!("skipped: a state that a group may write: only root can give it to one");
                continue;
            }
            set(path, own | others);
            refused("chmod go-w").await;
        }
        set(path, own);
        if is_root("what_others_could_have_written_is_refused_and_says_what_to_do") {
            chown(path, Some(STRANGER), None).unwrap();
            refused("another user").await;
            chown(path, Some(0), None).unwrap();
        }
    }
    assert!(Fleets::new().resolve(&target).await.unwrap().is_some());

    let elsewhere = parent.path().join("elsewhere");
    fs::rename(&json, &elsewhere).unwrap();
    symlink(&elsewhere, &json).unwrap();
    refused("symbolic link").await;
    fs::remove_file(&json).unwrap();
    // A pipe without a writer: to open it would block.
    assert!(Command::new("mkfifo").arg(&json).status().unwrap().success());
    refused("not a regular file").await;
    fs::remove_file(&json).unwrap();
    fs::create_dir(&json).unwrap();
    refused("not a regular file").await;
    fs::remove_dir(&json).unwrap();
    fs::rename(&elsewhere, &json).unwrap();
    assert!(Fleets::new().resolve(&target).await.unwrap().is_some());
    drop(fleet);
    mark.assert_nothing_left().await;

    set(&path, 0o777);
    let error = mark.sleepers(1).state_directory(&path).start().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
}

/// An earlier version made it readable for everybody, and a user who may read a file may lock it.
#[tokio::test]
async fn a_lock_that_a_stranger_holds_hinders_nobody() {
    let (mark, parent) = (Mark::new(), tempfile::tempdir().unwrap());
    let path = parent.path().join("state");
    fs::create_dir(&path).unwrap();
    fs::set_permissions(parent.path(), Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    let lock = path.join("fleet.lock");
    File::create(&lock).unwrap();
    fs::set_permissions(&lock, Permissions::from_mode(0o644)).unwrap();
    let root = is_root("a_lock_that_a_stranger_holds_hinders_nobody");
    let (_stranger, _held);
    if root {
        let script = r#"exec 9<"$0" && flock 9 && echo "> held" && exec sleep 600"#;
        let mut command = stranger(&["sh", "-c", script, lock.to_str().unwrap()]);
        let mut child = mark.start(command.stdout(Stdio::piped()));
        assert_eq!(hear(&mut BufReader::new(child.0.stdout.take().unwrap())), "held");
        _stranger = child;
    } else {
        _held = File::open(&lock).unwrap();
        _held.lock().unwrap();
    }
    let fleet = mark.sleepers(1).state_directory(&path).start().await.unwrap();
    let target = fleet.id().target("replica-0").unwrap();
    assert!(Fleets::new().resolve(&target).await.unwrap().is_some());
    let error = mark.sleepers(1).state_directory(&path).start().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    if root {
        let reads = stranger(&["cat", lock.to_str().unwrap()]).stderr(Stdio::null()).status().unwrap();
        assert!(!reads.success());
    }
    drop(fleet);
    assert!(Fleets::new().resolve(&target).await.unwrap().is_none());
}

/// It has the name, the arguments and the variables of a janitor and of its target.
#[tokio::test]
async fn a_stranger_who_looks_like_a_target_or_a_janitor_changes_nothing() {
    if !is_root("a_stranger_who_looks_like_a_target_or_a_janitor_changes_nothing") {
        return;
    }
    let mark = Mark::new();
    let child = mark.child();
    let processes = Processes::adopt("db", [&child.0]).unwrap();
    let id = processes.group(processes.id()).await.unwrap().members[0].target.id().clone();
    let forgeries = [r#"exec -a chaos-janitor sleep 600"#, r#"exec sleep 600"#].map(|script| {
        let pid = child.0.id().to_string();
        let mut command = stranger(&["bash", "-c", script, "chaos-janitor", "00000000000000ff", id.as_str()]);
        command.env("deadline", "a[$(touch pwned)]").env("pid", pid);
        mark.start(&mut command)
    });
    let monkey = Monkey::builder()
        .provider(processes)
        .blast_radius(chaos_core::BlastRadius::default().min_healthy(0))
        .unleash(MemoryJournal::new(), Registry::default().register::<PowerOn>())
        .build()
        .unwrap();
    let event = PowerOff::lasting(Hold::lasting(Duration::from_millis(500)).unwrap());
    let report = monkey.inject(event, &id).await.unwrap();
    assert_eq!(report.faults[0].state, FaultState::Recovered, "{report:#?}");
    for mut forgery in forgeries {
        assert!(forgery.0.try_wait().unwrap().is_none(), "it was none of ours to end");
        assert_ne!(crate::support::state(forgery.0.id()), Some('T'));
    }
}

/// Another pid namespace has other numbers, and `hidepid` hides processes. Neither proves that a process is gone.
#[tokio::test]
async fn what_cannot_be_seen_from_here_is_not_gone() {
    let test = "what_cannot_be_seen_from_here_is_not_gone";
    let name = format!("adversary::{test}");
    if role().as_deref() == Some("elsewhere") {
        let elsewhere = Processes::named("recovery").build().unwrap();
        for id in [parameter("ID"), parameter("OLD_ID")] {
            match elsewhere.resolve(&id.parse().unwrap()).await {
                Ok(found) => say(if found.is_some() { "found" } else { "gone" }),
                Err(error) => say(&format!("{:?}", error.kind())),
            }
        }
        std::future::pending::<()>().await;
    }
    if !is_root(test) {
        return;
    }
    let mark = Mark::new();
    let child = mark.child();
    let processes = Processes::adopt("db", [&child.0]).unwrap();
    let id = processes.group(processes.id()).await.unwrap().members[0].target.id().to_string();
    let (old, _) = id.rsplit_once('@').unwrap();
    let hidden = format!(
        "mount -t proc -o hidepid=2 proc /proc && exec setpriv --reuid {STRANGER} --regid {STRANGER} --clear-groups \
         \"$@\""
    );
    for (wrapper, expected) in [
        (
            vec!["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"],
            ["Unsupported", "Unsupported"],
        ),
        (vec!["unshare", "--mount", "sh", "-c", &hidden, "sh"], ["Denied", "Denied"]),
        (vec!["env"], ["found", "found"]),
    ] {
        let mut other: Started =
            mark.role_under(&wrapper, &name, "elsewhere", &[("ID", &id), ("OLD_ID", old)]);
        let mut output = BufReader::new(other.0.stdout.take().unwrap());
        assert_eq!([hear(&mut output), hear(&mut output)], expected, "{wrapper:?}");
    }
}
