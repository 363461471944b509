//! The fault ends when it is stopped, when any part of it is killed, and at its deadline even if no process is left to
//! stop it.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, time::Duration};

use chaos_core::clock::{Clock, SystemClock};
use tempfile::TempDir;

use super::{
    by_hand::{ByHand, kill},
    disk::{Disk, MEBIBYTE},
};
use crate::host_faults::machine::{Tools, lacks_root, until};

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_secs(5);
const AT_ONCE: Duration = Duration::from_secs(2);
/// How long the kernel may take until space that no process holds any more counts as free.
const SPACE_IS_BACK: Duration = Duration::from_secs(3);

fn fill(tools: Tools, disk: &Disk, duration: Duration) -> ByHand {
    ByHand::bytes(tools, &disk.path(), 100 * MEBIBYTE, MEBIBYTE, duration)
}

async fn started(tools: Tools, disk: &Disk, duration: Duration) -> ByHand {
    let fill = fill(tools, disk, duration);
    let answer = fill.succeeds("start").await;
    assert!(answer.number("bytes") >= 100 * MEBIBYTE, "{answer:?}");
    fill
}

async fn gone(fill: &ByHand, disk: &Disk, before: u64, limit: Duration) {
    until("it is gone", limit, async || fill.traces().is_empty() && disk.free() >= before).await;
    assert_eq!(disk.shows(), [""; 0]);
}

/// A tool that begins with these lines and then does what it always does.
fn meddled(tool: &str, lines: &str) -> (Tools, TempDir) {
    let home = tempfile::tempdir().unwrap();
    let program = home.path().join(tool);
    let real = Path::new("/usr/bin").join(tool).display().to_string();
    fs::write(&program, format!("#!/bin/sh\n{lines}\nexec {real} \"$@\"\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    // Not of busybox, whose shell finds its own tools before any others.
    (Tools::of_debian().without("fallocate").with(tool, program), home)
}

#[tokio::test]
async fn stopping_and_starting_are_harmless_when_they_are_repeated_or_never_happened() {
    if lacks_root("a fill that is stopped") {
        return;
    }
    for tools in Tools::all() {
        let disk = Disk::ext4();
        let before = disk.free();
        let fill = fill(tools, &disk, LONG);
        fill.succeeds("stop").await;
        let first = fill.succeeds("start").await;
        let held = disk.free();
        assert_eq!(disk.shows(), [""; 0]);
        let again = fill.succeeds("start").await;
        assert_eq!((first.number("bytes"), held), (again.number("bytes"), disk.free()));
        fill.succeeds("stop").await;
        // At once, without waiting.
        assert_eq!(fill.traces(), [""; 0]);
        gone(&fill, &disk, before, SPACE_IS_BACK).await;
        fill.succeeds("stop").await;
        assert_eq!(disk.shows(), [""; 0]);
    }
}

/// Space that others take while it is stopped never comes back; the stop does not wait for it.
#[tokio::test]
async fn others_that_write_meanwhile_do_not_keep_a_stop_waiting() {
    if lacks_root("a fill that is stopped while others write") {
        return;
    }
    let disk = Disk::ext4();
    let writes = format!(
        "dd if=/dev/zero of='{}/others' bs=1M count=4 oflag=append conv=notrunc 2>/dev/null",
        disk.path().display()
    );
    let (tools, _home) = meddled("ls", &writes);
    let fill = started(tools, &disk, LONG).await;
    let clock = SystemClock::default();
    let begun = clock.now();
    fill.succeeds("stop").await;
    let took = clock.now().duration_since(begun).unsigned_abs();
    assert!(took < Duration::from_secs(10), "it took {took:?}");
    assert_eq!((fill.traces(), disk.shows()), (vec![], vec!["others".to_owned()]));
}

#[tokio::test]
async fn nobody_has_to_be_there_for_it_to_end() {
    if lacks_root("a fill whose injector is gone") {
        return;
    }
    for tools in Tools::all() {
        let disk = Disk::ext4();
        let before = disk.free();
        let fill = started(tools, &disk, SHORT).await;
        gone(&fill, &disk, before, SHORT + Duration::from_secs(3)).await;
    }
}

#[tokio::test]
async fn a_holder_that_is_killed_frees_it_at_once() {
    if lacks_root("a fill whose holder is killed") {
        return;
    }
    for tools in Tools::all() {
        let disk = Disk::ext4();
        let before = disk.free();
        let fill = started(tools, &disk, LONG).await;
        kill(fill.holder());
        gone(&fill, &disk, before, AT_ONCE).await;
        fill.succeeds("stop").await;
    }
}

#[tokio::test]
async fn it_ends_at_its_deadline_without_its_guard() {
    if lacks_root("a fill whose guard is killed") {
        return;
    }
    for tools in Tools::all() {
        let disk = Disk::ext4();
        let before = disk.free();
        let fill = started(tools, &disk, SHORT).await;
        kill(fill.guard());
        assert!(disk.free() < before);
        gone(&fill, &disk, before, SHORT + Duration::from_secs(3)).await;
    }
}

#[tokio::test]
async fn its_guard_ends_a_holder_that_stays() {
    if lacks_root("a fill whose holder stays") {
        return;
    }
    let disk = Disk::ext4();
    let before = disk.free();
    // The holder's sleep is the only one that is longer than a second.
    let lines = r#"case $1 in 0.*) ;; *) set -- 60 ;; esac"#;
    let (tools, _home) = meddled("sleep", lines);
    let fill = started(tools, &disk, SHORT).await;
    gone(&fill, &disk, before, SHORT + Duration::from_secs(3)).await;
}

#[tokio::test]
async fn a_start_that_is_still_on_its_way_is_stopped_too() {
    if lacks_root("a fill that is stopped in the middle") {
        return;
    }
    let disk = Disk::ext4();
    let before = disk.free();
    let (tools, _home) = slow();
    let fill = fill(tools, &disk, LONG);
    let stopping = async {
        until("it has begun", LONG, async || disk.free() < before - 10 * MEBIBYTE).await;
        fill.succeeds("stop").await;
        assert_eq!(fill.traces(), [""; 0]);
    };
    let (start, ()) = tokio::join!(fill.run("start"), stopping);
    assert_ne!(start.status, Some(0));
    gone(&fill, &disk, before, SPACE_IS_BACK).await;
}

#[tokio::test]
async fn a_start_that_is_too_slow_or_killed_ends_at_the_deadline() {
    if lacks_root("a fill that is too slow") {
        return;
    }
    let disk = Disk::ext4();
    let before = disk.free();
    let (tools, _home) = slow();
    let slow_one = fill(tools, &disk, SHORT);
    assert_ne!(slow_one.run("start").await.status, Some(0));
    gone(&slow_one, &disk, before, Duration::from_secs(4)).await;

    // Processes that it has started continue without it.
    let (tools, _home) = slow();
    let limit = 2 * SHORT;
    let killed = fill(tools, &disk, limit);
    let killing = async {
        until("it has begun", limit, async || disk.free() < before - 10 * MEBIBYTE).await;
        kill(killed.starter());
    };
    let (start, ()) = tokio::join!(killed.run("start"), killing);
    assert_eq!(start.status, None, "{start:?}");
    assert!(disk.free() < before);
    gone(&killed, &disk, before, limit + Duration::from_secs(3)).await;
}

/// Writes some of it, and then hangs.
fn slow() -> (Tools, TempDir) {
    let lines = r#"case "$*" in
      *zero*) /usr/bin/dd if=/dev/zero of=/proc/self/fd/9 bs=1048576 count=20 conv=notrunc 2>/dev/null; sleep 60 ;;
    esac"#;
    meddled("dd", lines)
}

#[tokio::test]
async fn a_disk_that_is_full_on_the_way_is_a_failure_that_is_cleaned_up() {
    if lacks_root("a disk that becomes full") {
        return;
    }
    let disk = Disk::ext4();
    let other = disk.path().join("other");
    let lines =
        format!("case \"$*\" in *zero*) /usr/bin/fallocate -l 1G '{}' 2>/dev/null ;; esac", other.display());
    let (tools, _home) = meddled("dd", &lines);
    let before = disk.free();
    let fill = fill(tools, &disk, LONG);
    let start = fill.run("start").await;
    assert_eq!(start.status, Some(75), "{start:?}");
    assert!(start.reason.contains("No space left on device"), "{start:?}");
    fs::remove_file(other).unwrap();
    gone(&fill, &disk, before, AT_ONCE).await;
}

#[tokio::test]
async fn nothing_begins_after_the_deadline() {
    let home = tempfile::tempdir().unwrap();
    for tools in Tools::all() {
        let fill = ByHand::bytes(tools, home.path(), 1000, 0, Duration::from_millis(10));
        SystemClock::default().sleep(Duration::from_millis(30)).await;
        let start = fill.run("start").await;
        assert_eq!(start.status, Some(75), "{start:?}");
        assert_eq!(fill.traces(), [""; 0]);
    }
}
