//! All machines of one fake, as far as scripts can tell.

use std::{
    io,
    path::{Path, PathBuf},
    process::{self, Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use tempfile::TempDir;

use super::{
    processes::{VARIABLE, kill_marked, marked},
    script::Script,
};

const JANITOR: &str = include_str!("janitor.sh");
const SEARCH_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Made with the first script. Dropping it ends all processes and removes all files.
#[derive(Debug, Default)]
pub(crate) struct Guests(Option<Place>);

#[derive(Debug)]
struct Place {
    root: TempDir,
    /// What all processes of all machines carry in their environment, with a slash and the machine's own id behind it.
    mark: String,
    /// Does the same should this process be killed.
    janitor: Child,
}

impl Guests {
    /// Runs a script on the machine of this id, the `number`-th there.
    pub(crate) fn run(&mut self, machine: &str, number: u32, text: &str) -> io::Result<Script> {
        let place = self.place()?;
        let directory = place.root.path().join(machine).join(format!("run-command/download/{number}"));
        std::fs::create_dir_all(&directory)?;
        let mut command = Command::new("/bin/sh");
        command
            .env_clear()
            .env("PATH", SEARCH_PATH)
            .env("HOME", "/root")
            .env(VARIABLE, format!("{}/{machine}", place.mark));
        Script::start(command, &directory, text)
    }

    /// The files of a machine, where a script has run on it.
    pub(crate) fn directory(&self, machine: &str) -> Option<PathBuf> {
        self.0.as_ref().map(|place| place.root.path().join(machine)).filter(|directory| directory.exists())
    }

    /// The ids of the processes that run on a machine.
    pub(crate) fn processes(&self, machine: &str) -> Vec<i32> {
        self.0.as_ref().map_or_else(Vec::new, |place| {
            marked(&format!("{}/{machine}", place.mark))
                .into_iter()
                .map(|pid| pid.as_raw_nonzero().get())
                .collect()
        })
    }

    /// Ends all that runs on a machine; its files stay.
    pub(crate) fn stop(&self, machine: &str) {
        if let Some(place) = &self.0 {
            kill_marked(&format!("{}/{machine}", place.mark));
        }
    }

    /// Ends all that runs on a machine, and removes its files.
    pub(crate) fn remove(&self, machine: &str) {
        self.stop(machine);
        if let Some(directory) = self.directory(machine) {
            let _ = std::fs::remove_dir_all(directory);
        }
    }

    fn place(&mut self) -> io::Result<&Place> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        if self.0.is_none() {
            let mark = format!("{}-{}", process::id(), MADE.fetch_add(1, Ordering::Relaxed));
            let root = tempfile::Builder::new().prefix(&format!("chaos-fake-arm-{mark}-")).tempdir()?;
            let janitor = janitor(&mark, root.path())?;
            self.0 = Some(Place { root, mark, janitor });
        }
        self.0.as_ref().ok_or_else(|| io::Error::other("no place for the machines"))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        kill_marked(&format!("{}/", self.mark));
        drop(self.janitor.stdin.take());
        let _ = self.janitor.wait();
    }
}

fn janitor(mark: &str, root: &Path) -> io::Result<Child> {
    use std::os::unix::process::CommandExt;
    Command::new("/bin/sh")
        .args(["-c", JANITOR, "janitor"])
        .arg(format!("{VARIABLE}={mark}/"))
        .arg(root)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // What a terminal sends to the tests is not for it.
        .process_group(0)
        .spawn()
}
