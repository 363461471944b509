//! The events of a machine, over Run Command: scripts that run for real on instances with networks, processes and disks
//! of their own.

use std::{
    fs::File,
    net::{SocketAddr, TcpStream},
    os::fd::AsFd,
    thread,
    time::Duration,
};

use chaos_core::{
    ChaosEvent, Journal, MemoryJournal, Recovery, TargetId,
    clock::{Clock, SystemClock},
    fault::FaultState,
};
use chaos_events::{CpuBurn, DiskFill, EndCpuBurn, FreeSpace, NetworkBlackhole, RestoreTraffic};
use chaos_testkit::{Subject, Timing, contract};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use serde_json::{Value, json};

use crate::cloud::{Cloud, member, monkey};

/// Longer than the delivery and the start of a script on an instance, even on a busy machine.
const BRIEF: Duration = Duration::from_secs(12);

/// Every event in groups of its own, all of them side by side.
#[tokio::test(flavor = "multi_thread")]
async fn they_keep_their_contracts() {
    let Some(cloud) = Cloud::start() else { return };
    let groups = ["cpu", "cpu-recovery", "disk", "disk-recovery", "network", "network-recovery"];
    let groups = groups.map(|name| json!({ "name": name, "region": "eu-west-1", "size": 2 }));
    cloud.add(Value::Array(groups.to_vec()));
    let disk = boot(&cloud, &member(&cloud, "disk").await)["disk"].as_str().unwrap().to_owned();
    tokio::join!(
        Box::pin(keeps_contracts::<_, EndCpuBurn>(&cloud, "cpu", |lasting| {
            CpuBurn::default().cores(1).unwrap().lasting(lasting).unwrap()
        })),
        Box::pin(keeps_contracts::<_, FreeSpace>(&cloud, "disk", |lasting| {
            DiskFill::bytes(disk.clone(), 1 << 20).unwrap().lasting(lasting).unwrap()
        })),
        Box::pin(async {
            // Otherwise this machine would be cut off.
            if cloud.has_namespaces() {
                keeps_contracts::<_, RestoreTraffic>(&cloud, "network", |lasting| {
                    NetworkBlackhole::everything().lasting(lasting).unwrap()
                })
                .await;
            }
        }),
    );
}

/// Checks the contracts of an event and of its recovery.
async fn keeps_contracts<E, R>(cloud: &Cloud, group: &str, event: impl Fn(Duration) -> E)
where
    E: ChaosEvent,
    R: Recovery,
{
    let timing = Timing::default()
        .settle(Duration::from_secs(20))
        .quiet(Duration::from_millis(300))
        .poll(Duration::from_millis(100));
    let recovery = format!("{group}-recovery");
    let fresh = async |group: &str| Ok(Subject::new(cloud.provider().await, member(cloud, group).await));
    let (timing, fresh_one, fresh_other) =
        (&timing, async || fresh(group).await, async || fresh(&recovery).await);
    let (event, recovery) = tokio::join!(
        Box::pin(contract::event::check(timing, event(BRIEF), chaos_events::registry(), fresh_one)),
        Box::pin(contract::recovery::check::<R>(timing, event(Duration::from_secs(60)), fresh_other)),
    );
    event.assert_kept();
    recovery.assert_kept();
}

/// Starts an instance, as the first script would, and returns its outside view.
fn boot(cloud: &Cloud, id: &TargetId) -> Value {
    cloud.page("POST", "machines", Some(json!({ "instance": id.name(), "region": "eu-west-1" })))
}

/// An instance with a network, seen from this machine.
struct Wire {
    namespace: File,
    peer: SocketAddr,
}

impl Wire {
    fn of(cloud: &Cloud, id: &TargetId) -> Self {
        let namespace = boot(cloud, id)["namespace"].as_str().unwrap().to_owned();
        let namespace = File::open(format!("/run/netns/{namespace}")).unwrap();
        let network = cloud.page("GET", "network", None);
        Self { namespace, peer: network["peer"].as_str().unwrap().parse().unwrap() }
    }

    /// Whether the instance reaches the other machine in its network.
    fn is_open(&self) -> bool {
        let connect = || {
            // Only for this thread.
            move_into_link_name_space(self.namespace.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            TcpStream::connect_timeout(&self.peer, Duration::from_millis(200)).is_ok()
        };
        thread::scope(|scope| scope.spawn(connect).join().unwrap())
    }
}

/// The ping status of an instance in Systems Manager.
async fn ping(cloud: &Cloud, id: &TargetId) -> String {
    let ssm = aws_sdk_ssm::Client::new(&cloud.setup());
    let told = ssm.describe_instance_information().send().await.unwrap().instance_information_list.unwrap();
    let told = told.iter().find(|known| known.instance_id() == Some(id.name())).unwrap();
    told.ping_status().unwrap().as_str().to_owned()
}

async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let clock = SystemClock::default();
    let begun = clock.now();
    while !is_so().await {
        assert!(clock.now().duration_since(begun).as_secs() < 30, "waited in vain until {what}");
        clock.sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blackhole_of_everything_leaves_the_instance_within_reach_of_its_recovery() {
    let Some(cloud) = Cloud::with_web(1) else { return };
    if !cloud.has_namespaces() {
        return;
    }
    let id = member(&cloud, "web").await;
    let wire = Wire::of(&cloud, &id);
    assert!(wire.is_open());
    let journal = MemoryJournal::new();
    let monkey = monkey(cloud.provider().await, journal.clone()).build().unwrap();
    let (own, target) = (monkey.clone(), id.clone());
    let clock = SystemClock::default();
    let begun = clock.now();
    let running = tokio::spawn(async move {
        let blackhole = NetworkBlackhole::everything().lasting(Duration::from_secs(300)).unwrap();
        own.inject(blackhole, &target).await
    });
    until("the fault holds", async || {
        let pending = journal.pending().await.unwrap().faults;
        pending.first().is_some_and(|fault| fault.state == FaultState::Active)
    })
    .await;
    assert!(!wire.is_open(), "everything else is dropped");
    assert_eq!(ping(&cloud, &id).await, "Online");
    monkey.halt("the test has seen enough").await.unwrap();
    let fault = running.await.unwrap().unwrap().faults.remove(0);
    assert_eq!((fault.state, &fault.failure), (FaultState::Recovered, &None), "{fault:?}");
    assert!(fault.achieved.get("dropped_packets").unwrap() > 0.0, "{fault:?}");
    assert!(wire.is_open());
    assert!(clock.now().duration_since(begun).as_secs() < 100, "long before its deadline");
}

/// The worst case: no process is left to recover, and none could reach the instance.
#[tokio::test(flavor = "multi_thread")]
async fn out_of_everybodys_reach_a_blackhole_ends_at_its_deadline() {
    let Some(cloud) = Cloud::with_web(1) else { return };
    if !cloud.has_namespaces() {
        return;
    }
    let id = member(&cloud, "web").await;
    let wire = Wire::of(&cloud, &id);
    let journal = MemoryJournal::new();
    let lasting = Duration::from_secs(20);
    let blackhole = NetworkBlackhole::everything().allow_nothing().lasting(lasting).unwrap();
    // In a runtime of its own, which ends with all its tasks.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let doomed = monkey(cloud.provider().await, journal.clone()).build().unwrap();
    let target = id.clone();
    runtime.spawn(async move { doomed.inject(blackhole, &target).await });
    until("nothing gets through", async || !wire.is_open()).await;
    let deadline = journal.pending().await.unwrap().faults[0].deadline;
    assert_eq!(ping(&cloud, &id).await, "ConnectionLost");
    runtime.shutdown_background();
    until("the last call is over", async || {
        cloud.forget_calls();
        SystemClock::default().sleep(Duration::from_millis(300)).await;
        cloud.calls().is_empty()
    })
    .await;
    assert!(!wire.is_open(), "it is still held");

    until("everything gets through", async || wire.is_open()).await;
    let late = SystemClock::default().now().duration_since(deadline);
    // It may be early by the time that the answer of the preflight took, and is never late.
    assert!((-10.0..2.0).contains(&late.as_secs_f64()), "{late:?} after the deadline");
    assert_eq!(cloud.calls(), [""; 0], "nobody has helped");
    // A replay of the journal finds nothing left to do.
    let heir = monkey(cloud.provider().await, journal.clone()).build().unwrap();
    let recovered = heir.take_over_pending().await.unwrap().faults;
    assert_eq!(recovered[0].state, FaultState::Recovered, "{recovered:?}");
    assert!(journal.pending().await.unwrap().faults.is_empty());
}
