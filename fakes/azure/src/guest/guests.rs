//! All machines of one fake, as scripts see them.

use std::{
    collections::BTreeMap,
    io,
    net::Ipv4Addr,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{self, Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tempfile::TempDir;
use tokio::runtime::Handle;

use super::{guest::Guest, network::Network, processes::VARIABLE, script::Script};

const JANITOR: &str = include_str!("janitor.sh");

/// The machines that scripts ran on. Dropping it ends all their processes and removes all their files.
#[derive(Debug)]
pub(crate) struct Guests {
    runtime: Handle,
    /// Made with the first script.
    place: Option<Place>,
    machines: BTreeMap<String, Arc<Guest>>,
}

#[derive(Debug)]
struct Place {
    root: TempDir,
    /// The mark in the environment of all processes of all machines, followed by a slash and the machine's own id.
    mark: String,
    network: Option<Arc<Network>>,
    /// Does the work of the drop if this process is killed.
    janitor: Child,
}

impl Guests {
    /// `runtime` is the one that the fake serves from.
    pub(crate) fn new(runtime: Handle) -> Self {
        Self { runtime, place: None, machines: BTreeMap::new() }
    }

    /// Brings the `number`-th script to the machine of this id, `after` some time.
    pub(crate) fn run(
        &mut self,
        machine: &str,
        address: Ipv4Addr,
        number: u32,
        text: &str,
        after: Duration,
    ) -> io::Result<Script> {
        let runtime = self.runtime.clone();
        let place = match &mut self.place {
            Some(place) => place,
            none => none.insert(Place::new(runtime)?),
        };
        let guest = self.machines.entry(machine.to_owned()).or_insert_with(|| {
            let (directory, mark) = (place.root.path().join(machine), format!("{}/{machine}", place.mark));
            Arc::new(Guest::new(directory, address, mark, place.network.clone()))
        });
        let directory = guest.directory().join(format!("run-command/download/{number}"));
        Script::bring(Arc::clone(guest), directory, text.to_owned(), after)
    }

    /// The files of a machine, if a script has run on it.
    pub(crate) fn directory(&self, machine: &str) -> Option<PathBuf> {
        let directory = self.machines.get(machine)?.directory();
        directory.exists().then(|| directory.to_owned())
    }

    /// The network namespace of a machine, while it is up and has one.
    pub(crate) fn namespace(&self, machine: &str) -> Option<String> {
        self.machines.get(machine)?.namespace()
    }

    /// The ids of the processes that run on a machine.
    pub(crate) fn processes(&self, machine: &str) -> Vec<i32> {
        self.machines.get(machine).map_or_else(Vec::new, |guest| guest.processes())
    }

    /// Ends all processes of a machine; its files stay.
    pub(crate) fn stop(&self, machine: &str) {
        if let Some(guest) = self.machines.get(machine) {
            guest.stop();
        }
    }

    /// Ends all processes of a machine, and removes its files.
    pub(crate) fn remove(&mut self, machine: &str) {
        if let Some(guest) = self.machines.remove(machine) {
            guest.stop();
            let _ = std::fs::remove_dir_all(guest.directory());
        }
    }
}

impl Place {
    fn new(runtime: Handle) -> io::Result<Self> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let mark = format!("{}-{}", process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let prefix = format!("chaos-fake-arm-{mark}");
        let root = tempfile::Builder::new().prefix(&format!("{prefix}-")).tempdir()?;
        let janitor = janitor(&prefix, &mark, root.path())?;
        // Without them, a script would affect the network and the processes of this machine, because root may.
        let network = rustix::process::geteuid().is_root().then(|| Arc::new(Network::new(&prefix, runtime)));
        Ok(Self { root, mark, network, janitor })
    }
}

impl Drop for Guests {
    fn drop(&mut self) {
        self.machines.values().for_each(|guest| guest.stop());
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // It ends the remaining processes and removes the remaining files.
        drop(self.janitor.stdin.take());
        let _ = self.janitor.wait();
    }
}

fn janitor(prefix: &str, mark: &str, root: &Path) -> io::Result<Child> {
    Command::new("/bin/sh")
        .args(["-c", JANITOR, "janitor", prefix])
        .arg(format!("{VARIABLE}={mark}/"))
        .arg(root)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Signals of a terminal to the tests are not for it.
        .process_group(0)
        .spawn()
}
