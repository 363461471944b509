//! File systems and networks that end with their handles. Only root can make them.

use std::{
    fs,
    fs::File,
    net::UdpSocket,
    os::fd::AsFd,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use rustix::{
    fs::statvfs,
    process::geteuid,
    thread::{LinkNameSpaceType, move_into_link_name_space},
};
use tempfile::TempDir;

/// The size of a file system here, in bytes.
const SIZE: u64 = 512 << 20;

/// A file system to which no other process writes.
#[derive(Debug)]
pub(crate) struct Disk {
    directory: TempDir,
}

/// A separate network with nothing but loopback.
#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) name: String,
}

/// Whether this process may make them. Prints it if not.
pub(crate) fn may_make(what: &str) -> bool {
    let may = geteuid().is_root();
    if !may {
        println!("skipped: {what}: only root can make its file systems and networks");
    }
    may
}

impl Disk {
    pub(crate) fn ext4() -> Self {
        let disk = Self::unmounted();
        let image = disk.directory.path().join("image");
        File::create(&image).unwrap().set_len(SIZE).unwrap();
        succeed(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(&image));
        succeed(Command::new("mount").args(["-o", "loop"]).arg(&image).arg(disk.path()));
        disk
    }

    pub(crate) fn tmpfs() -> Self {
        let disk = Self::unmounted();
        succeed(
            Command::new("mount")
                .args(["-t", "tmpfs", "-o", &format!("size={SIZE}"), "tmpfs"])
                .arg(disk.path()),
        );
        disk
    }

    fn unmounted() -> Self {
        let disk = Self { directory: tempfile::tempdir().unwrap() };
        fs::create_dir(disk.path()).unwrap();
        disk
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("mount")
    }

    /// The space that users other than root may take, and the used space, in bytes.
    pub(crate) fn free_and_used(&self) -> (u64, u64) {
        let space = statvfs(self.path()).unwrap();
        (space.f_bavail * space.f_frsize, (space.f_blocks - space.f_bfree) * space.f_frsize)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

impl Network {
    pub(crate) fn make() -> Self {
        let name = format!("chaos-accuracy-{}", std::process::id());
        succeed(Command::new("ip").args(["netns", "add", &name]));
        let network = Self { name };
        succeed(Command::new("ip").args(["-n", &network.name, "link", "set", "lo", "up"]));
        network
    }

    /// A sender and a receiver in this network.
    pub(crate) fn sockets(&self) -> (UdpSocket, UdpSocket) {
        let path = Path::new("/run/netns").join(&self.name);
        let bind = move || {
            let namespace = File::open(path).unwrap();
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
            let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
            sender.connect(receiver.local_addr().unwrap()).unwrap();
            (sender, receiver)
        };
        // Only this thread enters it.
        thread::spawn(bind).join().unwrap()
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "delete", &self.name]).status();
    }
}

fn succeed(command: &mut Command) {
    let status = command.status().unwrap();
    assert!(status.success(), "{command:?}: {status}");
}
