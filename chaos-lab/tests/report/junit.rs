//! What a build server reads, by `junitparser`.

use std::{env, io::Write, path::PathBuf, process::Command};

use chaos_lab::{report::junit, run::RunOptions};
use serde_json::{Value, json};

use crate::run;

/// The Python of a virtual environment with the packages in `requirements.txt`.
const PYTHON: &str = "CHAOS_JUNIT_PYTHON";

#[tokio::test]
async fn a_build_server_reads_the_right_counts() {
    let Some(python) = env::var_os(PYTHON).map(PathBuf::from).filter(|python| python.exists()) else {
        assert_ne!(
            env::var("CI").as_deref(),
            Ok("true"),
            "in CI, {PYTHON} must name a Python with junitparser"
        );
        // Past the capture of what tests print, at the beginning of a line.
        let _ = writeln!(
            std::io::stderr(),
            "\nskipped: JUnit read back: {PYTHON} does not name a Python with junitparser; ./test.sh installs it"
        );
        return;
    };
    let mut reports = Vec::new();
    for file in ["deviated.yaml", "completed.yaml", "skipped.yaml"] {
        reports.push(run(file, RunOptions::default()).await);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("junit.xml");
    std::fs::write(&path, junit(&reports)).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/report/read_junit.py");
    let read = Command::new(python).arg("-B").arg(script).arg(&path).output().unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    let counts: Value = serde_json::from_slice(&read.stdout).unwrap();
    // Told, and counted one by one: tests, failures, errors, skipped.
    assert_eq!(
        counts,
        json!({
            "told": [[6, 3, 0, 0], [5, 0, 0, 0], [5, 0, 0, 5]],
            "counted": [[6, 3, 0, 0], [5, 0, 0, 0], [5, 0, 0, 5]],
        })
    );
}
