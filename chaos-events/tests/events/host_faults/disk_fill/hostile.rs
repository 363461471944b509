//! Directories with hostile names, and directories that cannot be filled.

use std::{fs, os::unix::fs::symlink, path::Path, sync::Arc, time::Duration};

use chaos_core::Outcome;
use chaos_events::DiskFill;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

use super::{
    by_hand::ByHand,
    disk::{Disk, names},
};
use crate::host_faults::{
    held::Held,
    machine::{Machine, Tools, lacks_root},
};

/// The reason why it was not prepared. Nothing was injected.
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
        let fill = fill.lasting(Duration::from_secs(6)).unwrap();
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
    for bytes in [0, 1 << 63, u64::MAX] {
        assert!(DiskFill::bytes("/", bytes).is_err(), "{bytes}");
    }
    assert!(DiskFill::all_but("/", 1 << 63).is_err());
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
        fill.succeeds("stop").await;
        assert_eq!(fs::read(&name).unwrap(), b"somebody's");
        fs::remove_file(&name).unwrap();
        assert_eq!(fs::read(&precious).unwrap(), b"precious");
        assert_eq!(names(home.path()), ["precious"]);
    }
}

/// The files that the names would create in the directory of the scripts, if they were ever more than data.
const CANARY: &str = "canary-of-hostile-names";

/// Pieces of such names.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("$(touch CANARY)".to_owned()),
        Just("`touch CANARY`".to_owned()),
        Just("'; touch CANARY; '".to_owned()),
        Just("\"; touch CANARY; \"".to_owned()),
        Just("\ntouch CANARY\n".to_owned()),
        Just("${IFS}&& touch${IFS}CANARY #".to_owned()),
        Just("-rf --help -".to_owned()),
        Just("\nholder=1.1\nbytes=7\n".to_owned()),
        "[ -~\t\n\\\\]{0,12}",
        "\\PC{0,4}",
    ];
    prop::collection::vec(piece, 1..5).prop_map(|pieces| pieces.concat())
}

/// A directory with any name is filled, and a missing one is refused by its name. In neither case is the name
/// evaluated.
#[test]
fn whatever_a_directory_is_called_its_name_does_nothing() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let machine = Machine::with(Tools::of_debian());
    let mut runner = TestRunner::new(Config { cases: 40, failure_persistence: None, ..Config::default() });
    let result = runner.run(&(pieces(), any::<bool>()), |(pieces, exists)| {
        let home = tempfile::tempdir().unwrap();
        let mut name = pieces.replace('\0', "").replace("CANARY", CANARY);
        if exists {
            // What the name of one directory can be.
            name = name.replace('/', "");
            name.truncate((0..=200.min(name.len())).rev().find(|&at| name.is_char_boundary(at)).unwrap());
        }
        let path = home.path().join(format!("x{name}"));
        if exists {
            fs::create_dir(&path).unwrap();
        }
        let fill = DiskFill::bytes(path.to_str().unwrap(), 4096).unwrap().keeping_free(0);
        if exists {
            let fault = runtime.block_on(async { Held::inject(&machine, fill).await.cut_short().await });
            // The number of blocks that the file system makes of it.
            prop_assert!(fault.achieved.get("bytes") >= Some(4096.0), "{:?}", fault);
            prop_assert_eq!(names(&path), [""; 0]);
            prop_assert_eq!(names(home.path()).len(), 1);
        } else {
            let report = runtime.block_on(machine.monkey().inject(fill, &machine.id())).unwrap();
            prop_assert!(report.faults.is_empty(), "{}", report);
            let why = report.why_nothing().join("; ");
            prop_assert!(why.contains("there is no such directory") && why.contains("path"), "{}", why);
            prop_assert!(names(home.path()).is_empty());
        }
        prop_assert!(!Path::new(CANARY).exists(), "the name {:?} did something", path);
        Ok(())
    });
    result.unwrap();
}
