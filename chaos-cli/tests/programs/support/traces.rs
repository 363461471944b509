//! The traces of faults on a machine, measured past the library.

use std::{
    fs,
    fs::File,
    os::fd::AsFd,
    path::{Path, PathBuf},
    process::Command,
    rc::Rc,
};

use chaos_core::fault::FaultRecord;
use rustix::{
    fs::statvfs,
    thread::{LinkNameSpaceType, move_into_link_name_space},
};
use tempfile::TempDir;

/// The place where faults are injected, and its state before the first.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// This machine as it is.
    Machine,
    /// A file system.
    Disk(Rc<Disk>),
    /// A network.
    Network(Rc<Network>),
}

/// The traces that are left. Empty if there are none.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Traces {
    /// The processes with the mark of a fault.
    pub(crate) processes: Vec<u32>,
    /// Files without a name that somebody still holds open.
    deleted_files: Vec<String>,
    /// The bytes that are missing from the free space of before.
    missing_bytes: u64,
    /// The output of `nft list ruleset`, if it differs from the one before.
    rules: Option<String>,
}

/// An ext4 file system of 256 MiB in a file, mounted as long as this lives.
#[derive(Debug)]
pub(crate) struct Disk {
    directory: TempDir,
    free_before: u64,
}

/// A network namespace with nothing but loopback and a table of its user, as long as this lives.
#[derive(Debug)]
pub(crate) struct Network {
    name: String,
    rules_before: String,
}

impl Traces {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Place {
    /// Puts everything that this thread starts from now on into this place.
    pub(crate) fn enter(&self) {
        if let Self::Network(network) = self {
            let namespace = File::open(Path::new("/run/netns").join(&network.name)).unwrap();
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
        }
    }

    pub(crate) fn traces(&self, faults: &[FaultRecord]) -> Traces {
        let mut traces = Traces::default();
        for fault in faults {
            traces.processes.extend(marked(fault));
            traces.deleted_files.extend(deleted_files_of(fault));
        }
        match self {
            Self::Machine => {}
            // A journal of a file system writes a few blocks of its own.
            Self::Disk(disk) => {
                let missing = disk.free_before.saturating_sub(free(&disk.mount_point()));
                traces.missing_bytes = if missing <= 1 << 20 { 0 } else { missing };
            }
            Self::Network(network) => {
                traces.rules = Some(network.rules()).filter(|rules| *rules != network.rules_before);
            }
        }
        traces
    }

    /// Whether this fault is held.
    pub(crate) fn is_held(&self, fault: &FaultRecord) -> bool {
        let has_table = |network: &Network| network.rules().contains(&fault.id.to_string());
        !marked(fault).is_empty() || matches!(self, Self::Network(network) if has_table(network))
    }
}

impl Disk {
    pub(crate) fn make() -> Self {
        let directory = tempfile::Builder::new().prefix("chaos-disk-").tempdir().unwrap();
        let image = directory.path().join("image");
        File::create(&image).unwrap().set_len(256 << 20).unwrap();
        succeed(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(&image));
        let mut disk = Self { directory, free_before: 0 };
        fs::create_dir(disk.mount_point()).unwrap();
        succeed(Command::new("mount").args(["-o", "loop"]).arg(&image).arg(disk.mount_point()));
        disk.free_before = free(&disk.mount_point());
        disk
    }

    pub(crate) fn mount_point(&self) -> PathBuf {
        self.directory.path().join("mount")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.mount_point()).status();
    }
}

impl Network {
    pub(crate) fn make(name: &str) -> Self {
        let name = format!("chaos-{name}-{}", std::process::id());
        succeed(Command::new("ip").args(["netns", "add", &name]));
        let mut network = Self { name, rules_before: String::new() };
        network.run(&["ip", "link", "set", "lo", "up"]);
        let own = "table inet own { set s { type ipv4_addr; elements = { 192.0.2.1 } }; \
                   chain c { type filter hook input priority 0; ip saddr @s drop; }; }";
        network.run(&["nft", own]);
        network.rules_before = network.rules();
        network
    }

    fn rules(&self) -> String {
        self.run(&["nft", "list", "ruleset"])
    }

    fn run(&self, command: &[&str]) -> String {
        succeed(Command::new("ip").args(["netns", "exec", &self.name]).args(command))
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "delete", &self.name]).status();
    }
}

/// Runs a command of the system, and returns its output.
fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn free(directory: &Path) -> u64 {
    let space = statvfs(directory).unwrap();
    space.f_bavail * space.f_frsize
}

fn processes() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok())
}

fn marked(fault: &FaultRecord) -> Vec<u32> {
    let mark = format!("CHAOS_FAULT={}", fault.id);
    let is_marked = |pid: &u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
    };
    processes().filter(is_marked).collect()
}

fn deleted_files_of(fault: &FaultRecord) -> Vec<String> {
    let descriptors =
        processes().flat_map(|pid| fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten());
    let targets = descriptors.filter_map(|descriptor| fs::read_link(descriptor.ok()?.path()).ok());
    let name = fault.id.to_string();
    let paths = targets.map(|target| target.to_string_lossy().into_owned());
    paths.filter(|path| path.contains(&name) && path.ends_with(" (deleted)")).collect()
}
