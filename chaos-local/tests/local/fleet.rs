use std::{
    fs,
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chaos_core::{
    BlastRadius, ErrorKind, Health, Journal, MemoryJournal, Monkey, Outcome, Provider, Quota, async_trait,
    clock::{Clock, SystemClock},
    provider::GroupFilter,
};
use chaos_events::Terminate;
use chaos_local::{Fleet, Fleets, HealthCheck};
use futures_util::StreamExt;
use jiff::Timestamp;
use rustix::process::Signal;

use crate::support::{
    Mark, NotingClock, exists, healths, hear, identities, role, say, serve, signal, until, until_group,
};

#[tokio::test]
async fn a_service_is_healthy_while_it_says_so() {
    if role().as_deref() == Some("service") {
        serve();
    }
    let (mark, sick) = (Mark::new(), tempfile::tempdir().unwrap());
    let fleet = mark
        .server()
        .env("SICK", sick.path())
        .replicas(3)
        .name("service")
        .health(HealthCheck::http("/health"))
        .start()
        .await
        .unwrap();
    let group = fleet.group(fleet.id()).await.unwrap();
    assert_eq!(healths(&group), [Health::Healthy; 3]);
    assert!(group.replaces_members);
    let ids: Vec<_> = group.members.iter().map(|member| member.target.id().to_string()).collect();
    assert_eq!(ids, ["local:service/replica-0", "local:service/replica-1", "local:service/replica-2"]);

    fs::write(sick.path().join(fleet.ports()[1].to_string()), "").unwrap();
    let group = fleet.group(fleet.id()).await.unwrap();
    assert_eq!(healths(&group), [Health::Healthy, Health::Unhealthy, Health::Healthy]);

    let listed: Vec<_> = fleet.groups(&GroupFilter::all().name("service")).collect().await;
    assert_eq!(listed.len(), 1);
    let others = GroupFilter::all().name("other");
    assert!(fleet.groups(&others).next().await.is_none());
    drop(fleet);
    mark.assert_nothing_left().await;
}

/// The clocks tick in hundredths of a second.
#[tokio::test]
async fn a_replica_is_as_old_as_its_process() {
    let (mark, second) = (Mark::new(), Duration::from_secs(1));
    let before = SystemClock::default().now();
    let fleet = mark.sleepers(2).start().await.unwrap();
    let group = fleet.group(fleet.id()).await.unwrap();
    let first = group.members[0].began_at.unwrap();
    assert!(before - second <= first && first <= SystemClock::default().now() + second, "{before} {first}");
    let between = SystemClock::default().now();
    signal(identities(&group)[0], Signal::KILL);
    let is_replaced = |now: &chaos_core::Group| {
        now.members[0].health == Health::Healthy && identities(now)[0] != identities(&group)[0]
    };
    let again = until_group(&fleet, fleet.id(), is_replaced).await.members[0].began_at.unwrap();
    assert!(between - second <= again && again > first, "{between} {again}");

    let monkey = Monkey::builder()
        .provider(fleet.clone())
        .event(Terminate::default())
        .blast_radius(BlastRadius::default().min_healthy(0))
        .min_age(Duration::from_secs(24 * 3600));
    let plan = monkey.build().unwrap().plan().await.unwrap();
    assert_eq!(plan.chosen().count(), 0, "{plan}");
    let decision = format!("{:?}", plan.groups[0].targets[0].decision);
    assert!(decision.contains("TooYoung"), "{decision}");
    fleet.stop().await.unwrap();
}

#[tokio::test]
async fn hostile_text_reaches_the_program_as_it_is() {
    let (mark, directory) = (Mark::new(), tempfile::tempdir().unwrap());
    let hostile = "it's $(touch pwned) `x` \"y\" \\ {index} *\n;";
    let script = r#"printf '%s|%s' "$1" "$NAME" >"$OUT/$2"; exec sleep 600"#;
    let fleet = mark
        .on(Fleet::of("sh").args(["-c", script, "sh", hostile, "{port}"]))
        .env("NAME", hostile)
        .env("OUT", directory.path())
        .name("it's $(reboot) `x` \"y\" \\ é")
        .replicas(2)
        .start()
        .await
        .unwrap();
    for (index, port) in fleet.ports().into_iter().enumerate() {
        let file = directory.path().join(port.to_string());
        let got = fs::read_to_string(file).unwrap();
        let expected = hostile.replace("{index}", &index.to_string());
        assert_eq!(got, format!("{expected}|{expected}"));
    }
    let group = fleet.group(fleet.id()).await.unwrap();
    let id = group.members[1].target.id();
    assert_eq!(id.as_str(), "local:it's $(reboot) `x` \"y\" \\ é/replica-1");
    assert!(fleet.resolve(id).await.unwrap().is_some());
    fleet.stop().await.unwrap();
    assert!(mark.processes().is_empty());
}

#[tokio::test]
async fn what_dies_is_started_again_with_back_off_and_what_is_stopped_is_not() {
    let (mark, clock) = (Mark::new(), NotingClock::default());
    let fleet = mark.sleepers(2).clock(Arc::new(clock.clone())).start().await.unwrap();
    let ports = fleet.ports();
    clock.0.lock().unwrap().clear();
    let first = identities(&fleet.group(fleet.id()).await.unwrap());
    signal(first[0], Signal::STOP);
    let mut now = first[1];
    for _ in 0..3 {
        signal(now, Signal::KILL);
        let again = until_group(&fleet, fleet.id(), |group| {
            group.members[1].health == Health::Healthy && identities(group)[1] != now
        });
        now = identities(&again.await)[1];
    }
    assert_eq!(*clock.0.lock().unwrap(), [50, 100, 200].map(Duration::from_millis));
    let group = fleet.group(fleet.id()).await.unwrap();
    assert_eq!(healths(&group), [Health::Stopped, Health::Healthy]);
    assert_eq!(identities(&group)[0], first[0]);
    assert_eq!(fleet.ports(), ports);
    fleet.stop().await.unwrap();
    assert!(mark.processes().is_empty());
}

#[tokio::test]
async fn dropping_the_last_clone_leaves_nothing_and_returns_after_it() {
    let mark = Mark::new();
    let fleet = mark.sleepers(4).start().await.unwrap();
    let target = fleet.group(fleet.id()).await.unwrap().members.remove(0).target;
    let identities = identities(&fleet.group(fleet.id()).await.unwrap());
    for identity in &identities {
        // A signal to this process's group reaches no replica.
        let pid = rustix::process::Pid::from_raw(identity.pid().cast_signed()).unwrap();
        assert_eq!(rustix::process::getpgid(Some(pid)).unwrap(), pid);
    }
    let clone = fleet.clone();
    drop(fleet);
    assert!(identities.iter().all(|identity| exists(*identity)));
    drop(clone);
    // Not even as zombies.
    assert!(!identities.iter().any(|identity| exists(*identity)));
    assert_eq!(target.health().await.unwrap(), Health::Gone);
    assert!(mark.processes().is_empty());
}

#[tokio::test]
async fn stopping_lets_replicas_end_by_themselves() {
    let (mark, directory) = (Mark::new(), tempfile::tempdir().unwrap());
    let script = r#"trap 'touch "$OUT"; exit 0' TERM; while :; do sleep 0.01; done"#;
    let out = directory.path().join("said goodbye");
    let fleet = mark.on(Fleet::of("sh").args(["-c", script]).env("OUT", &out)).start().await.unwrap();
    let clone = fleet.clone();
    fleet.stop().await.unwrap();
    assert!(out.exists());
    assert!(mark.processes().is_empty());
    clone.stop().await.unwrap();
    let error = clone.group(clone.id()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let id = clone.id().target("replica-0").unwrap();
    assert!(clone.resolve(&id).await.unwrap().is_none());
}

#[tokio::test]
async fn what_a_replica_started_ends_with_it() {
    let mark = Mark::new();
    let script = "sleep 600 & wait";
    let fleet = mark.on(Fleet::of("sh").args(["-c", script])).start().await.unwrap();
    let before = mark.processes();
    assert_eq!(before.len(), 2);
    signal(identities(&fleet.group(fleet.id()).await.unwrap())[0], Signal::KILL);
    until("both were replaced", || {
        let now = mark.processes();
        now.len() == 2 && now.is_disjoint(&before)
    })
    .await;
    drop(fleet);
    mark.assert_nothing_left().await;
}

#[tokio::test]
async fn a_fleet_that_cannot_start_says_why_and_leaves_nothing() {
    let mark = Mark::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let fails = "echo 'migrating'; echo 'no such table' >&2; exit 3";
    let last_fails = r#"[ "$1" = 2 ] && kill -9 $$; exec sleep 600"#;
    for (fleet, kind, expected) in [
        (
            mark.on(Fleet::of("./no such program")),
            ErrorKind::InvalidInput,
            vec!["invalid program: \"./no such program\"", "No such file"],
        ),
        (
            mark.on(Fleet::of("/etc/passwd")),
            ErrorKind::InvalidInput,
            vec!["invalid program: \"/etc/passwd\""],
        ),
        (
            mark.on(Fleet::of("sh").args(["-c", fails])),
            ErrorKind::InvalidInput,
            vec!["exit status 3", "migrating\\nno such table", "replica-0", "sh"],
        ),
        (
            mark.on(Fleet::of("sh").args(["-c", last_fails, "sh", "{index}"])).replicas(3),
            ErrorKind::InvalidInput,
            vec!["signal 9", "replica-2"],
        ),
        (mark.sleepers(1).ports_from(port), ErrorKind::InvalidInput, vec!["invalid port: ", "in use"]),
        (
            mark.sleepers(2).health(HealthCheck::tcp()).start_within(Duration::from_millis(200)),
            ErrorKind::Timeout,
            vec!["200ms", "refused", "sleep"],
        ),
    ] {
        let error = fleet.start().await.expect_err(expected[0]);
        assert_eq!(error.kind(), kind, "{error:?}");
        for part in expected {
            assert!(error.chain().contains(part), "{part}: {}", error.chain());
        }
        assert!(mark.processes().is_empty(), "{error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn paused_time_is_refused_by_name() {
    let mark = Mark::new();
    let error = mark.sleepers(1).start().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("start_paused"), "{error}");
    assert!(mark.processes().is_empty());
}

#[tokio::test]
async fn what_replicas_print_is_kept_in_files_on_request() {
    let (mark, parent) = (Mark::new(), tempfile::tempdir().unwrap());
    let logs = parent.path().join("logs");
    let fleet = |script: &str| {
        let script = script.to_owned();
        mark.on(Fleet::of("sh").args(["-c", &script, "sh", "{index}"])).replicas(2).log_to(&logs)
    };
    let running = fleet("echo up $1; echo on $1 >&2; exec sleep 600").start().await.unwrap();
    let log = |replica: usize| fs::read_to_string(logs.join(format!("replica-{replica}.log"))).unwrap();
    until("both have printed", || (log(0), log(1)) == ("up 0\non 0\n".into(), "up 1\non 1\n".into())).await;
    drop(running);

    // It is appended to, and an error holds what came last.
    let error = fleet("echo 'no such table'; exit 3").start().await.unwrap_err();
    assert!(error.chain().contains("no such table"), "{}", error.chain());
    assert!(!error.chain().contains("on 0"), "{}", error.chain());
    assert!(log(0).starts_with("up 0\non 0\n") || log(1).starts_with("up 1\non 1\n"));
    mark.assert_nothing_left().await;

    fs::write(parent.path().join("file"), "").unwrap();
    let error = mark.sleepers(1).log_to(parent.path().join("file")).start().await.unwrap_err();
    assert!(error.to_string().starts_with("invalid log: "), "{error}");
    std::os::unix::fs::symlink(parent.path().join("file"), parent.path().join("replica-0.log")).unwrap();
    let error = mark.sleepers(1).log_to(parent.path()).start().await.unwrap_err();
    assert!(error.to_string().starts_with("invalid log: "), "{error}");
    mark.assert_nothing_left().await;
}

#[tokio::test]
async fn a_replica_has_an_address_and_a_url() {
    let (mark, directory) = (Mark::new(), tempfile::tempdir().unwrap());
    let fleet = mark.sleepers(2).state_directory(directory.path()).start().await.unwrap();
    let attached = Fleet::attach(directory.path()).unwrap();
    let expected = format!("http://127.0.0.1:{}", fleet.ports()[1]);
    assert_eq!((fleet.url(1).unwrap(), attached.url(1).unwrap()), (expected.clone(), expected));
    assert_eq!(fleet.address(0).unwrap(), attached.endpoints().unwrap()[0]);
    for error in [fleet.url(2).unwrap_err(), attached.address(2).unwrap_err()] {
        assert!(error.to_string().starts_with("invalid replica: 2;"), "{error}");
    }
}

/// Out of descriptors, it says so and how to get more.
#[tokio::test]
async fn what_a_fleet_lacks_is_named() {
    let name = "fleet::what_a_fleet_lacks_is_named";
    if role().as_deref() == Some("poor") {
        let error = Fleet::of("sleep").arg("600").replicas(40).start().await.unwrap_err();
        say(&error.chain().replace('\n', " "));
        std::future::pending::<()>().await;
    }
    let mark = Mark::new();
    let limited = ["sh", "-c", "ulimit -n 32; exec \"$@\"", "sh"];
    let mut poor = mark.role_under(&limited, name, "poor", &[]);
    let said = hear(&mut std::io::BufReader::new(poor.0.stdout.take().unwrap()));
    assert!(said.contains("ulimit -n"), "{said}");
    poor.end();
    mark.assert_nothing_left().await;
}

#[tokio::test]
async fn dropping_the_start_leaves_nothing() {
    let mark = Mark::new();
    let starting = mark.sleepers(2).health(HealthCheck::tcp()).start();
    tokio::select! {
        _ = starting => panic!("nobody listens there"),
        () = until("both run", || mark.processes().len() == 2) => {}
    }
    assert!(mark.processes().is_empty());
}

/// Panics when the fleet's thread sleeps, once it is told to.
#[derive(Debug)]
struct PanickingClock(AtomicBool);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Clock for PanickingClock {
    fn now(&self) -> Timestamp {
        SystemClock::default().now()
    }

    fn monotonic(&self) -> Duration {
        SystemClock::default().monotonic()
    }

    async fn sleep(&self, duration: Duration) {
        assert!(!self.0.load(Ordering::SeqCst), "this is meant to end the fleet's thread");
        SystemClock::default().sleep(duration).await;
    }
}

#[tokio::test]
async fn replicas_die_with_the_thread_of_their_fleet() {
    let mark = Mark::new();
    let clock = Arc::new(PanickingClock(AtomicBool::new(false)));
    let fleet = mark.sleepers(3).clock(Arc::clone(&clock) as Arc<dyn Clock>).start().await.unwrap();
    clock.0.store(true, Ordering::SeqCst);
    signal(identities(&fleet.group(fleet.id()).await.unwrap())[0], Signal::KILL);
    mark.assert_nothing_left().await;
    let error = fleet.group(fleet.id()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(fleet.stop().await.unwrap_err().kind(), ErrorKind::Panicked);
}

#[tokio::test]
async fn replicas_die_with_a_process_that_is_killed() {
    let name = "fleet::replicas_die_with_a_process_that_is_killed";
    if role().as_deref() == Some("owner") {
        let fleet = Fleet::of("sleep").arg("600").replicas(3).start().await.unwrap();
        let group = fleet.group(fleet.id()).await.unwrap();
        say(&identities(&group).iter().map(ToString::to_string).collect::<Vec<_>>().join(" "));
        std::future::pending::<()>().await;
    }
    let mark = Mark::new();
    let mut owner = mark.role(name, "owner", &[]);
    let said = hear(&mut std::io::BufReader::new(owner.0.stdout.take().unwrap()));
    let replicas: Vec<_> = said.split(' ').map(|text| text.parse().unwrap()).collect();
    assert_eq!(replicas.len(), 3);
    assert!(replicas.iter().all(|replica| exists(*replica)));
    owner.end();
    until("the kernel has ended the replicas", || !replicas.iter().any(|replica| exists(*replica))).await;
    mark.assert_nothing_left().await;
}

#[tokio::test]
async fn one_of_each_of_several_fleets() {
    let mark = Mark::new();
    let shop = mark.sleepers(2).name("shop").start().await.unwrap();
    let search = mark.sleepers(2).name("search").start().await.unwrap();
    let (ids, journal) = ([shop.id().clone(), search.id().clone()], MemoryJournal::new());
    let monkey = Monkey::builder()
        .provider(Fleets::of([shop, search]))
        .event(Terminate::default())
        .blast_radius(BlastRadius::default().targets_per_run(Quota::ALL))
        .unleash(journal.clone(), chaos_events::registry())
        .build()
        .unwrap();
    let report = monkey.run_once().await.unwrap();
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    let mut hit: Vec<_> = report.faults.iter().map(|fault| fault.group.clone()).collect();
    hit.sort();
    assert_eq!(hit, [ids[1].clone(), ids[0].clone()]);
    assert_eq!(journal.pending().await.unwrap().faults, []);
    drop(monkey);
    mark.assert_nothing_left().await;
}
