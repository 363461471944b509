//! Tests that run themselves again in a separate process, which can be killed.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
};

/// The variable with the path of the journal, for a test that is run again as a child process.
pub(crate) const CHILD: &str = "CHAOS_JOURNAL_TEST_CHILD";

/// Runs the test called `name` again in a process of its own, which finds `path` in its environment.
pub(crate) fn child(name: &str, path: &Path) -> Child {
    spawn(&mut command(name, path))
}

/// The same, started by the command `starter`, such as `nice` or a shell that executes its arguments.
pub(crate) fn child_by(starter: &[&str], name: &str, path: &Path) -> Child {
    let inner = command(name, path);
    let mut outer = Command::new(starter[0]);
    outer.args(&starter[1..]).arg(inner.get_program()).args(inner.get_args()).env(CHILD, path);
    spawn(&mut outer)
}

/// The same in a mount namespace in which `folder` is read-only. The namespace ends with the process, and the mount
/// ends with the namespace.
pub(crate) fn child_on_read_only_mount(folder: &Path, name: &str, path: &Path) -> Child {
    let folder = folder.to_str().unwrap();
    let mount =
        format!("mount --bind '{folder}' '{folder}'; mount -o remount,bind,ro '{folder}'; exec \"$@\"");
    child_by(&["unshare", "--mount", "--propagation", "private", "sh", "-ec", &mount, "sh"], name, path)
}

fn command(name: &str, path: &Path) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args([name, "--exact", "--nocapture", "--test-threads=1"]).env(CHILD, path);
    command
}

fn spawn(command: &mut Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

/// Sends `word` to the parent.
pub(crate) fn say(word: &str) {
    println!("\n{word}");
    std::io::stdout().flush().unwrap();
}

/// Waits until the child sends `word`.
pub(crate) fn wait_for(child: &mut Child, word: &str) {
    let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    let mut heard = Vec::new();
    for line in lines {
        let line = line.unwrap();
        if line.ends_with(word) {
            return;
        }
        heard.push(line);
    }
    panic!("the child ended without saying {word:?}: {heard:#?}");
}

/// Blocks until the parent closes its end of the pipe or is gone.
pub(crate) fn wait_for_parent() {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
}
