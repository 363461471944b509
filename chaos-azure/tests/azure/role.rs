//! The role of `docs/azure-role.json` allows the operations of the library, and nothing else.

use std::{collections::BTreeSet, fs, path::Path, sync::Arc, time::Duration};

use chaos_core::{ErrorKind, MemoryJournal, Monkey, TargetId};
use chaos_events::Stop;
use fake_azure::{FakeArm, Role};
use serde_json::{Value, json};

use crate::{
    cloud::{SUBSCRIPTION, list, sets},
    isolation::{get, isolate, put},
    sweep::{sweep, world},
};

/// The actions on linked resources that a change of an interface needs, which no request shows.
const LINKED: [&str; 7] = [
    "Microsoft.Network/applicationGateways/backendAddressPools/join/action",
    "Microsoft.Network/applicationSecurityGroups/joinIpConfiguration/action",
    "Microsoft.Network/loadBalancers/backendAddressPools/join/action",
    "Microsoft.Network/loadBalancers/inboundNatRules/join/action",
    "Microsoft.Network/networkSecurityGroups/join/action",
    "Microsoft.Network/publicIPAddresses/join/action",
    "Microsoft.Network/virtualNetworks/subnets/join/action",
];

fn definition() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/azure-role.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn role() -> Role {
    Role::from_definition(&definition()).unwrap()
}

/// A machine whose interface is in every kind of resource that an interface can be in, except a security group.
async fn world_with_links() -> Arc<FakeArm> {
    let fake = world();
    let group = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/shop/providers/Microsoft.Network");
    let interface = format!("{group}/networkInterfaces/bare-0-nic");
    let mut document = get(&fake, &interface).await;
    let one = |path: &str| json!({ "id": format!("{group}/{path}") });
    let configuration = &mut document["properties"]["ipConfigurations"][0]["properties"];
    configuration["publicIPAddress"] = one("publicIPAddresses/a");
    configuration["loadBalancerBackendAddressPools"] = json!([one("loadBalancers/a/backendAddressPools/b")]);
    configuration["loadBalancerInboundNatRules"] = json!([one("loadBalancers/a/inboundNatRules/b")]);
    configuration["applicationGatewayBackendAddressPools"] =
        json!([one("applicationGateways/a/backendAddressPools/b")]);
    configuration["applicationSecurityGroups"] = json!([one("applicationSecurityGroups/a")]);
    put(&fake, &interface, document).await;
    // Until it is changed.
    while get(&fake, &interface).await["properties"]["provisioningState"] != "Succeeded" {}
    fake.forget_requests();
    fake
}

fn bare() -> TargetId {
    format!("azure-avset:{SUBSCRIPTION}/shop/bare/bare-0").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_role_allows_all_that_is_done_and_nothing_else() {
    let fake = world_with_links().await;
    fake.assign(role());
    sweep(&fake).await;
    let refused = fake.requests().into_iter().filter(|request| request.status == Some(403));
    assert_eq!(refused.map(|request| request.path).collect::<Vec<_>>(), [""; 0]);

    let lower = |action: &str| action.to_lowercase();
    let used = fake.requests().into_iter().filter_map(|request| request.action);
    let used: BTreeSet<String> = used.map(|action| lower(&action)).chain(LINKED.map(lower)).collect();
    let held: BTreeSet<String> = role().actions.iter().map(|action| lower(action)).collect();
    let (lacks, unused): (Vec<_>, Vec<_>) =
        (used.difference(&held).collect(), held.difference(&used).collect());
    assert!(lacks.is_empty(), "the role lacks {lacks:?}, which the library does");
    assert!(unused.is_empty(), "the role holds {unused:?}, which the library never does");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_the_actions_that_no_request_tells_is_needed() {
    for action in LINKED {
        let fake = world_with_links().await;
        fake.assign(role().without(action));
        let report = isolate(sets(&fake).build().unwrap(), &bare(), || ()).await;
        // It is part of the recovery, so its absence is noticed before anything is done.
        assert!(report.faults.is_empty(), "{action}: {report:?}");
        let told = format!("{:?}", report.skipped);
        assert!(told.contains("kind: Denied") && told.contains(action), "{told}");
        assert!(fake.security_group(&crate::cloud::machine("bare-0")).is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_that_is_missing_is_named_and_nothing_is_changed() {
    let fake = world();
    let action = "Microsoft.Compute/virtualMachines/powerOff/action";
    fake.assign(role().without(action));
    let provider = sets(&fake).build().unwrap();
    let target = list(&provider).await.unwrap()[0].members[0].target.id().clone();
    let monkey = Monkey::builder()
        .provider(provider)
        .unleash(MemoryJournal::new(), chaos_events::registry())
        .build()
        .unwrap();
    let report = monkey.inject(Stop::lasting(Duration::from_secs(30)).unwrap(), &target).await.unwrap();
    assert!(report.is_recovered(), "{report:?}");
    let failure = report.faults[0].failure.clone().unwrap();
    assert_eq!(failure.kind, ErrorKind::Denied);
    assert!(failure.message.contains(&format!("missing={action:?}")), "{failure}");
    assert!(failure.message.contains("scope=\"/subscriptions/"), "{failure}");
}

#[test]
fn the_definition_is_one_that_azure_takes() {
    let definition = definition();
    let texts = |field: &str| -> Vec<String> { serde_json::from_value(definition[field].clone()).unwrap() };
    assert!(definition["Name"].is_string() && definition["IsCustom"] == true);
    assert_eq!((texts("NotActions"), texts("DataActions"), texts("NotDataActions")), Default::default());
    assert!(texts("AssignableScopes").iter().all(|scope| scope.starts_with("/subscriptions/")));
    let actions = texts("Actions");
    let mut sorted = actions.clone();
    sorted.sort_by_key(|action| action.to_lowercase());
    sorted.dedup();
    assert_eq!(actions, sorted, "in order, each once");
    assert!(actions.iter().all(|action| !action.contains('*')), "no wildcard: {actions:?}");
}

#[test]
fn the_readme_justifies_each_action_and_no_other() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let rows = readme.lines().filter_map(|line| line.strip_prefix("| `Microsoft.")?.split_once('`'));
    let justified: BTreeSet<String> = rows.map(|(action, _)| format!("Microsoft.{action}")).collect();
    assert_eq!(justified, role().actions.into_iter().collect());
}
