//! Others on the same machine who know the fault's id and want to hinder it, to keep it or to be taken for it.

use std::{
    fs::{self, File},
    os::unix::fs::{FileTypeExt, PermissionsExt, chown, symlink},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use chaos_core::clock::{Clock, SystemClock};

use super::{
    by_hand::ByHand,
    disk::{Disk, MEBIBYTE},
};
use crate::host_faults::machine::{Tools, lacks_root, until};

const LONG: Duration = Duration::from_secs(60);
const STRANGER: u32 = 65534;

/// A program of an unprivileged user, in a directory to which everybody may write. It ends with this value.
struct Stranger(Child);

impl Stranger {
    fn runs(script: &str, directory: &Path) -> Self {
        let mut command = Command::new("setpriv");
        let user = STRANGER.to_string();
        command.args(["--reuid", &user, "--regid", &user, "--clear-groups", "sh", "-c", script]);
        Self(command.current_dir(directory).stdin(Stdio::null()).process_group_of_its_own().spawn().unwrap())
    }
}

trait OfItsOwn {
    fn process_group_of_its_own(&mut self) -> &mut Self;
}

impl OfItsOwn for Command {
    fn process_group_of_its_own(&mut self) -> &mut Self {
        std::os::unix::process::CommandExt::process_group(self, 0)
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let group = rustix::process::Pid::from_child(&self.0);
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        let _ = self.0.wait();
    }
}

fn open_to_all(disk: &Disk) {
    fs::set_permissions(disk.path(), fs::Permissions::from_mode(0o777)).unwrap();
}

fn fill(tools: Tools, disk: &Disk) -> ByHand {
    ByHand::bytes(tools, &disk.path(), 50 * MEBIBYTE, MEBIBYTE, LONG)
}

async fn stops_at_once(fill: &ByHand) {
    let clock = SystemClock::default();
    let begun = clock.monotonic();
    fill.succeeds("stop").await;
    let took = clock.monotonic().saturating_sub(begun);
    // At a load of twenty it takes three.
    assert!(took < Duration::from_secs(6), "it took {took:?}");
}

/// Everything with the name belongs to somebody else, except for an empty file that a start may have left.
#[tokio::test]
async fn what_has_the_name_is_left_to_whose_it_is() {
    if lacks_root("files of strangers") {
        return;
    }
    type Make = fn(&Path);
    let kinds: [(&str, Make); 6] = [
        ("file of a stranger", |name| {
            fs::write(name, "").unwrap();
            chown(name, Some(STRANGER), None).unwrap();
        }),
        ("file with something in it", |name| fs::write(name, "precious").unwrap()),
        ("symbolic link", |name| symlink("/etc/passwd", name).unwrap()),
        ("pipe", |name| assert!(Command::new("mkfifo").arg(name).status().unwrap().success())),
        ("directory", |name| fs::create_dir(name).unwrap()),
        ("hard link", |name| {
            let other = name.with_file_name("other");
            fs::write(&other, "").unwrap();
            fs::hard_link(other, name).unwrap();
        }),
    ];
    for (number, tools) in Tools::all().into_iter().enumerate() {
        let disk = Disk::tmpfs();
        open_to_all(&disk);
        let tools = std::sync::Arc::new(tools);
        for (kind, make) in kinds {
            let what = format!("{kind}, {number}");
            let fill = ByHand::bytes(tools.clone(), &disk.path(), 50 * MEBIBYTE, MEBIBYTE, LONG);
            let name = disk.path().join(format!(".chaos-fill-{}", fill.fault));
            // Before: nothing begins.
            make(&name);
            let start = fill.run("start").await;
            assert_eq!(start.status, Some(75), "{what}: {start:?}");
            stops_at_once(&fill).await;
            let metadata = fs::symlink_metadata(&name).unwrap_or_else(|_| panic!("{what} is gone"));
            assert!(metadata.file_type().is_fifo() || metadata.len() < 100, "{what}");
            match metadata.is_dir() {
                true => fs::remove_dir(&name).unwrap(),
                false => fs::remove_file(&name).unwrap(),
            }
            let _ = fs::remove_file(name.with_file_name("other"));
            // Meanwhile: it ends as ever.
            let before = disk.free();
            fill.succeeds("start").await;
            make(&name);
            assert!(fill.succeeds("status").await.number("bytes") >= 50 * MEBIBYTE, "{what}");
            stops_at_once(&fill).await;
            assert!(fs::symlink_metadata(&name).is_ok(), "{what} is gone");
            assert_eq!(fill.traces(), [""; 0], "{what}");
            until("the space is back", LONG, async || disk.free() + MEBIBYTE > before).await;
            match fs::symlink_metadata(&name).unwrap().is_dir() {
                true => fs::remove_dir(&name).unwrap(),
                false => fs::remove_file(&name).unwrap(),
            }
            let _ = fs::remove_file(name.with_file_name("other"));
        }
    }
}

/// An empty file of the fault's own is what a start leaves that was killed between its first two steps.
#[tokio::test]
async fn what_a_start_has_left_is_taken_away() {
    let home = tempfile::tempdir().unwrap();
    for tools in Tools::all() {
        let fill = ByHand::bytes(tools, home.path(), MEBIBYTE, 0, LONG);
        let name = home.path().join(format!(".chaos-fill-{}", fill.fault));
        fs::write(&name, "").unwrap();
        fill.succeeds("stop").await;
        assert!(!name.exists());
    }
}

/// They hold deleted files of that name as the descriptor that the fault uses, carry its mark, and come back.
#[tokio::test]
async fn a_process_of_a_stranger_is_not_taken_for_the_fault() {
    if lacks_root("processes of strangers") {
        return;
    }
    for tools in Tools::all() {
        let disk = Disk::tmpfs();
        open_to_all(&disk);
        let fill = fill(tools, &disk);
        let name = format!(".chaos-fill-{}", fill.fault);
        let script = format!(
            "exec 9>{name}; head -c 7000000 /dev/zero >&9; rm {name}; touch ready
            while :; do env -i CHAOS_FAULT={} PATH=\"$PATH\" LC_ALL=C setsid sleep 0.5; done",
            fill.fault
        );
        // It may be there before, and nothing of it counts.
        let stranger = Stranger::runs(&script, &disk.path());
        until("the stranger is there", LONG, async || disk.path().join("ready").exists()).await;
        let answer = fill.succeeds("status").await;
        assert_eq!((answer.number("bytes"), answer.number("open")), (0, 0), "{answer:?}");
        fill.succeeds("start").await;
        let answer = fill.succeeds("status").await;
        assert!((50 * MEBIBYTE..51 * MEBIBYTE).contains(&answer.number("bytes")), "{answer:?}");
        assert_eq!((answer.number("processes"), answer.number("given_up")), (2, 0), "{answer:?}");
        stops_at_once(&fill).await;
        let answer = fill.succeeds("status").await;
        assert_eq!((answer.number("bytes"), answer.number("open")), (0, 0), "{answer:?}");
        assert_eq!(answer.number("processes"), 0, "{answer:?}");
        assert!(File::open(format!("/proc/{}/environ", stranger.0.id())).is_ok(), "it was ended");
    }
}
