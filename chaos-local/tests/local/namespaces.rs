//! Processes in network namespaces of their own. Each test makes its own, and only root can.

use std::{
    fs,
    io::BufReader,
    net::{TcpListener, TcpStream},
    os::unix::fs::MetadataExt,
    path::PathBuf,
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use chaos_core::{
    BlastRadius, CapabilitySet, ChaosEvent, ErrorKind, FaultId, Health, Hold, MemoryJournal, Monkey, Permit,
    Prepared, Provider, Recovery, RecoveryScope, Registry, Result, Scope, TargetId, Verdict, async_trait,
    capability::{NetworkShare, Script, Shell},
};
use chaos_local::{Fleet, Fleets, HealthCheck, ProcessIdentity, Processes};
use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use crate::{
    shell::shell,
    support::{
        Mark, Started, exists, healths, hear, identities, is_root, parameter, role, say, signal, until,
        until_group,
    },
};

/// A network namespace that is removed with the test, even if the test fails.
struct Namespace(String);

impl Namespace {
    fn unique() -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        format!("chaos-local-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// With `lo` down, as the kernel makes it.
    fn bare(name: String) -> Self {
        ip(&["netns", "add", &name]);
        Self(name)
    }

    fn new(name: String) -> Self {
        let namespace = Self::bare(name);
        ip(&["-n", &namespace.0, "link", "set", "lo", "up"]);
        namespace
    }

    fn inode(&self) -> String {
        let metadata = fs::metadata(format!("/run/netns/{}", self.0)).unwrap();
        format!("net:[{}]\n", metadata.ino())
    }

    /// A process in it that does nothing.
    async fn sleeper(&self, mark: &Mark, wrapper: &[&str]) -> Started {
        let arguments = ["netns", "exec", &self.0].into_iter().chain(wrapper.iter().copied());
        let arguments: Vec<_> = arguments.chain(["sleep", "600"]).collect();
        let started = mark.start(Command::new("ip").args(arguments));
        let name = format!("/proc/{}/comm", started.0.id());
        until("it sleeps", || fs::read_to_string(&name).unwrap() == "sleep\n").await;
        started
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.0]).stderr(Stdio::null()).status();
    }
}

fn ip(arguments: &[&str]) {
    assert!(Command::new("ip").args(arguments).status().unwrap().success(), "ip {arguments:?}");
}

/// The namespace that scripts run in.
async fn seen(shell: &Arc<dyn Shell>) -> String {
    shell.inspect(&Script::new("readlink /proc/self/ns/net")).await.unwrap().stdout
}

fn own() -> String {
    format!("{}\n", fs::read_link("/proc/self/ns/net").unwrap().to_str().unwrap())
}

async fn adopted(child: &Started) -> (Processes, Arc<dyn Shell>) {
    let processes = Processes::adopt("inside", [&child.0]).unwrap();
    let id = processes.group(processes.id()).await.unwrap().members[0].target.id().clone();
    let shell = shell(&processes, &id).await;
    (processes, shell)
}

#[tokio::test]
async fn the_network_of_a_process_in_another_namespace_is_its_own() {
    if !is_root("the_network_of_a_process_in_another_namespace_is_its_own") {
        return;
    }
    let (mark, namespace) = (Mark::new(), Namespace::bare(Namespace::unique()));
    let child = namespace.sleeper(&mark, &[]).await;
    let (_, shell) = adopted(&child).await;
    assert_eq!(shell.network().await.unwrap(), NetworkShare::Whole);
    assert_eq!(seen(&shell).await, namespace.inode());
    let interfaces = shell.inspect(&Script::new("cat /proc/net/dev")).await.unwrap().stdout;
    let names: Vec<_> = interfaces.lines().filter_map(|line| Some(line.split_once(':')?.0.trim())).collect();
    assert_eq!(names, ["lo"], "{interfaces}");
    let beside = mark.child();
    let (_, shell) = adopted(&beside).await;
    assert_eq!(shell.network().await.unwrap(), NetworkShare::ports([], []));
    assert_eq!(seen(&shell).await, own());
    // This process itself is where it was.
    assert_ne!(own(), namespace.inode());
}

#[tokio::test]
async fn the_network_of_the_machine_is_nobodys_own() {
    let test = "the_network_of_the_machine_is_nobodys_own";
    if role().as_deref() == Some("inside") {
        let processes = Processes::adopt("outside", [parameter("PID").parse::<u32>().unwrap()]).unwrap();
        let id = processes.group(processes.id()).await.unwrap().members[0].target.id().clone();
        let shell = shell(&processes, &id).await;
        assert_eq!(shell.network().await.unwrap(), NetworkShare::ports([], []));
        assert_ne!(seen(&shell).await, own());
        say(seen(&shell).await.trim());
        return;
    }
    if !is_root(test) {
        return;
    }
    let (mark, namespace) = (Mark::new(), Namespace::bare(Namespace::unique()));
    let child = mark.child();
    let (wrapper, pid) = (["ip", "netns", "exec", &namespace.0], child.0.id().to_string());
    let mut inside = mark.role_under(&wrapper, &format!("namespaces::{test}"), "inside", &[("PID", &pid)]);
    assert_eq!(hear(&mut BufReader::new(inside.0.stdout.take().unwrap())), own().trim());
}

/// Looks at the target's network, ends the target, and then runs a script that was meant for that network.
#[derive(Debug)]
struct TooLate {
    process: ProcessIdentity,
    namespace: String,
    ended: Mutex<Option<Started>>,
    found: Arc<Mutex<Option<Result<String>>>>,
}

#[async_trait]
impl ChaosEvent for TooLate {
    fn name(&self) -> &'static str {
        "too-late"
    }

    fn requires(&self) -> CapabilitySet {
        CapabilitySet::default()
    }

    fn hold(&self) -> Hold {
        Hold::MOMENTARY
    }

    async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
        let shell = Arc::clone(scope.target().capabilities().shell()?);
        assert_eq!(shell.network().await?, NetworkShare::Whole);
        let (process, namespace) = (self.process, self.namespace.clone());
        let victim = self.ended.lock().unwrap().take();
        let found = Arc::clone(&self.found);
        Ok(Prepared::new(Nothing {}, move |permit| {
            Box::pin(async move {
                let script = Script::new("readlink /proc/self/ns/net");
                assert_eq!(shell.run(&script, permit).await?.stdout, namespace);
                victim.unwrap().end();
                assert!(!exists(process));
                let after = shell.run(&script, permit).await;
                *found.lock().unwrap() = Some(after.map(|output| output.stdout));
                Ok(())
            })
        }))
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Nothing {}

#[async_trait]
impl Recovery for Nothing {
    const KIND: &'static str = "chaos-local-test/nothing/1";

    async fn recover(&self, _: &RecoveryScope, _: &Permit) -> Result<()> {
        Ok(())
    }

    async fn verify(&self, _: &RecoveryScope) -> Result<Verdict> {
        Ok(Verdict::Back)
    }

    fn by_hand(&self, _: &TargetId, _: FaultId) -> String {
        "there is nothing to do".to_owned()
    }
}

#[tokio::test]
async fn what_was_meant_for_a_namespace_never_runs_in_that_of_the_machine() {
    if !is_root("what_was_meant_for_a_namespace_never_runs_in_that_of_the_machine") {
        return;
    }
    let (mark, namespace) = (Mark::new(), Namespace::bare(Namespace::unique()));
    let child = namespace.sleeper(&mark, &[]).await;
    let process = ProcessIdentity::of_pid(child.0.id()).unwrap();
    let (processes, shell) = adopted(&child).await;
    let id = processes.group(processes.id()).await.unwrap().members[0].target.id().clone();
    let monkey = Monkey::builder()
        .provider(processes.clone())
        .blast_radius(BlastRadius::default().min_healthy(0))
        .unleash(MemoryJournal::new(), Registry::default().register::<Nothing>())
        .build()
        .unwrap();
    let found = Arc::new(Mutex::new(None));
    let (ended, namespace) = (Mutex::new(Some(child)), namespace.inode());
    let event = TooLate { process, namespace, ended, found: Arc::clone(&found) };
    let report = monkey.inject(event, &id).await.unwrap();
    let error = found.lock().unwrap().take().unwrap_or_else(|| panic!("{report:#?}")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("nothing was run"), "{error}");
    // A recovery, which looks afresh, reaches the machine.
    assert_eq!(seen(&shell).await, own());
    assert_eq!(seen(&processes.remains(&id).await.unwrap().shell().unwrap().unwrap()).await, own());
}

#[tokio::test]
async fn replicas_live_in_namespaces_and_are_looked_at_from_inside() {
    if !is_root("replicas_live_in_namespaces_and_are_looked_at_from_inside") {
        return;
    }
    let (mark, directory, name) = (Mark::new(), tempfile::tempdir().unwrap(), Namespace::unique());
    let mut namespaces = Vec::from([0, 1].map(|index| Namespace::new(format!("{name}-{index}"))));
    let fleet = mark
        .server()
        .replicas(2)
        .network_namespace(format!("{name}-{{index}}"))
        .health(HealthCheck::http("/health"))
        .state_directory(directory.path())
        .start()
        .await
        .unwrap();
    let attached = Fleet::attach(directory.path()).unwrap();
    let state = fs::read_to_string(directory.path().join("fleet.json")).unwrap();
    assert!(state.contains(&format!("\"network_namespace\": \"{name}-{{index}}\"")), "{state}");
    for address in fleet.endpoints() {
        TcpStream::connect(address).expect_err("nobody listens outside");
    }
    let ids = [0, 1].map(|index| fleet.id().target(&format!("replica-{index}")).unwrap());
    for _ in 0..2 {
        for group in [fleet.group(fleet.id()).await.unwrap(), attached.group(fleet.id()).await.unwrap()] {
            assert_eq!(healths(&group), [Health::Healthy; 2]);
        }
        for (id, namespace) in ids.iter().zip(&namespaces) {
            for shell in [shell(&fleet, id).await, shell(&attached, id).await] {
                assert_eq!(shell.network().await.unwrap(), NetworkShare::Whole);
                assert_eq!(seen(&shell).await, namespace.inode());
            }
        }
        // The next life is in there as well.
        let before = identities(&fleet.group(fleet.id()).await.unwrap());
        signal(before[1], Signal::KILL);
        until_group(&fleet, fleet.id(), |group| group.healthy() == 2 && identities(group)[1] != before[1])
            .await;
    }

    let handle = shell(&fleet, &ids[1]).await;
    fleet.stop().await.unwrap();
    let listed = Fleets::of([fleet.clone()]);
    let beyond = async || {
        let mut found = vec![seen(&handle).await];
        for provider in [&fleet as &dyn Provider, &attached, &listed, &Fleets::new()] {
            found.push(seen(&provider.remains(&ids[1]).await.unwrap().shell().unwrap().unwrap()).await);
        }
        found
    };
    assert_eq!(beyond().await, vec![namespaces[1].inode(); 5]);
    namespaces.pop();
    assert_eq!(beyond().await, vec![own(); 5]);
    mark.assert_nothing_left().await;
}

#[tokio::test]
async fn a_fleet_of_older_make_is_read_and_one_of_another_container_is_not() {
    let (mark, directory) = (Mark::new(), tempfile::tempdir().unwrap());
    let fleet = mark.sleepers(1).state_directory(directory.path()).start().await.unwrap();
    let file = directory.path().join("fleet.json");
    let state = fs::read_to_string(&file).unwrap();
    assert!(!state.contains("network_namespace"), "{state}");
    let id = fleet.id().target("replica-0").unwrap();
    fleet.stop().await.unwrap();
    let shell = Fleets::new().remains(&id).await.unwrap().shell().unwrap().unwrap();
    assert_eq!(seen(&shell).await, own());
    let pid_namespace = fs::read_link("/proc/self/ns/pid").unwrap();
    let elsewhere = state.replace(pid_namespace.to_str().unwrap(), "pid:[1]");
    assert_ne!(elsewhere, state);
    fs::write(&file, elsewhere).unwrap();
    let error = Fleets::new().remains(&id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    // After a boot everything is gone, and that can be seen.
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    fs::write(&file, state.replace(boot.trim(), "another boot")).unwrap();
    assert!(Fleets::new().remains(&id).await.unwrap().shell().unwrap().is_some());
    fs::write(&file, "{").unwrap();
    assert_eq!(Fleets::new().remains(&id).await.unwrap_err().kind(), ErrorKind::Corrupt);
}

/// A file that `ip netns` lists and that is no namespace.
struct Impostor(PathBuf);

impl Drop for Impostor {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[tokio::test]
async fn a_namespace_that_cannot_be_used_is_named() {
    if !is_root("a_namespace_that_cannot_be_used_is_named") {
        return;
    }
    let (mark, name) = (Mark::new(), Namespace::unique());
    let namespace = Namespace::bare(Namespace::unique());
    let impostor = Impostor(PathBuf::from(format!("/run/netns/{name}-impostor")));
    fs::write(&impostor.0, "").unwrap();
    let quick = Duration::from_millis(300);
    for (name, check, kind, expected) in [
        (format!("{name}-$(reboot)"), HealthCheck::alive(), ErrorKind::InvalidInput, "$(reboot)"),
        (format!("{name}-impostor"), HealthCheck::alive(), ErrorKind::InvalidInput, "impostor"),
        // Nobody has set its `lo` up.
        (namespace.0.clone(), HealthCheck::tcp(), ErrorKind::Timeout, "unreachable"),
    ] {
        let fleet = mark.sleepers(1).network_namespace(&name).health(check).start_within(quick);
        let error = fleet.start().await.expect_err(&name);
        assert_eq!(error.kind(), kind, "{error:?}");
        assert!(error.to_string().contains(expected), "{error}");
        assert!(mark.processes().is_empty());
    }
    // This does not matter to a process that does not need it.
    let fleet = mark.sleepers(2).network_namespace(&namespace.0).start().await.unwrap();
    assert_eq!(fleet.group(fleet.id()).await.unwrap().healthy(), 2);
    assert!(fleet.ports().iter().all(|port| *port != 0));
    drop(fleet);
    mark.assert_nothing_left().await;
}

#[tokio::test]
async fn without_privilege_there_is_a_refusal_and_no_script() {
    let test = "without_privilege_there_is_a_refusal_and_no_script";
    if role().as_deref() == Some("unprivileged") {
        let error = Fleet::of("sleep").network_namespace(parameter("NAMESPACE")).start().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied, "{error:?}");
        assert!(error.to_string().contains(&parameter("NAMESPACE")), "{error}");
        for pid in parameter("PIDS").split(' ') {
            let processes = Processes::adopt("inside", [pid.parse::<u32>().unwrap()]).unwrap();
            let id = processes.group(processes.id()).await.unwrap().members[0].target.id().clone();
            let error = shell(&processes, &id).await.inspect(&Script::new("true")).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Denied, "{error:?}");
            assert!(error.to_string().contains(&format!("process=\"{pid}.")), "{error}");
        }
        // A port can be looked at as before.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let beside = parameter("BESIDE").parse::<u32>().unwrap();
        let processes = Processes::named("beside").member(&beside, Some(port)).health(HealthCheck::tcp());
        let processes = processes.build().unwrap();
        assert_eq!(healths(&processes.group(processes.id()).await.unwrap()), [Health::Healthy]);
        say("refused");
        return;
    }
    if !is_root(test) {
        return;
    }
    let (mark, namespace) = (Mark::new(), Namespace::bare(Namespace::unique()));
    // One whose namespace may not even be looked at, and one whose may.
    let without = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"];
    let sleepers = [namespace.sleeper(&mark, &[]).await, namespace.sleeper(&mark, &without).await];
    let pids = sleepers.each_ref().map(|sleeper| sleeper.0.id().to_string()).join(" ");
    let name = format!("namespaces::{test}");
    let (beside, namespace_name) = (mark.child(), namespace.0.as_str());
    let beside_pid = beside.0.id().to_string();
    let parameters = [("NAMESPACE", namespace_name), ("PIDS", &pids), ("BESIDE", &beside_pid)];
    let mut unprivileged = mark.role_under(&without, &name, "unprivileged", &parameters);
    assert_eq!(hear(&mut BufReader::new(unprivileged.0.stdout.take().unwrap())), "refused");
}
