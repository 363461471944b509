//! Directories with names that are no names, and those that cannot be filled.

use std::{fs, os::unix::fs::symlink, path::Path, sync::Arc, time::Duration};

use chaos_core::Outcome;
use chaos_events::DiskFill;

use super::{
    by_hand::ByHand,
    disk::{Disk, names},
};
use crate::machine::{Machine, Tools, lacks_root};

/// Why it was not prepared, with nothing injected.
async fn refused(machine: &Machine, path: &str) -> String {
    let fill = DiskFill::bytes(path, 1).unwrap();
    let report = machine.monkey().inject(fill, &machine.id()).await.unwrap();
    assert!(report.faults.is_empty(), "{report}");
    report.why_nothing().join("; ")
}

#[tokio::test]
async fn hostile_names_are_only_names() {
    let home = tempfile::tempdir().unwrap();
    let hostile = [
        "-rf",
        "a b",
        "it's",
        "\"",
        "a\nb",
        "$(touch x)",
        "`touch x`",
        "; touch x;",
        "\\",
        "*",
        "%s",
        "é\u{202e}",
        "=",
        "bytes=1\nholder=1.1\n",
        &"n".repeat(255),
    ];
    for tools in Tools::all() {
        let tools = Arc::new(tools);
        for name in hostile {
            let directory = home.path().join(name);
            fs::create_dir_all(&directory).unwrap();
            let fill = ByHand::bytes(tools.clone(), &directory, 100_000, 0, Duration::from_secs(60));
            let held = fill.succeeds("start").await.number("bytes");
            assert!((100_000..200_000).contains(&held), "{name:?}: {held}");
            assert_eq!(fill.succeeds("status").await.number("bytes"), held, "{name:?}");
            fill.succeeds("stop").await;
            assert_eq!((fill.traces(), names(&directory)), (vec![], vec![]), "{name:?}");
        }
    }
    for tools in Tools::all() {
        let machine = Machine::with(tools);
        let name = home.path().join("it's \"$(touch x)\"\n`touch x`;\ttouch x\\");
        fs::create_dir_all(&name).unwrap();
        let fill = DiskFill::bytes(name.to_str().unwrap(), 100_000).unwrap();
        let fill = fill.lasting(Duration::from_secs(2)).unwrap();
        let report = machine.monkey().inject(fill, &machine.id()).await.unwrap();
        assert_eq!(report.outcome(), Outcome::Completed, "{name:?}: {report}");
        assert_eq!(names(&name), [""; 0]);
    }
    assert_eq!(names(home.path()).len(), hostile.len() + 1);
}

#[tokio::test]
async fn a_path_that_cannot_be_filled_is_refused_by_name() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("file");
    fs::write(&file, "").unwrap();
    let missing = home.path().join("mis\nsing");
    for tools in Tools::all() {
        let machine = Machine::with(tools);
        for (path, reason) in
            [(file.as_path(), "not a directory"), (&missing, "no such directory"), (Path::new("/proc"), "it")]
        {
            let why = refused(&machine, path.to_str().unwrap()).await;
            assert!(why.contains(reason) && why.contains(&format!("{path:?}")), "{why}");
        }
    }
    for path in ["", ".", "relative/path", "-x", "/nul\0"] {
        let error = DiskFill::bytes(path, 1).unwrap_err();
        assert!(error.chain().contains(&format!("{path:?}")), "{}", error.chain());
    }
    for percent in [0.0, -1.0, 100.1, f64::NAN, f64::INFINITY] {
        assert!(DiskFill::up_to_percent("/", percent).is_err());
    }
    assert!(DiskFill::bytes("/", 0).is_err());
}

#[tokio::test]
async fn a_file_system_that_cannot_be_filled_is_refused() {
    if lacks_root("a file system that is read-only") {
        return;
    }
    let disk = Disk::tmpfs();
    disk.remount("ro");
    for tools in Tools::all() {
        let why = refused(&Machine::with(tools), &disk.name()).await;
        assert!(why.contains("read-only"), "{why}");
    }
}

#[tokio::test]
async fn a_missing_tool_is_named() {
    for tool in ["dd", "stat", "setsid"] {
        let why = refused(&Machine::with(Tools::of_debian().without(tool)), "/tmp").await;
        assert!(why.contains(&format!("the command {tool} is missing")), "{why}");
    }
}

#[tokio::test]
async fn what_has_the_name_already_is_not_touched() {
    let home = tempfile::tempdir().unwrap();
    let precious = home.path().join("precious");
    fs::write(&precious, "precious").unwrap();
    for tools in Tools::all() {
        let fill = ByHand::bytes(tools, home.path(), 100_000, 0, Duration::from_secs(60));
        let name = home.path().join(format!(".chaos-fill-{}", fill.fault));
        symlink(&precious, &name).unwrap();
        assert_eq!(fill.run("start").await.status, Some(75));
        assert_eq!(fill.traces(), [""; 0]);
        fs::remove_file(&name).unwrap();
        fs::write(&name, "somebody's").unwrap();
        assert_eq!(fill.run("start").await.status, Some(75));
        assert_eq!(fs::read(&name).unwrap(), b"somebody's");
        // The name belongs to the fault: stop takes away what a start that was killed has left of it.
        fill.succeeds("stop").await;
        assert_eq!(fs::read(&precious).unwrap(), b"precious");
        assert_eq!(names(home.path()), ["precious"]);
    }
}
