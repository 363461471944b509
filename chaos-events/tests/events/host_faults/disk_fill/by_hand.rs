//! The script alone, as if the injector had run it and then ended.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use crate::host_faults::machine::{COMMON, Tools, marked, vantage};

/// The part after [`COMMON`].
const OWN: &str = concat!(
    include_str!("../../../../src/disk_fill/fill_file.sh"),
    include_str!("../../../../src/disk_fill/disk_fill.sh")
);

/// One fault on this machine, and its request.
#[derive(Debug)]
pub(super) struct ByHand {
    pub(super) fault: String,
    tools: Arc<Tools>,
    parameters: Vec<(&'static str, String)>,
}

/// What a step answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: Option<i32>,
    pub(super) lines: String,
    pub(super) reason: String,
}

impl ByHand {
    /// To take this many bytes until `duration` from now, and keep `floor` of them free.
    pub(super) fn bytes(
        tools: impl Into<Arc<Tools>>,
        path: &Path,
        bytes: u64,
        floor: u64,
        duration: Duration,
    ) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let fault = format!("{:08x}{:08x}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let uptime = fs::read_to_string("/proc/uptime").unwrap();
        let uptime: f64 = uptime.split_whitespace().next().unwrap().parse().unwrap();
        let ends_at = format!("{:.0}", (uptime + duration.as_secs_f64()) * 100.0);
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
        let parameters = vec![
            ("path", path.to_str().unwrap().to_owned()),
            ("unit", "bytes".to_owned()),
            ("amount", bytes.to_string()),
            ("floor", floor.to_string()),
            ("ends_at", ends_at),
            ("at_most", format!("{:.0}", duration.as_secs_f64() * 100.0 + 2.0)),
            ("boot_id", boot.trim().to_owned()),
            ("device", fs::metadata(path).unwrap().dev().to_string()),
            ("vantage", vantage()),
            ("program", [COMMON, OWN].concat()),
        ];
        Self { fault, tools: tools.into(), parameters }
    }

    pub(super) async fn run(&self, action: &str) -> Answer {
        let mut command = self.tools.order(action, &self.fault, &self.parameters);
        let output = command.output().await.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Answer { status: output.status.code(), lines: text(output.stdout), reason: text(output.stderr) }
    }

    pub(super) async fn succeeds(&self, action: &str) -> Answer {
        let answer = self.run(action).await;
        assert_eq!(answer.status, Some(0), "{action}: {answer:?}");
        answer
    }

    pub(super) fn holder(&self) -> u32 {
        self.process("sleep", |environment| !environment.contains("action=hold"))
    }

    pub(super) fn guard(&self) -> u32 {
        self.process("sh", |environment| environment.contains("action=hold"))
    }

    pub(super) fn starter(&self) -> u32 {
        self.process("-c", |environment| environment.contains("action=start"))
    }

    fn process(&self, what: &str, is_it: impl Fn(&str) -> bool) -> u32 {
        let found = marked(&self.fault).into_iter().find(|pid| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            let command = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            command.split('\0').any(|part| part == what) && is_it(&String::from_utf8_lossy(&environment))
        });
        found.unwrap_or_else(|| panic!("there is no {what} of {:?}", marked(&self.fault)))
    }

    /// Processes of the fault, and descriptors of its file in any process.
    pub(super) fn traces(&self) -> Vec<String> {
        let name = format!(".chaos-fill-{}", self.fault);
        let processes = marked(&self.fault).into_iter().map(|pid| format!("process {pid}"));
        let entries = fs::read_dir("/proc").unwrap().flatten();
        let descriptors =
            entries.flat_map(|entry| fs::read_dir(entry.path().join("fd")).into_iter().flatten());
        let open = descriptors.flatten().filter(|descriptor| {
            fs::read_link(descriptor.path()).is_ok_and(|to| to.to_string_lossy().contains(&name))
        });
        processes.chain(open.map(|descriptor| descriptor.path().display().to_string())).collect()
    }
}

impl Answer {
    pub(super) fn number(&self, name: &str) -> u64 {
        let value = self.lines.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        value.unwrap_or_else(|| panic!("no {name} in {self:?}")).parse().unwrap()
    }
}

pub(super) fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(pid.try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}
