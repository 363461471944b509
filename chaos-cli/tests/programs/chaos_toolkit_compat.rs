//! `chaos run --compat` ends as Chaos Toolkit does, by the records of what that did; and it does so still.

use std::{
    env,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use crate::support::SplitMix;

/// Where the records are, and what makes them.
const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../chaos-lab/tests/chaos_toolkit");
/// The Python of a virtual environment with the packages in `requirements.txt`.
const PYTHON: &str = "CHAOS_TOOLKIT_PYTHON";
/// How many cases run at a time. They mostly wait.
const JOBS: &str = "4";

/// All cases with `CHAOS_LONG=1`, otherwise a drawn part of them.
#[test]
fn a_run_ends_as_in_chaos_toolkit() {
    let python = PathBuf::from("python3");
    if !is_there(&python) {
        return skip("python3 is not there", "whole runs beside those of Chaos Toolkit");
    }
    let random = SplitMix::drawn();
    println!("{}", random.origin());
    let program = shlex::try_quote(env!("CARGO_BIN_EXE_chaos")).unwrap();
    let mut arguments = vec!["--against", &program, "--jobs", JOBS];
    let seed = random.seed().to_string();
    if env::var_os("CHAOS_LONG").is_none_or(|value| value != "1") {
        arguments.extend(["--cases", "60", "--seed", &seed]);
    }
    succeeds(&python, "record_runs.py", &arguments);
}

#[test]
fn the_record_of_runs_holds_in_chaos_toolkit() {
    let Some(python) = with_chaos_toolkit() else { return };
    let random = SplitMix::drawn();
    println!("{}", random.origin());
    let (toolkit, seed) = (python.with_file_name("chaos"), random.seed().to_string());
    let toolkit = toolkit.to_str().unwrap();
    let mut arguments = vec!["--verify", "--toolkit", toolkit, "--jobs", JOBS];
    if env::var_os("CHAOS_LONG").is_none_or(|value| value != "1") {
        arguments.extend(["--cases", "20", "--seed", &seed]);
    }
    succeeds(&python, "record_runs.py", &arguments);
}

#[test]
fn the_record_of_tolerances_holds_in_chaos_toolkit() {
    let Some(python) = with_chaos_toolkit() else { return };
    succeeds(&python, "record.py", &[&format!("{HERE}/record.json")]);
}

fn succeeds(python: &Path, script: &str, arguments: &[&str]) {
    let mut command = Command::new(python);
    command.arg("-B").arg(Path::new(HERE).join(script)).args(arguments);
    let ended = command.output().unwrap();
    let printed = [ended.stdout, ended.stderr].concat();
    let printed = String::from_utf8_lossy(&printed);
    println!("{printed}");
    assert!(ended.status.success(), "{command:?}:\n{printed}");
}

fn is_there(python: &Path) -> bool {
    Command::new(python).arg("--version").output().is_ok_and(|ended| ended.status.success())
}

fn with_chaos_toolkit() -> Option<PathBuf> {
    let python = env::var_os(PYTHON).map(PathBuf::from).filter(|python| python.exists());
    if python.is_none() {
        skip(
            &format!("{PYTHON} does not name a Python with chaostoolkit; ./test.sh installs it"),
            "the records of Chaos Toolkit",
        );
    }
    python
}

/// Fails in CI, and is seen elsewhere.
fn skip(why: &str, what: &str) {
    assert_ne!(env::var("CI").as_deref(), Ok("true"), "in CI, {what} must be checked: {why}");
    // Past the capture of what tests print, at the beginning of a line.
    let _ = writeln!(std::io::stderr(), "\nskipped: {what}: {why}");
}
