//! Burns in control groups whose quotas allow less than the machine has.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use chaos_events::CpuBurn;

use crate::host_faults::{
    held::Held,
    machine::{COMMON, Machine, Tools, lacks_root},
};

const LONG: Duration = Duration::from_secs(60);

/// A control group of version 1 with half of a core, and one in it.
struct Half(PathBuf);

impl Half {
    /// `None` if this system has none, which is reported.
    fn make() -> Option<Self> {
        let place = Path::new("/sys/fs/cgroup/cpu");
        if !place.join("cpu.cfs_quota_us").exists() {
            eprintln!("skipped: quotas of a control group: cgroup v1 is not mounted at {}", place.display());
            return None;
        }
        let group = place.join(format!("chaos-test-{}", std::process::id()));
        fs::create_dir_all(group.join("inner")).unwrap();
        fs::write(group.join("cpu.cfs_quota_us"), "50000").unwrap();
        Some(Self(group))
    }

    /// Scripts come in there.
    fn enters(&self, tools: Tools) -> Machine {
        let tasks = self.0.join("inner/cgroup.procs");
        let sh = tools.path().join("sh");
        Machine::with(tools.entered_through(&format!(
            "echo $$ >'{}'; exec {} \"$@\"",
            tasks.display(),
            sh.display()
        )))
    }
}

impl Drop for Half {
    fn drop(&mut self) {
        let _ = fs::remove_dir(self.0.join("inner"));
        let _ = fs::remove_dir(&self.0);
    }
}

#[tokio::test]
async fn what_a_quota_allows_is_told_and_may_be_asked_for() {
    if lacks_root("what_a_quota_allows_is_told_and_may_be_asked_for") {
        return;
    }
    let Some(half) = Half::make() else { return };
    for tools in Tools::all() {
        let machine = half.enters(tools);
        let greedy = CpuBurn::load(90.0).unwrap().cores(1).unwrap().lasting(LONG).unwrap();
        let fault = Held::inject(&machine, greedy).await.cut_short().await;
        assert_eq!(fault.achieved.get("allowed_cores"), Some(0.5), "{fault:?}");
        let note = fault.note.clone().unwrap_or_default();
        assert!(note.contains("allow 0.5 cores of the requested 0.9"), "{fault:?}");

        let share = CpuBurn::load(80.0).unwrap().of_allowed().lasting(LONG).unwrap();
        let fault = Held::inject(&machine, share).await.cut_short().await;
        assert_eq!(fault.requested.get("load_percent"), Some(40.0), "{fault:?}");
        assert_eq!((fault.requested.get("cores"), &fault.note), (Some(1.0), &None));
    }
}

/// Version 2, imitated by files: if the controller belongs to version 1, a real group of version 2 has none.
#[test]
fn quotas_of_both_versions_and_of_the_groups_above_are_read() {
    let home = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = home.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("v2/a/cpu.max", "150000 100000\n");
    write("v2/a/b/cpu.max", "max 100000\n");
    write("v2/a/b/c/cpu.max", "a[$(touch made)] 100000\n");
    write("v1/a/cpu.cfs_quota_us", "-1\n");
    write("v1/a/cpu.cfs_period_us", "100000\n");
    write("v1/a/b/cpu.cfs_quota_us", "25000\n");
    write("v1/a/b/cpu.cfs_period_us", "50000\n");
    write("v1/a/c/cpu.cfs_quota_us", "25000\n");
    write("v1/a/c/cpu.cfs_period_us", "0\n");
    let program = [COMMON, include_str!("../../../src/cpu_burn/cpu_burn.sh")].concat();
    let (functions, _) = program.rsplit_once("\ncase $action in").unwrap();
    let shells = Tools::all();
    for (version, mounted, group, allowed) in [
        ("v2", "/", "/a/b", "150"),
        ("v2", "/", "/a/b/c", "150"),
        ("v2", "/", "/a", "150"),
        ("v2", "/", "/", ""),
        ("v1", "/", "/a/b", "50"),
        ("v1", "/", "/a", ""),
        ("v1", "/", "/a/c", ""),
        // The mounted group is that of a container.
        ("v1/a/b", "/docker/1", "/docker/1", "50"),
        ("v2/a", "/docker/1", "/docker/1/b", "150"),
        ("v2/a", "/", "/../elsewhere", "150"),
        ("v2/a", "/docker/1", "/docker/11", "150"),
    ] {
        for tools in &shells {
            let text = format!(
                "{functions}\nallowed=; quotas_above \"$place\" \"$mounted\" \"$group\"; echo \"$allowed\""
            );
            let mut command = Command::new(tools.path().join("sh"));
            command.args(["-c", &text]).env_clear().env("PATH", tools.path()).current_dir(home.path());
            command.env("action", "none").env("fault", "0").env("place", home.path().join(version));
            let output = command.env("mounted", mounted).env("group", group).output().unwrap();
            let found = String::from_utf8(output.stdout).unwrap();
            assert_eq!(found.trim(), allowed, "{version} {mounted} {group}: {:?}", output.stderr);
        }
    }
    assert!(!home.path().join("made").exists());
}
