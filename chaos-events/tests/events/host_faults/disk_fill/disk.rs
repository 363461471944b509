//! Separate file systems to fill, and other programs that write to them.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use chaos_core::clock::{Clock, SystemClock};
use tempfile::TempDir;

pub(super) const MEBIBYTE: u64 = 1 << 20;

/// A file system of 300 MiB, mounted for one test.
#[derive(Debug)]
pub(crate) struct Disk {
    pub(super) kind: &'static str,
    home: TempDir,
}

impl Disk {
    pub(crate) fn ext4() -> Self {
        let home = tempfile::tempdir().unwrap();
        let image = home.path().join("image");
        File::create(&image).unwrap().set_len(300 * MEBIBYTE).unwrap();
        run(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(&image));
        Self::mounted("ext4", home, &["-o", "loop"], "image")
    }

    /// A file system that copies on write. `None` if this system cannot make or mount one, which is reported.
    pub(super) fn btrfs() -> Option<Self> {
        Self::of_kind("btrfs", &["-q"])
    }

    /// A file system that never gives out its last blocks. `None` as for [`btrfs`](Self::btrfs).
    pub(super) fn xfs() -> Option<Self> {
        Self::of_kind("xfs", &["-q"])
    }

    fn of_kind(kind: &'static str, arguments: &[&str]) -> Option<Self> {
        let maker = format!("mkfs.{kind}");
        let known = fs::read_to_string("/proc/filesystems").unwrap();
        let is_known = known.lines().any(|line| line.split_whitespace().last() == Some(kind));
        if !is_known || Command::new(&maker).arg("-V").output().is_err() {
            eprintln!("skipped: a disk of {kind}: the kernel does not know it, or {maker} is not installed");
            return None;
        }
        let home = tempfile::tempdir().unwrap();
        let image = home.path().join("image");
        File::create(&image).unwrap().set_len(400 * MEBIBYTE).unwrap();
        run(Command::new(&maker).args(arguments).arg(&image));
        Some(Self::mounted(kind, home, &["-o", "loop"], "image"))
    }

    /// A file system without an inode for another file.
    pub(super) fn without_inodes() -> Self {
        Self::mounted(
            "tmpfs",
            tempfile::tempdir().unwrap(),
            &["-t", "tmpfs", "-o", "size=30m,nr_inodes=1"],
            "chaos-events-test",
        )
    }

    pub(super) fn tmpfs() -> Self {
        Self::mounted(
            "tmpfs",
            tempfile::tempdir().unwrap(),
            &["-t", "tmpfs", "-o", "size=300m"],
            "chaos-events-test",
        )
    }

    fn mounted(kind: &'static str, home: TempDir, arguments: &[&str], source: &str) -> Self {
        let point = home.path().join("mounted");
        fs::create_dir(&point).unwrap();
        run(Command::new("mount").args(arguments).arg(source).arg(&point).current_dir(home.path()));
        Self { kind, home }
    }

    pub(super) fn remount(&self, how: &str) {
        run(Command::new("mount").args(["-o", &format!("remount,{how}")]).arg(self.path()));
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.home.path().join("mounted")
    }

    pub(super) fn name(&self) -> String {
        self.path().into_os_string().into_string().unwrap()
    }

    pub(crate) fn free(&self) -> u64 {
        let space = rustix::fs::statvfs(self.path()).unwrap();
        space.f_bavail * space.f_frsize
    }

    /// What only root may use.
    pub(super) fn reserve(&self) -> u64 {
        let space = rustix::fs::statvfs(self.path()).unwrap();
        (space.f_bfree - space.f_bavail) * space.f_frsize
    }

    pub(super) fn used_percent(&self) -> f64 {
        let space = rustix::fs::statvfs(self.path()).unwrap();
        let used = space.f_blocks - space.f_bfree;
        100.0 * used as f64 / (used + space.f_bavail) as f64
    }

    /// Another program that writes this many mebibytes, one after the other, with a pause after each. Returns the least
    /// that it has seen free.
    pub(super) async fn write(&self, mebibytes: u64, pause: Duration) -> u64 {
        let clock = SystemClock::default();
        let mut file = File::options().create(true).append(true).open(self.path().join("other")).unwrap();
        let mut least = self.free();
        for _ in 0..mebibytes {
            file.write_all(&vec![7; 1 << 20]).expect("the other writer finds room");
            clock.sleep(pause).await;
            least = least.min(self.free());
        }
        least
    }

    /// The output of `ls -A`, without the files that the file system has from the beginning.
    pub(super) fn shows(&self) -> Vec<String> {
        names(&self.path()).into_iter().filter(|name| name != "lost+found").collect()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Busy while a test that has failed leaves its fill to the deadline.
        let quiet = |command: &mut Command| {
            command.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
        };
        if !quiet(Command::new("umount").arg(self.path())) {
            quiet(Command::new("umount").arg("-l").arg(self.path()));
        }
    }
}

pub(super) fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
