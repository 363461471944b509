//! This machine as a target of its own kind, and the tools that its scripts find there.

use std::{
    fs,
    net::IpAddr,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chaos_core::{
    Error, ErrorKind, Group, GroupId, Health, MemoryJournal, Monkey, Permit, Provider, Result, Target,
    TargetId, async_trait,
    capability::{Capabilities, NetworkShare, Output, Remains, Script, Shell},
    clock::{Clock, SystemClock},
    group::{Labels, Member},
    provider::{BoxStream, GroupFilter},
};
use futures_util::{StreamExt, stream};
use rustix::process::{Pid, getsid};
use tempfile::TempDir;

/// One group of three targets, `host:web/machine-0` and so on. Each of them is this machine.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    group: GroupId,
    shell: Arc<MachineShell>,
    labels: Labels,
}

#[derive(Debug)]
struct MachineShell {
    tools: Tools,
    namespace: Mutex<Option<String>>,
    share: NetworkShare,
    lifeline: Vec<IpAddr>,
    ran: Mutex<Vec<Script>>,
    is_lost: AtomicBool,
}

const DIRECTORIES: [&str; 6] =
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// The name of the program that runs an order's text, if it is not `sh`.
const WAY_IN: &str = "way-in";

/// Where this system has it.
pub(crate) fn program(name: &str) -> PathBuf {
    let mut places = DIRECTORIES.iter().map(|directory| Path::new(directory).join(name));
    places.find(|path| path.exists()).unwrap_or_else(|| panic!("{name} is not installed"))
}

/// A directory with every command that scripts find, and nothing else.
#[derive(Debug)]
pub(crate) struct Tools(TempDir);

impl Tools {
    /// dash as `sh`, and what this system has.
    pub(crate) fn of_debian() -> Self {
        let tools = Self(tempfile::tempdir().unwrap()).open_to_all();
        for directory in DIRECTORIES {
            for entry in fs::read_dir(directory).into_iter().flatten() {
                let entry = entry.unwrap();
                let _ = symlink(entry.path(), tools.0.path().join(entry.file_name()));
            }
        }
        tools.with("sh", "/bin/dash")
    }

    /// The same ones, in another directory.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self(tempfile::tempdir().unwrap()).open_to_all();
        for entry in fs::read_dir(self.path()).unwrap() {
            let entry = entry.unwrap();
            let to = copy.path().join(entry.file_name());
            match fs::read_link(entry.path()) {
                Ok(program) => symlink(program, to).unwrap(),
                Err(_) => drop(fs::copy(entry.path(), to).unwrap()),
            }
        }
        copy
    }

    fn open_to_all(self) -> Self {
        fs::set_permissions(self.path(), fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    /// bash as `sh`, and what this system has.
    pub(crate) fn of_bash() -> Self {
        Self::of_debian().with("sh", program("bash"))
    }

    /// busybox for all of its tools, and nothing else. `None` if there is no busybox, which is reported.
    pub(crate) fn of_busybox() -> Option<Self> {
        let Ok(listed) = Command::new("busybox").arg("--list").output() else {
            eprintln!("skipped: scripts under busybox: busybox is not installed");
            return None;
        };
        let path =
            String::from_utf8(Command::new("sh").args(["-c", "command -v busybox"]).output().unwrap().stdout);
        let path = path.unwrap();
        let tools = Self(tempfile::tempdir().unwrap()).open_to_all();
        for applet in String::from_utf8(listed.stdout).unwrap().lines() {
            symlink(path.trim(), tools.0.path().join(applet)).unwrap();
        }
        Some(tools)
    }

    /// All of them, including those of busybox if there is one.
    pub(crate) fn all() -> Vec<Self> {
        [Some(Self::of_debian()), Some(Self::of_bash()), Self::of_busybox()].into_iter().flatten().collect()
    }

    /// With this command too, or this one instead.
    pub(crate) fn with(self, name: &str, program: impl AsRef<Path>) -> Self {
        let tools = self.without(name);
        symlink(program, tools.0.path().join(name)).unwrap();
        tools
    }

    pub(crate) fn without(self, name: &str) -> Self {
        let _ = fs::remove_file(self.0.path().join(name));
        self
    }

    /// The same once more.
    pub(crate) fn copied(&self) -> Self {
        let copy = Self(tempfile::tempdir().unwrap());
        for entry in fs::read_dir(self.0.path()).unwrap() {
            let entry = entry.unwrap();
            symlink(fs::read_link(entry.path()).unwrap(), copy.0.path().join(entry.file_name())).unwrap();
        }
        copy
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// From now on this script receives the orders, as if they were carried out by somebody else or elsewhere. Programs
    /// that the orders start find `sh` as before.
    pub(crate) fn entered_through(self, script: &str) -> Self {
        write_program(&self.0.path().join(WAY_IN), script);
        self
    }

    /// The program that runs an order's text.
    pub(crate) fn way_in(&self) -> PathBuf {
        let other = self.path().join(WAY_IN);
        if other.exists() { other } else { self.path().join("sh") }
    }

    /// An order to a fault's program, which is one of these parameters, without the event that would give it.
    pub(crate) fn order(
        &self,
        action: &str,
        fault: &str,
        parameters: &[(&'static str, String)],
    ) -> tokio::process::Command {
        let mark = if action == "start" { "CHAOS_FAULT" } else { "CHAOS_LOOK" };
        let mut command = tokio::process::Command::new(self.path().join("env"));
        command.args([
            "-i",
            &format!("{mark}={fault}"),
            &format!("PATH={}", self.path().display()),
            "LC_ALL=C",
        ]);
        command.args([format!("action={action}"), format!("fault={fault}")]);
        command.args(parameters.iter().map(|(name, value)| format!("{name}={value}")));
        command.args(["sh", "-c", "eval \"$program\"", &format!("chaos-{action}-{fault}")]);
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

impl Machine {
    pub(crate) fn with(tools: Tools) -> Self {
        Self::in_namespace(tools, None)
    }

    /// Its scripts run in this network namespace, made with `ip netns add`.
    pub(crate) fn in_namespace(tools: Tools, namespace: Option<&str>) -> Self {
        let (namespace, share) = (Mutex::new(namespace.map(str::to_owned)), NetworkShare::Whole);
        let (lifeline, ran, is_lost) = (Vec::new(), Mutex::default(), AtomicBool::new(false));
        let shell = MachineShell { tools, namespace, share, lifeline, ran, is_lost };
        Self { group: GroupId::new("host", "web").unwrap(), shell: Arc::new(shell), labels: Labels::new() }
    }

    /// Its targets are the processes behind these ports of TCP and UDP.
    pub(crate) fn sharing(self, ports: &[u16]) -> Self {
        self.having(NetworkShare::ports(ports.iter().copied(), ports.iter().copied()))
    }

    /// Its targets have this share of its network.
    pub(crate) fn having(mut self, share: NetworkShare) -> Self {
        Arc::get_mut(&mut self.shell).unwrap().share = share;
        self
    }

    /// Orders to it come through these.
    pub(crate) fn reached_through(mut self, addresses: &[IpAddr]) -> Self {
        Arc::get_mut(&mut self.shell).unwrap().lifeline = addresses.to_vec();
        self
    }

    /// The orders that have changed it, in sequence.
    pub(crate) fn ran(&self) -> Vec<Script> {
        self.shell.ran.lock().unwrap().clone()
    }

    /// From now on its scripts run in this network namespace.
    pub(crate) fn move_to(&self, namespace: &str) {
        *self.shell.namespace.lock().unwrap() = Some(namespace.to_owned());
    }

    /// From now on no script reaches it.
    pub(crate) fn lose(&self) {
        self.shell.is_lost.store(true, Ordering::SeqCst);
    }

    pub(crate) async fn again(&self, script: &Script) -> Output {
        self.shell.execute(script).await.unwrap()
    }

    pub(crate) fn id(&self) -> TargetId {
        self.group.target("machine-0").unwrap()
    }

    /// A monkey over a journal in memory.
    pub(crate) fn monkey(&self) -> Monkey {
        Monkey::builder()
            .provider(self.clone())
            .unleash(MemoryJournal::new(), chaos_events::registry())
            .build()
            .unwrap()
    }

    fn show(&self) -> Group {
        let member = |number| {
            let id = self.group.target(&format!("machine-{number}")).unwrap();
            Member::new(self.target(id), Health::Healthy)
        };
        Group::new(self.group.clone()).desired(3).members((0..3).map(member))
    }

    fn target(&self, id: TargetId) -> Arc<dyn Target> {
        Arc::new(Host { id, machine: self.clone() })
    }
}

#[derive(Debug)]
struct Host {
    id: TargetId,
    machine: Machine,
}

#[async_trait]
impl Target for Host {
    fn id(&self) -> &TargetId {
        &self.id
    }

    fn labels(&self) -> &Labels {
        &self.machine.labels
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default().with_shell(self.machine.shell.clone())
    }

    async fn health(&self) -> Result<Health> {
        Ok(Health::Healthy)
    }
}

#[async_trait]
impl Provider for Machine {
    fn scheme(&self) -> &'static str {
        "host"
    }

    fn groups<'a>(&'a self, _: &'a GroupFilter) -> BoxStream<'a, Result<Group>> {
        stream::iter([Ok(self.show())]).boxed()
    }

    async fn group(&self, _: &GroupId) -> Result<Group> {
        Ok(self.show())
    }

    async fn resolve(&self, id: &TargetId) -> Result<Option<Arc<dyn Target>>> {
        Ok(self.show().member(id).map(|member| Arc::clone(&member.target)))
    }

    async fn remains(&self, _: &TargetId) -> Result<Remains> {
        Ok(Remains::default().without_shell())
    }
}

impl MachineShell {
    fn reached(&self) -> Result<()> {
        let is_lost = self.is_lost.load(Ordering::SeqCst);
        if is_lost { Err(Error::new(ErrorKind::Unavailable, "the machine is out of reach")) } else { Ok(()) }
    }

    async fn execute(&self, script: &Script) -> Result<Output> {
        let namespace = self.namespace.lock().unwrap().clone();
        let mut command = match namespace {
            Some(namespace) => {
                let mut command = tokio::process::Command::new(program("ip"));
                command.args(["netns", "exec", &namespace]).arg(self.tools.way_in());
                command
            }
            None => tokio::process::Command::new(self.tools.way_in()),
        };
        command.args(["-c", script.source()]).env_clear().env("PATH", self.tools.path());
        command.envs(script.parameters()).stdin(Stdio::null()).process_group(0).kill_on_drop(true);
        let clock = SystemClock::default();
        let output = tokio::select! {
            output = command.output() => output.unwrap(),
            () = clock.sleep(script.limit()) => {
                return Err(Error::new(ErrorKind::Timeout, "the script took too long"));
            }
        };
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(Output::new(output.status.code().unwrap_or(137), text(output.stdout), text(output.stderr)))
    }
}

#[async_trait]
impl Shell for MachineShell {
    async fn inspect(&self, script: &Script) -> Result<Output> {
        self.reached()?;
        self.execute(script).await
    }

    async fn run(&self, script: &Script, _: &Permit) -> Result<Output> {
        self.reached()?;
        self.ran.lock().unwrap().push(script.clone());
        self.execute(script).await
    }

    async fn network(&self) -> Result<NetworkShare> {
        Ok(self.share.clone())
    }

    async fn lifeline(&self) -> Result<Vec<IpAddr>> {
        Ok(self.lifeline.clone())
    }
}

/// Waits until `is_so`, at most for `limit`.
pub(crate) async fn until(what: &str, limit: Duration, mut is_so: impl AsyncFnMut() -> bool) {
    let clock = SystemClock::default();
    let begun = clock.now();
    while !is_so().await {
        assert!(clock.now().duration_since(begun).unsigned_abs() < limit, "waited in vain until {what}");
        clock.sleep(Duration::from_millis(5)).await;
    }
}

/// The processes that carry a fault's mark.
pub(crate) fn marked(fault: &str) -> Vec<u32> {
    let mark = format!("CHAOS_FAULT={fault}");
    let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let pid: u32 = entry.unwrap().file_name().to_str()?.parse().ok()?;
        let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
        environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes()).then_some(pid)
    });
    processes.collect()
}

/// Those of them that hold the fault: the leaders of their sessions, without what they start in passing. That carries
/// the mark, too, until it has become another program.
pub(crate) fn holders(fault: &str) -> Vec<u32> {
    let leads = |pid: &u32| {
        let pid = i32::try_from(*pid).ok().and_then(Pid::from_raw);
        getsid(pid).ok() == pid
    };
    marked(fault).into_iter().filter(leads).collect()
}

/// Whether a test needs root, and this process is not root. It prints that, because a test that returns early is easily
/// overlooked.
pub(crate) fn lacks_root(test: &str) -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        eprintln!("skipped: {test}: only root may do what it needs");
    }
    !is_root
}

/// The beginning of every script of a host fault.
pub(crate) const COMMON: &str = concat!(
    include_str!("../../../src/host_script/common.sh"),
    include_str!("../../../src/host_script/clock.sh"),
    include_str!("../../../src/host_script/vantage.sh"),
    include_str!("../../../src/host_script/processes.sh")
);

/// The vantage of a preflight in this process, as it reports it.
pub(crate) fn vantage() -> String {
    let program = format!("{COMMON}\nvantage_here");
    let mut command = Command::new("sh");
    let output = command.args(["-c", &program]).env("action", "none").env("fault", "0").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Tools in which `name` is this script.
pub(crate) fn altered(tools: Tools, name: &str, script: &str) -> (Tools, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    write_program(&path, script);
    (tools.with(name, path), directory)
}

/// Makes a program of this script.
pub(crate) fn write_program(path: &Path, script: &str) {
    fs::write(path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}
