//! A user of this machine who is neither root nor the owner of the journal.

use std::{
    os::unix::fs::{PermissionsExt, chown},
    path::Path,
    process::{Child, Command, Stdio},
};

/// The stranger's number.
pub(crate) const STRANGER: u32 = 65_533;

/// Whether tests may act as another user. Prints it if they may not.
pub(crate) fn is_there() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        println!("skipped: only root can act as another user");
    }
    is_root
}

/// A command that the stranger runs.
pub(crate) fn command(program: &str) -> Command {
    let number = STRANGER.to_string();
    let mut command = Command::new("setpriv");
    command.args(["--reuid", &number, "--regid", &number, "--clear-groups", "--", program]);
    command
}

/// Whether a shell of the stranger succeeds with this script. `$1` is `path`.
pub(crate) fn succeeds(script: &str, path: &Path) -> bool {
    command("sh").args(["-c", script, "sh"]).arg(path).stderr(Stdio::null()).status().unwrap().success()
}

/// Locks a file for as long as the child lives.
pub(crate) fn lock(path: &Path) -> Child {
    let script = "exec 9<\"$1\" && flock --exclusive 9 && echo locked && read -r _";
    let mut child = command("sh")
        .args(["-c", script, "sh"])
        .arg(path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    super::child::wait_for(&mut child, "locked");
    child
}

/// Gives a file to the stranger.
pub(crate) fn give(path: &Path) {
    chown(path, Some(STRANGER), Some(STRANGER)).unwrap();
}

/// Sets the mode of a file or folder.
pub(crate) fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

/// The mode of a file or folder.
pub(crate) fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}
