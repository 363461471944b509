use std::{
    collections::BTreeSet,
    env,
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    process::{Child, ChildStdout, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use chaos_core::{
    Group, GroupId, Health, Provider, async_trait,
    clock::{Clock, SystemClock},
};
use chaos_local::{Fleet, FleetBuilder, ProcessIdentity};
use jiff::Timestamp;

/// The environment variable by which a process that a test has started is found.
const MARK: &str = "CHAOS_LOCAL_TEST_MARK";
const ROLE: &str = "CHAOS_LOCAL_TEST_ROLE";

/// All processes of one test: everything that inherited its mark.
#[derive(Debug)]
pub(crate) struct Mark(String);

impl Mark {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        Self(format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)))
    }

    /// A fleet of processes that do nothing.
    pub(crate) fn sleepers(&self, replicas: usize) -> FleetBuilder {
        self.on(Fleet::of("sleep").arg("600")).replicas(replicas)
    }

    pub(crate) fn on(&self, fleet: FleetBuilder) -> FleetBuilder {
        fleet.env(MARK, &self.0)
    }

    pub(crate) fn child(&self) -> Started {
        self.start(Command::new("sleep").arg("600"))
    }

    pub(crate) fn start(&self, command: &mut Command) -> Started {
        Started(command.env(MARK, &self.0).spawn().unwrap())
    }

    /// Runs a test of this program again, in a process of its own, as `role`. Its test sees it by [`role`].
    pub(crate) fn role(&self, test: &str, role: &str, parameters: &[(&str, &str)]) -> Started {
        self.role_under(&[], test, role, parameters)
    }

    /// A [`role`](Mark::role) that another program starts, such as one that takes privileges away.
    pub(crate) fn role_under(
        &self,
        wrapper: &[&str],
        test: &str,
        role: &str,
        parameters: &[(&str, &str)],
    ) -> Started {
        let program = env::current_exe().unwrap();
        let words = wrapper.iter().map(OsStr::new).chain([program.as_os_str()]).collect::<Vec<_>>();
        let mut command = Command::new(words[0]);
        command
            .args(&words[1..])
            .args(["--exact", test, "--nocapture"])
            .env(ROLE, role)
            .envs(parameters.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        self.start(&mut command)
    }

    pub(crate) fn server(&self) -> FleetBuilder {
        self.on(Fleet::of(env::current_exe().unwrap()))
            .args(["--exact", "fleet::a_service_is_healthy_while_it_says_so"])
            .env(ROLE, "service")
            .env("PORT", "{port}")
    }

    /// A [`server`](Mark::server) that is the child of a shell.
    pub(crate) fn wrapped_server(&self) -> FleetBuilder {
        let program = env::current_exe().unwrap().to_str().unwrap().to_owned();
        self.on(Fleet::of("sh"))
            .args(["-c", r#""$0" "$@" & wait"#, &program])
            .args(["--exact", "fleet::a_service_is_healthy_while_it_says_so"])
            .env(ROLE, "service")
            .env("PORT", "{port}")
    }

    /// The living processes of this test, without this one.
    pub(crate) fn processes(&self) -> BTreeSet<u32> {
        let wanted = format!("{MARK}={}", self.0);
        let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| {
            let pid: u32 = entry.unwrap().file_name().to_str()?.parse().ok()?;
            let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
            environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes()).then_some(pid)
        });
        pids.filter(|pid| *pid != std::process::id()).collect()
    }

    pub(crate) async fn assert_nothing_left(&self) {
        until("nothing of the test is left", || self.processes().is_empty()).await;
    }
}

/// A child that ends with the test, even if the test fails.
#[derive(Debug)]
pub(crate) struct Started(pub(crate) Child);

impl Started {
    /// Kills it as `kill -9` does.
    pub(crate) fn end(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn role() -> Option<String> {
    env::var(ROLE).ok()
}

pub(crate) fn parameter(name: &str) -> String {
    env::var(name).unwrap()
}

/// Tells the test that waits for it by [`hear`].
pub(crate) fn say(line: &str) {
    let mut output = std::io::stdout().lock();
    writeln!(output, "\n> {line}").unwrap();
    output.flush().unwrap();
}

pub(crate) fn hear(output: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    loop {
        line.clear();
        assert_ne!(output.read_line(&mut line).unwrap(), 0, "it ended and said nothing");
        if let Some(said) = line.strip_prefix("> ") {
            return said.trim_end().to_owned();
        }
    }
}

/// The service of [`Mark::server`]: it answers 503 as long as a file of its port's name is in the directory `SICK`.
pub(crate) fn serve() -> ! {
    let port: u16 = parameter("PORT").parse().unwrap();
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    loop {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        let sick = env::var("SICK").is_ok_and(|sick| fs::exists(format!("{sick}/{port}")).unwrap());
        let status = if sick { "503 Service Unavailable" } else { "200 OK" };
        let _ = stream.write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").as_bytes());
    }
}

/// Waits for a condition that no event announces.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..2000 {
        if is_so() {
            return;
        }
        SystemClock::default().sleep(Duration::from_millis(5)).await;
    }
    panic!("waited in vain until {what}");
}

/// Waits until the group is as wanted.
pub(crate) async fn until_group(
    provider: &impl Provider,
    id: &GroupId,
    mut is_so: impl FnMut(&Group) -> bool,
) -> Group {
    for _ in 0..2000 {
        let group = provider.group(id).await.unwrap();
        if is_so(&group) {
            return group;
        }
        SystemClock::default().sleep(Duration::from_millis(5)).await;
    }
    panic!("waited in vain for {id}");
}

pub(crate) fn identities(group: &Group) -> Vec<ProcessIdentity> {
    let of = |incarnation: &Option<Arc<str>>| incarnation.as_deref().unwrap().parse().unwrap();
    group.members.iter().map(|member| of(&member.incarnation)).collect()
}

pub(crate) fn healths(group: &Group) -> Vec<Health> {
    group.members.iter().map(|member| member.health).collect()
}

/// The state letter of a process; `None` if it is gone.
pub(crate) fn state(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

pub(crate) fn children_of(parent: u32) -> Vec<u32> {
    let parent = parent.to_string();
    let children = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let pid: u32 = entry.unwrap().file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (_, fields) = stat.rsplit_once(") ")?;
        (fields.split(' ').nth(1) == Some(&parent)).then_some(pid)
    });
    children.collect()
}

pub(crate) fn exists(identity: ProcessIdentity) -> bool {
    ProcessIdentity::of_pid(identity.pid()).is_ok_and(|now| now == identity)
}

pub(crate) fn signal(identity: ProcessIdentity, signal: rustix::process::Signal) {
    assert!(exists(identity));
    let pid = rustix::process::Pid::from_raw(identity.pid().cast_signed()).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}

/// The time of this machine, with a note of every sleep.
#[derive(Clone, Debug, Default)]
pub(crate) struct NotingClock(pub(crate) Arc<Mutex<Vec<Duration>>>);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Clock for NotingClock {
    fn now(&self) -> Timestamp {
        SystemClock::default().now()
    }

    fn monotonic(&self) -> Duration {
        SystemClock::default().monotonic()
    }

    async fn sleep(&self, duration: Duration) {
        self.0.lock().unwrap().push(duration);
        SystemClock::default().sleep(duration).await;
    }
}

/// Whether a test may do things that need root. Prints a line if it may not.
pub(crate) fn is_root(test: &str) -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        // The macro's output is shown only for failures, so this writes directly, on a line of its own.
        let mut stderr = std::io::stderr().lock();
        writeln!(stderr, "\nskipped: {test}: needs root").unwrap();
    }
    is_root
}
