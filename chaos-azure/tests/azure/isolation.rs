//! Isolation by network security groups: the machines that it cuts off, and its leftovers.

use std::{
    future::ready,
    net::Ipv4Addr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use azure_core::http::{AsyncRawResponse, Body, HttpClient, Method, Request, Url, new_http_client};
use chaos_core::{
    Error, ErrorKind, FaultId, MemoryJournal, Monkey, Provider, Registry, RunReport, TargetId,
    capability::{Change, Settings, Standing},
    fault::FaultState,
};
use chaos_testkit::{Connect, CutOff};
use fake_azure::{
    Direction, FakeArm, NETWORK_VERSION, NewAvailabilitySet, NewScaleSet, SecurityGroups, Trouble,
};
use serde_json::{Value, json};

use crate::cloud::{SUBSCRIPTION, count, machine, only_group, scale_sets, sets};

const STRANGER: Ipv4Addr = Ipv4Addr::new(20, 1, 2, 3);

fn world(groups: SecurityGroups) -> Arc<FakeArm> {
    let fake = FakeArm::start().unwrap();
    fake.add(NewAvailabilitySet::new("shop", "web").machines(3).security_groups(groups));
    Arc::new(fake)
}

fn web() -> TargetId {
    format!("azure-avset:{SUBSCRIPTION}/shop/web/web-0").parse().unwrap()
}

pub(crate) async fn isolate(
    provider: impl Provider,
    target: &TargetId,
    look: impl Fn() + Send + Sync + 'static,
) -> RunReport {
    isolate_within(Duration::from_secs(300), provider, target, look).await
}

/// As [`isolate`], and the recovery gives up after this time.
async fn isolate_within(
    budget: Duration,
    provider: impl Provider,
    target: &TargetId,
    look: impl Fn() + Send + Sync + 'static,
) -> RunReport {
    let monkey = Monkey::builder()
        .provider(provider)
        .recovery_budget(budget)
        .settle(Duration::from_millis(300))
        .unleash(MemoryJournal::new(), Registry::default().register::<Connect>())
        .build()
        .unwrap();
    let event = CutOff::looking(move || {
        look();
        ready(())
    });
    monkey.inject(event, target).await.unwrap()
}

/// Whether new connections to or from a machine are possible.
fn is_reached(fake: &FakeArm, machine: &str) -> bool {
    // From within its network to it, and from it to anywhere. Without rules, every machine of the fake may do both.
    let neighbour = Ipv4Addr::new(10, 9, 9, 9);
    let into = fake.lets_through(machine, Direction::Inbound, neighbour, 80).unwrap();
    let out = fake.lets_through(machine, Direction::Outbound, STRANGER, 443).unwrap();
    assert_eq!(into, out, "{machine} is cut off in one direction");
    into
}

/// The requests that have changed something.
fn changes(fake: &FakeArm) -> Vec<String> {
    let requests = fake.requests();
    let changing = requests.iter().filter(|request| request.method != "GET");
    changing
        .map(|request| format!("{} {}", request.method, request.path.rsplit('/').next().unwrap()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_groups_there_are_the_machine_alone_is_cut_off_and_nothing_is_left() {
    for groups in
        [SecurityGroups::PerMachine, SecurityGroups::Shared, SecurityGroups::None, SecurityGroups::Subnet]
    {
        let fake = world(groups);
        let (one, other) = (machine("web-0"), machine("web-1"));
        let group_before = fake.security_group(&one);
        assert!(is_reached(&fake, &one) && is_reached(&fake, &other), "{groups:?}");
        let looked = Arc::new(Mutex::new(None));
        let provider = sets(&fake).build().unwrap();
        let report = isolate(provider.clone(), &web(), {
            let (fake, looked) = (Arc::clone(&fake), Arc::clone(&looked));
            move || {
                let reached = (is_reached(&fake, &machine("web-0")), is_reached(&fake, &machine("web-1")));
                *looked.lock().unwrap() = Some(reached);
            }
        })
        .await;
        assert!(report.is_recovered() && report.faults[0].failure.is_none(), "{groups:?}: {report:?}");
        assert_eq!(*looked.lock().unwrap(), Some((false, true)), "{groups:?}");
        assert!(is_reached(&fake, &one) && is_reached(&fake, &other), "{groups:?}");
        assert_eq!(fake.security_group(&one), group_before, "{groups:?}");
        let fault = report.faults[0].id;
        let expected = match groups {
            SecurityGroups::None | SecurityGroups::Subnet => vec![
                format!("PUT chaos-isolation-{fault}"),
                "PUT web-0-nic".to_owned(),
                "PUT web-0-nic".to_owned(),
                format!("DELETE chaos-isolation-{fault}"),
            ],
            _ => ["PUT", "DELETE"]
                .iter()
                .flat_map(|method| {
                    ["-in", "-out"].map(|way| format!("{method} chaos-isolation-{fault}{way}"))
                })
                .collect(),
        };
        let changes = changes(&fake);
        let told: Vec<_> = changes.iter().filter(|change| !change.ends_with("-v6")).collect();
        assert_eq!(told, expected.iter().collect::<Vec<_>>(), "{groups:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_cut_off_in_the_group_of_its_scale_set() {
    let fake = Arc::new(FakeArm::start().unwrap());
    fake.add(NewScaleSet::new("shop", "api").capacity(2).security_groups(SecurityGroups::Shared));
    let provider = scale_sets(&fake).build().unwrap();
    let target = only_group(&provider).await.members[0].target.id().clone();
    let instance = |number: u32| {
        format!(
            "/subscriptions/{SUBSCRIPTION}/resourceGroups/shop/providers/Microsoft.Compute/virtualMachineScaleSets/api/\
             virtualMachines/{number}"
        )
    };
    let looked = Arc::new(Mutex::new(None));
    let report = isolate(provider, &target, {
        let (fake, looked) = (Arc::clone(&fake), Arc::clone(&looked));
        move || {
            *looked.lock().unwrap() =
                Some((is_reached(&fake, &instance(0)), is_reached(&fake, &instance(1))));
        }
    })
    .await;
    assert!(report.is_recovered() && report.faults[0].failure.is_none(), "{report:?}");
    assert_eq!(*looked.lock().unwrap(), Some((false, true)));
    assert!(is_reached(&fake, &instance(0)));

    let fake = Arc::new(FakeArm::start().unwrap());
    fake.add(NewScaleSet::new("shop", "api").capacity(2).security_groups(SecurityGroups::None));
    let provider = scale_sets(&fake).build().unwrap();
    let settings = only_group(&provider).await.members[0].target.capabilities().settings.unwrap();
    let error = settings.snapshot(&Change::Isolate).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(error.to_string().contains("scale set"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_anywhere_leaves_nothing_behind() {
    for groups in [SecurityGroups::Shared, SecurityGroups::None] {
        for (method, path) in [
            ("PUT", "*/securityRules/*"),
            ("PUT", "*/networkSecurityGroups/chaos-isolation-*"),
            ("PUT", "*/networkInterfaces/*"),
            ("DELETE", "*/securityRules/*"),
            ("DELETE", "*/networkSecurityGroups/chaos-isolation-*"),
        ] {
            for nth in [1, 2] {
                for trouble in [Trouble::cut_after(), Trouble::cut_before()] {
                    let fake = world(groups);
                    let before = fake.security_group(&machine("web-0"));
                    fake.trouble(trouble.on(method, path).nth(nth));
                    let provider = sets(&fake).build().unwrap();
                    let report = isolate(provider, &web(), || ()).await;
                    let what = format!("{groups:?} {method} {path} {nth}: {report:?}");
                    assert!(report.is_recovered() && report.faults.len() == 1, "{what}");
                    assert!(is_reached(&fake, &machine("web-0")), "{what}");
                    assert_eq!(fake.security_group(&machine("web-0")), before, "{what}");
                    assert_eq!(left_behind(&fake).await, [""; 0], "{what}");
                }
            }
        }
    }
}

/// The names of the groups and rules of faults that still exist.
pub(crate) async fn left_behind(fake: &FakeArm) -> Vec<String> {
    let group = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/shop/providers/Microsoft.Network/networkSecurityGroups"
    );
    let mut names: Vec<String> = fake.security_rules(&format!("{group}/web-nsg")).unwrap_or_default();
    let groups = get(fake, &group).await;
    let groups = groups["value"].as_array().unwrap().iter();
    names.extend(groups.map(|group| group["name"].as_str().unwrap().to_owned()));
    names.retain(|name| name.starts_with("chaos-"));
    names
}

pub(crate) async fn get(fake: &FakeArm, path: &str) -> Value {
    get_version(fake, path, NETWORK_VERSION).await
}

pub(crate) async fn get_version(fake: &FakeArm, path: &str, version: &str) -> Value {
    request(fake, Method::Get, path, version, None).await
}

pub(crate) async fn post_version(fake: &FakeArm, path: &str, version: &str) {
    request(fake, Method::Post, path, version, None).await;
}

pub(crate) async fn put(fake: &FakeArm, path: &str, body: Value) -> Value {
    request(fake, Method::Put, path, NETWORK_VERSION, Some(body)).await
}

/// Sends a request as somebody else would.
async fn request(fake: &FakeArm, method: Method, path: &str, version: &str, body: Option<Value>) -> Value {
    let url = Url::parse(&format!("{}{path}?api-version={version}", fake.endpoint())).unwrap();
    let mut request = Request::new(url, method);
    request.insert_header("authorization", format!("Bearer {}", FakeArm::TOKEN));
    if let Some(body) = body {
        request.insert_header("content-type", "application/json");
        request.set_body(body.to_string());
    }
    let answer = new_http_client(None).execute_request(&request).await.unwrap();
    let answer = answer.try_into_raw_response().await.unwrap();
    assert!(answer.status().is_success(), "{answer:?}");
    serde_json::from_slice(answer.body().as_ref()).unwrap_or_default()
}

async fn settings(fake: &FakeArm) -> Arc<dyn Settings> {
    let group = only_group(&sets(fake).build().unwrap()).await;
    group.member(&web()).unwrap().target.capabilities().settings.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_allows_something_first_keeps_a_machine_from_being_cut_off() {
    let fake = world(SecurityGroups::Shared);
    let rule = |name: &str| {
        format!(
            "/subscriptions/{SUBSCRIPTION}/resourceGroups/shop/providers/Microsoft.Network/\
             networkSecurityGroups/web-nsg/securityRules/{name}"
        )
    };
    let body = |priority: u32, access: &str| {
        json!({ "properties": {
            "priority": priority, "direction": "Inbound", "access": access, "protocol": "*", "sourcePortRange": "*",
            "destinationPortRange": "22", "sourceAddressPrefix": "*", "destinationAddressPrefix": "*",
        } })
    };
    put(&fake, &rule("no-telnet"), body(100, "Deny")).await;
    fake.configure(|_| ());
    let settled = || async { settings(&fake).await.snapshot(&Change::Isolate).await };
    let mut snapshot = settled().await;
    while snapshot.is_err() {
        snapshot = settled().await;
    }
    let report = isolate(sets(&fake).build().unwrap(), &web(), || ()).await;
    assert!(
        report.is_recovered() && report.faults[0].failure.is_none(),
        "a rule that denies is no obstacle: {report:?}"
    );

    put(&fake, &rule("no-telnet"), body(100, "Allow")).await;
    let error = settings(&fake).await.snapshot(&Change::Isolate).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("rule=\"no-telnet\"") && error.to_string().contains("101"), "{error}");
    let before = count(&fake, "PUT", "-in");
    let report = isolate(sets(&fake).build().unwrap(), &web(), || ()).await;
    assert!(report.faults.is_empty(), "{report:?}");
    assert_eq!(count(&fake, "PUT", "-in"), before);
}

/// Changes an interface as somebody else would, between the look at it and the order to take it out of a group.
#[derive(Debug)]
struct Meddler {
    fake: Arc<FakeArm>,
    has_meddled: AtomicBool,
    inner: Arc<dyn HttpClient>,
}

#[async_trait]
impl HttpClient for Meddler {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let is_order = request.method() == Method::Put && request.url().path().ends_with("/web-0-nic");
        let Body::Bytes(body) = request.body() else { panic!("a stream") };
        let takes_out = is_order && !String::from_utf8_lossy(body).contains("networkSecurityGroup");
        if takes_out && !self.has_meddled.swap(true, Ordering::SeqCst) {
            let mut document = get(&self.fake, &nic()).await;
            document["tags"]["owner"] = json!("somebody");
            document["properties"]["enableIPForwarding"] = json!(true);
            put(&self.fake, &nic(), document).await;
            while get(&self.fake, &nic()).await["properties"]["provisioningState"] != "Succeeded" {}
        }
        self.inner.execute_request(request).await
    }
}

fn nic() -> String {
    format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/shop/providers/Microsoft.Network/networkInterfaces/web-0-nic"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_changes_meanwhile_stays() {
    let fake = world(SecurityGroups::None);
    let (fake_too, inner) = (Arc::clone(&fake), new_http_client(None));
    let meddler = Arc::new(Meddler { fake: fake_too, has_meddled: AtomicBool::new(false), inner });
    let provider = sets(&fake).http_client(Arc::clone(&meddler) as Arc<_>).build().unwrap();
    let report = isolate(provider, &web(), || ()).await;
    assert!(report.is_recovered() && report.faults[0].failure.is_none(), "{report:?}");
    assert!(meddler.has_meddled.load(Ordering::SeqCst));
    let document = get(&fake, &nic()).await;
    assert_eq!(document["tags"]["owner"], "somebody");
    assert_eq!(document["properties"]["enableIPForwarding"], true);
    assert_eq!(fake.security_group(&machine("web-0")), None);
    assert_eq!(left_behind(&fake).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_is_not_done_proves_nothing_whatever_its_document_shows() {
    let fault: FaultId = "00000000000000ff".parse().unwrap();
    for (trouble, state) in [
        (Trouble::hang_operation(), "Updating"),
        (Trouble::fail_operation("InternalServerError", "not today"), "Failed"),
    ] {
        let fake = world(SecurityGroups::Shared);
        let settings = settings(&fake).await;
        let before = settings.snapshot(&Change::Isolate).await.unwrap();
        assert_eq!(settings.standing(&before, fault).await.unwrap(), Standing::AsBefore);

        // Everything is written back unchanged.
        fake.trouble(trouble.on("PUT", "*/networkInterfaces/*"));
        let document = get(&fake, &nic()).await;
        put(&fake, &nic(), document).await;
        while get(&fake, &nic()).await["properties"]["provisioningState"] != state {}
        let standing = settings.standing(&before, fault).await.unwrap();
        let snapshot = settings.snapshot(&Change::Isolate).await;
        if state == "Updating" {
            assert_eq!(standing, Standing::UnderWay);
        } else {
            assert!(matches!(&standing, Standing::Partly(why) if why.contains("web-0-nic")), "{standing:?}");
            assert_eq!(snapshot.unwrap_err().kind(), ErrorKind::Conflict, "its end could not be told");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_faults_on_one_machine_do_not_mix() {
    let fake = world(SecurityGroups::Shared);
    let provider = sets(&fake).build().unwrap();
    let seen = Arc::new(Mutex::new(None));
    let runtime = tokio::runtime::Handle::current();
    let report = isolate(provider.clone(), &web(), {
        let (fake, seen) = (Arc::clone(&fake), Arc::clone(&seen));
        move || {
            let looked: Result<_, Error> = tokio::task::block_in_place(|| {
                runtime.block_on(async { settings(&fake).await.snapshot(&Change::Isolate).await })
            });
            *seen.lock().unwrap() = Some(looked.unwrap_err().to_string());
        }
    })
    .await;
    assert!(report.is_recovered(), "{report:?}");
    let seen = seen.lock().unwrap().clone().unwrap();
    assert!(seen.contains("already isolated"), "{seen}");
}

/// A lock that forbids deleting anything in the resource group, and allows writing.
fn locked() -> Trouble {
    let what = "The scope cannot perform delete operation because following scope(s) are locked.";
    Trouble::error(409, "ScopeLocked", what).on("DELETE", "*").times(u32::MAX)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_forbids_to_delete_does_not_keep_a_machine_cut_off() {
    for groups in [SecurityGroups::Shared, SecurityGroups::None] {
        let fake = world(groups);
        let before = fake.security_rules(&nsg("web-nsg"));
        fake.trouble(locked());
        let report = isolate(sets(&fake).build().unwrap(), &web(), || ()).await;
        assert!(report.is_recovered() && report.faults[0].failure.is_none(), "{groups:?}: {report:?}");
        assert!(is_reached(&fake, &machine("web-0")), "{groups:?}");
        let left = left_behind(&fake).await;
        if groups == SecurityGroups::Shared {
            assert_eq!(left, [""; 0]);
            assert_eq!(fake.security_rules(&nsg("web-nsg")), before);
        } else {
            let own = format!("chaos-isolation-{}", report.faults[0].id);
            assert_eq!(left, [own.as_str()], "it cannot be removed");
            assert_eq!(fake.security_rules(&nsg(&own)).unwrap(), [""; 0]);
        }
    }
}

fn nsg(name: &str) -> String {
    format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/shop/providers/Microsoft.Network/networkSecurityGroups/{name}"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_of_an_isolation_whose_machine_is_deleted() {
    for groups in [SecurityGroups::Shared, SecurityGroups::None] {
        let fake = world(groups);
        let interface_before = get(&fake, &nic()).await["properties"]["networkSecurityGroup"].clone();
        let report = isolate(sets(&fake).build().unwrap(), &web(), {
            let fake = Arc::clone(&fake);
            move || {
                let before = fake.security_rules(&nsg("web-nsg")).unwrap_or_default().len();
                assert!(groups == SecurityGroups::None || before >= 2, "{before}");
                fake.delete_machine_alone(&machine("web-0"));
            }
        })
        .await;
        let fault = &report.faults[0];
        assert!(report.is_recovered() && fault.failure.is_none(), "{groups:?}: {report:?}");
        assert!(fault.note.as_ref().unwrap().contains("nothing is left"), "{fault:?}");
        assert_eq!(left_behind(&fake).await, [""; 0], "{groups:?}");
        let interface = get(&fake, &nic()).await;
        assert_eq!(interface["properties"]["networkSecurityGroup"], interface_before, "{groups:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_where_a_machine_is_connected_no_more_is_no_success() {
    let fake = world(SecurityGroups::Shared);
    fake.trouble(Trouble::forbid().on("DELETE", "*/securityRules/*").times(u32::MAX));
    let runtime = tokio::runtime::Handle::current();
    let provider = sets(&fake).build().unwrap();
    let moved = {
        let fake = Arc::clone(&fake);
        move || {
            tokio::task::block_in_place(|| {
                runtime.block_on(async {
                    let mut document = get(&fake, &nic()).await;
                    document["properties"].as_object_mut().unwrap().remove("networkSecurityGroup");
                    put(&fake, &nic(), document).await;
                    while get(&fake, &nic()).await["properties"]["provisioningState"] != "Succeeded" {}
                });
            });
        }
    };
    let report = isolate_within(Duration::from_secs(4), provider, &web(), moved).await;
    assert_eq!(report.faults[0].state, FaultState::RecoveryFailed, "{report:?}");
    let failure = report.faults[0].failure.as_ref().unwrap();
    assert!(failure.to_string().contains("access denied"), "{failure}");
    assert!(!left_behind(&fake).await.is_empty());
}
