//! Scripts on the machine of a process.

use std::{
    fs,
    io::BufReader,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    path::Path,
    sync::Arc,
    time::Duration,
};

use chaos_core::{
    ErrorKind, GroupId, Provider, Result, TargetId, async_trait,
    capability::{NetworkShare, Output, Script, Shell},
    clock::{Clock, SystemClock},
};
use chaos_local::{Fleet, Fleets, HealthCheck, ProcessIdentity, Processes};
use jiff::Timestamp;
use rustix::process::Signal;
use tokio::sync::Notify;

use crate::support::{Mark, Started, exists, hear, identities, role, say, signal, state, until};

/// The wait of these tests' clock, until the test lets it continue.
const LIMIT: Duration = Duration::from_secs(77);

/// The time of this machine, but for one length of sleep, which ends when the test says so.
#[derive(Debug)]
struct HeldClock {
    held: Duration,
    over: Notify,
}

impl HeldClock {
    fn holding(held: Duration) -> Arc<Self> {
        Arc::new(Self { held, over: Notify::new() })
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Clock for HeldClock {
    fn now(&self) -> Timestamp {
        SystemClock::default().now()
    }

    fn monotonic(&self) -> Duration {
        SystemClock::default().monotonic()
    }

    async fn sleep(&self, duration: Duration) {
        if duration == self.held {
            self.over.notified().await;
        } else {
            SystemClock::default().sleep(duration).await;
        }
    }
}

/// Ends a process that a script has started and whose id it printed, even if the test fails.
struct Holder(ProcessIdentity);

impl Holder {
    fn of(pid: &str) -> Self {
        Self(ProcessIdentity::of_pid(pid.trim().parse().unwrap()).unwrap())
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        if exists(self.0) {
            signal(self.0, Signal::KILL);
        }
    }
}

pub(crate) async fn shell(provider: &impl Provider, id: &TargetId) -> Arc<dyn Shell> {
    let target = provider.resolve(id).await.unwrap().expect("the target exists");
    Arc::clone(target.capabilities().shell().unwrap())
}

/// The shell of a process that does nothing, on this clock.
async fn shell_on(child: &Started, clock: Arc<dyn Clock>) -> Arc<dyn Shell> {
    let processes = Processes::named("scripts").member(&child.0, None).clock(clock).build().unwrap();
    let id = processes.group(processes.id()).await.unwrap().members[0].target.id().clone();
    shell(&processes, &id).await
}

async fn inspect(shell: &Arc<dyn Shell>, script: &str) -> Output {
    shell.inspect(&Script::new(script.to_owned())).await.unwrap()
}

/// The complete text that a script has written to a file for the test.
async fn lines(path: &Path, count: usize) -> Vec<String> {
    let read = || fs::read_to_string(path).unwrap_or_default();
    until("the script has said what it started", || read().matches('\n').count() == count).await;
    read().lines().map(str::to_owned).collect()
}

/// A script that starts a process beside it, one below that and one in a session of its own, and never ends.
fn endless(directory: &Path) -> Script {
    let source = r#"
        sleep 600 &
        child=$!
        sh -c 'sleep 600 & echo "$!" >"$out/grandchild"; wait' &
        setsid sleep 600 &
        holder=$!
        until [ "$(cut -d ' ' -f 6 "/proc/$holder/stat")" = "$holder" ] && [ -s "$out/grandchild" ]; do sleep 0.01; done
        printf '%s\n' "$$" "$child" "$(cat "$out/grandchild")" "$holder" >"$out/pids"
        echo waiting >&2
        wait
    "#;
    let script = Script::new(source).parameter("out", directory.to_str().unwrap()).unwrap();
    script.time_limit(LIMIT)
}

/// Asserts that nothing is left of an [`endless`] script except the process with a session of its own. A grandchild's
/// zombie is not ours.
async fn assert_killed(pids: &[ProcessIdentity], holder: &Holder) {
    until("its shell has ended and was waited for", || !exists(pids[0])).await;
    let is_dead = |process: ProcessIdentity| !exists(process) || state(process.pid()) == Some('Z');
    until("its process group is dead", || pids.iter().all(|process| is_dead(*process))).await;
    assert!(exists(holder.0) && !is_dead(holder.0));
}

async fn started(directory: &Path) -> (Vec<ProcessIdentity>, Holder) {
    let pids = lines(&directory.join("pids"), 4).await;
    let identities = pids[..3].iter().map(|pid| ProcessIdentity::of_pid(pid.parse().unwrap()).unwrap());
    (identities.collect(), Holder::of(&pids[3]))
}

#[tokio::test]
async fn parameters_are_data_and_little_else_is_there() {
    let (mark, directory) = (Mark::new(), tempfile::tempdir().unwrap());
    let child = mark.child();
    let shell = shell_on(&child, Arc::new(SystemClock::default())).await;
    let long = "x".repeat(100_000);
    for hostile in [
        "",
        "-rf",
        "--",
        "it's \"quoted\" `touch pwned` $(touch pwned) ${HOME} \\ \\n * ? [a] ~ ! # % & ; | < > ( ) { }",
        " two  spaces\ttab\nline\r\n'\n\n",
        "héllo \u{202e} \u{fffd} \u{1}\u{7f}",
        "a=b",
        &long,
    ] {
        let script = Script::new(r#"cd "$place" && printf '%s|%s' "$value" "$#""#);
        let script = script.parameter("value", hostile).unwrap();
        let script = script.parameter("place", directory.path().to_str().unwrap()).unwrap();
        let output = shell.inspect(&script).await.unwrap();
        assert_eq!((output.status, output.stderr.as_str()), (0, ""), "{hostile:?}");
        assert_eq!(output.stdout, format!("{hostile}|0"));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "{hostile:?}");
    }
    let script = Script::new("true").parameter("value", "x".repeat(200_000)).unwrap();
    let error = shell.inspect(&script).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");

    let script =
        Script::new("env; pwd; cat; cut -d ' ' -f 5 /proc/$$/stat; echo $$").parameter("a", "b").unwrap();
    let output = shell.inspect(&script).await.unwrap().stdout;
    let mut lines: Vec<_> = output.lines().filter(|line| !line.starts_with("PWD=")).collect();
    assert_eq!(lines.pop(), lines.pop(), "a process group of its own");
    lines.sort_unstable();
    let path = format!(
        "PATH={}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        std::env::var("PATH").unwrap()
    );
    assert_eq!(lines, ["/", "LC_ALL=C", &path, "a=b"]);
}

#[tokio::test]
async fn status_and_output_come_back_as_they_are() {
    let mark = Mark::new();
    let child = mark.child();
    let shell = shell_on(&child, Arc::new(SystemClock::default())).await;
    let output = inspect(&shell, "printf 'a\\377b'; printf 'c\\n' >&2; exit 255").await;
    assert_eq!((output.status, output.stdout.as_str(), output.stderr.as_str()), (255, "a\u{fffd}b", "c\n"));
    assert_eq!(inspect(&shell, "kill -9 $$").await.status, 128 + 9);
    assert_eq!(inspect(&shell, "exec true").await.status, 0);
    let own = inspect(&shell, "echo $$").await.stdout.trim().parse().unwrap();
    assert_eq!(state(own), None, "no zombie is left");
    let syntax = inspect(&shell, "if").await;
    assert!(syntax.status != 0 && syntax.stderr.contains("yntax"), "{syntax:?}");

    // Both at once, and more than a pipe holds.
    let much = "head -c 1048576 /dev/zero | tr '\\0' x & head -c 1000000 /dev/zero | tr '\\0' y >&2; wait";
    let output = inspect(&shell, much).await;
    assert_eq!((output.stdout.len(), output.stderr.len()), (1_048_576, 1_000_000));
    let error = shell.inspect(&Script::new("head -c 1048577 /dev/zero; exit 3")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Other);
    assert!(error.to_string().contains("status=\"3\""), "{error}");
}

#[tokio::test]
async fn a_holder_that_keeps_the_outputs_open_is_not_waited_for() {
    let mark = Mark::new();
    let child = mark.child();
    let clock = SystemClock::default();
    let shell = shell_on(&child, Arc::new(clock)).await;
    for (start, printed) in [("sleep 600", ""), ("sh -c 'while echo again; do :; done'", "again\n")] {
        let script = format!("setsid {start} & echo \"$!\"; printf said >&2");
        let output = tokio::select! {
            output = inspect(&shell, &script) => output,
            () = clock.sleep(Duration::from_secs(20)) => panic!("it waits for {start}"),
        };
        // A program that prints endlessly is killed by its pipe, which has no reader.
        let pid = output.stdout.lines().find(|line| *line != "again").unwrap();
        assert!(output.stdout.lines().all(|line| line == pid || line == "again"), "{output:?}");
        assert_eq!((output.status, output.stderr.as_str()), (0, "said"));
        if printed.is_empty() {
            let holder = Holder::of(pid);
            let output = fs::read_link(format!("/proc/{pid}/fd/1")).unwrap();
            assert!(output.to_str().unwrap().starts_with("pipe:"), "{output:?}");
            drop(holder);
        }
        let pid = pid.parse().unwrap();
        until("the holder has ended", || matches!(state(pid), None | Some('Z'))).await;
    }
}

#[tokio::test]
async fn a_time_limit_ends_the_process_group_and_no_other_session() {
    let (mark, directory) = (Mark::new(), tempfile::tempdir().unwrap());
    let (child, clock) = (mark.child(), HeldClock::holding(LIMIT));
    let shell = shell_on(&child, clock.clone()).await;
    let script = endless(directory.path());
    let running = tokio::spawn(async move { shell.inspect(&script).await });
    let (pids, holder) = started(directory.path()).await;
    assert!(pids.iter().all(|process| exists(*process)));
    clock.over.notify_one();
    let error = running.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    for part in ["77s", "waiting", "process:scripts/0@"] {
        assert!(error.to_string().contains(part), "{error}");
    }
    assert!(!exists(pids[0]), "its shell was waited for");
    assert_killed(&pids, &holder).await;
    assert!(exists(ProcessIdentity::of_pid(child.0.id()).unwrap()));
}

#[tokio::test]
async fn a_script_ends_with_whoever_waits_for_it() {
    let (mark, directory) = (Mark::new(), tempfile::tempdir().unwrap());
    let child = mark.child();
    let shell = shell_on(&child, Arc::new(SystemClock::default())).await;
    let script = endless(directory.path());
    let (pids, holder) = tokio::select! {
        ended = shell.inspect(&script) => panic!("{ended:?}"),
        started = started(directory.path()) => started,
    };
    assert_killed(&pids, &holder).await;
    drop(holder);

    // With a whole runtime, too.
    let directory = tempfile::tempdir().unwrap();
    let script = endless(directory.path());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let running = runtime.spawn(async move { shell.inspect(&script).await });
    let (pids, holder) = started(directory.path()).await;
    assert!(!running.is_finished());
    runtime.shutdown_background();
    assert_killed(&pids, &holder).await;
}

#[tokio::test]
async fn the_network_of_a_process_is_where_it_listens() {
    let name = "shell::the_network_of_a_process_is_where_it_listens";
    if role().as_deref() == Some("listener") {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let tcp6 = TcpListener::bind("[::1]:0");
        // Over IPv4 as well.
        let everywhere = TcpListener::bind("[::]:0");
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let connected = UdpSocket::bind("127.0.0.1:0").unwrap();
        connected.connect(udp.local_addr().unwrap()).unwrap();
        let client = TcpStream::connect(tcp.local_addr().unwrap()).unwrap();
        let accepted = tcp.accept().unwrap();
        let mut sockets = vec![udp.local_addr().unwrap(), tcp.local_addr().unwrap()];
        sockets.extend(tcp6.iter().chain(&everywhere).map(|socket| socket.local_addr().unwrap()));
        if let Ok(everywhere) = &everywhere {
            sockets.push((Ipv4Addr::UNSPECIFIED, everywhere.local_addr().unwrap().port()).into());
        }
        say(&sockets.iter().map(SocketAddr::to_string).collect::<Vec<_>>().join(" "));
        std::thread::park();
        drop((tcp, tcp6, everywhere, udp, connected, client, accepted));
    }
    let mark = Mark::new();
    let mut listener = mark.role(name, "listener", &[]);
    let said = hear(&mut BufReader::new(listener.0.stdout.take().unwrap()));
    let sockets: Vec<SocketAddr> = said.split(' ').map(|socket| socket.parse().unwrap()).collect();
    let share = NetworkShare::sockets(sockets[1..].iter().copied(), [sockets[0]]);
    let system = || Arc::new(SystemClock::default());
    let shell_of_listener = shell_on(&listener, system()).await;
    assert_eq!(shell_of_listener.network().await.unwrap(), share);

    let sleeper = mark.child();
    let none = NetworkShare::ports([], []);
    assert_eq!(shell_on(&sleeper, system()).await.network().await.unwrap(), none);

    // A process that a wrapper has started serves for it. Another process of the same parent does not.
    let fleet = mark.server().replicas(2).health(HealthCheck::http("/")).start().await.unwrap();
    let wrapped = mark.wrapped_server().health(HealthCheck::tcp()).start().await.unwrap();
    for fleet in [&fleet, &wrapped] {
        let shell = shell(fleet, &fleet.id().target("replica-0").unwrap()).await;
        assert_eq!(
            shell.network().await.unwrap(),
            NetworkShare::sockets([(Ipv4Addr::LOCALHOST, fleet.ports()[0]).into()], [])
        );
    }
    drop((fleet, wrapped, listener, sleeper));
    mark.assert_nothing_left().await;
}

#[tokio::test]
async fn between_two_lives_scripts_run_and_there_is_no_network() {
    let mark = Mark::new();
    let clock = HeldClock::holding(Duration::from_millis(50));
    let fleet = mark.sleepers(1).clock(clock.clone()).start().await.unwrap();
    let shell = shell(&fleet, &fleet.id().target("replica-0").unwrap()).await;
    assert_eq!(shell.network().await.unwrap(), NetworkShare::ports([], []));
    let group = fleet.group(fleet.id()).await.unwrap();
    signal(identities(&group)[0], Signal::KILL);
    until("it has ended", || mark.processes().is_empty()).await;
    assert_eq!(inspect(&shell, "echo still").await.stdout, "still\n");
    let error = shell.network().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("local:fleet/replica-0"), "{error}");
    clock.over.notify_one();
    until("it runs again", || !mark.processes().is_empty()).await;
    drop(fleet);
    mark.assert_nothing_left().await;
}

async fn assert_reaches_beyond(provider: &impl Provider, id: &TargetId) {
    assert!(provider.resolve(id).await.unwrap().is_none(), "{id}");
    let shell = provider.remains(id).await.unwrap().shell().unwrap().expect("the machine is still there");
    assert_eq!(inspect(&shell, "echo here").await.stdout, "here\n");
    let error = shell.network().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains(id.as_str()), "{error}");
}

#[tokio::test]
async fn the_machine_is_reached_without_the_target() -> Result<()> {
    let (mark, directory) = (Mark::new(), tempfile::tempdir().unwrap());
    let bare = mark.sleepers(1).name("bare").start().await?;
    let kept = mark.sleepers(1).state_directory(directory.path()).start().await?;
    let attached = Fleet::attach(directory.path())?;
    let listed = Fleets::of([bare.clone(), kept.clone()]);
    let ids = [bare.id().target("replica-0")?, kept.id().target("replica-0")?];
    let elsewhere: GroupId = "local:fleet of a dead process".parse()?;
    for fleet in [&bare, &kept] {
        fleet.stop().await?;
    }
    for id in [&ids[0], &ids[1], &elsewhere.target("replica-7")?] {
        assert_reaches_beyond(&bare, id).await;
        assert_reaches_beyond(&kept, id).await;
        assert_reaches_beyond(&attached, id).await;
        assert_reaches_beyond(&listed, id).await;
        assert_reaches_beyond(&Fleets::new(), id).await;
    }

    let child = mark.child();
    let processes = Processes::adopt("db", [&child.0])?;
    let id = processes.group(processes.id()).await?.members[0].target.id().clone();
    let handle = shell(&processes, &id).await;
    child.end();
    assert_reaches_beyond(&processes, &id).await;
    assert_reaches_beyond(&Processes::named("recovery").build()?, &id).await;
    assert_eq!(inspect(&handle, "echo here").await.stdout, "here\n");
    assert_eq!(handle.network().await.unwrap_err().kind(), ErrorKind::Conflict);

    for (provider, bad) in [
        (&processes as &dyn Provider, "process:db/nobody"),
        (&processes, "local:db/0@1.2"),
        (&kept, "process:db/0@1.2"),
        (&Fleets::new(), "aws-asg:web/i-0abc"),
    ] {
        let error = provider.remains(&bad.parse()?).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(bad), "{error}");
    }
    mark.assert_nothing_left().await;
    Ok(())
}
