//! Tests that need namespaces of their own. All effects on processes and mounts stay inside, even if a test fails.

use std::{env, process::Command};

use crate::host_faults::machine::lacks_root;

const INSIDE: &str = "CHAOS_SCENE";

/// Whether this is inside. Outside, runs the test of this name again in there, and tells how that went.
pub(crate) fn is_inside(test: &str) -> bool {
    if lacks_root(test) {
        return false;
    }
    if env::var_os(INSIDE).is_some() {
        return true;
    }
    let mut scene = Command::new("unshare");
    scene.args(["--pid", "--fork", "--mount-proc", "--kill-child"]);
    // The shell waits for every process that is left without a parent.
    scene.args(["setsid", "sh", "-c", "\"$@\"; exit $?", "sh"]).arg(env::current_exe().unwrap());
    let output = scene.args(["--exact", test, "--nocapture"]).env(INSIDE, "1").output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    eprintln!("{stderr}");
    assert!(output.status.success() && stdout.contains("1 passed"), "in the scene: {stdout}");
    false
}
