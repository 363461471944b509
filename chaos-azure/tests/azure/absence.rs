//! The absence of a field in an answer is never a value.

use std::sync::{Arc, Mutex};

use azure_core::http::HttpClient;
use chaos_azure::{AvailabilitySets, ScaleSets};
use chaos_core::{
    BlastRadius, Capability, CapabilitySet, Health, Monkey, Provider, Quota, TargetId,
    capability::{SettingsSnapshot, Undo},
    plan::Plan,
};
use chaos_events::Reboot;
use fake_azure::{FakeArm, NewAvailabilitySet, NewScaleSet, PowerState, SecurityGroups};
use serde_json::{Value, json};

use crate::{
    cloud::{SUBSCRIPTION, list, machine, scale_sets, sets},
    rewriting::{Impatient, Reply, Rewriting},
    studio::{drill, shutdown},
};

/// A set with one machine that has opted out, and scale sets of both orchestrations.
fn world() -> FakeArm {
    let fake = FakeArm::start().unwrap();
    fake.add(NewAvailabilitySet::new("shop", "web").machines(2).security_groups(SecurityGroups::Shared));
    fake.set_tag(&machine("web-0"), "chaos:enabled", Some("false"));
    fake.add(NewScaleSet::new("shop", "api").capacity(2).held_at(2).tag("chaos:enabled", "false"));
    fake.add(NewScaleSet::new("shop", "flex").capacity(2).flexible());
    fake.add(shutdown("PT5M", &[machine("web-1")]));
    fake
}

/// Changes each answer to a GET at a path with this end, in lower case, and keeps the length of the longest in bytes.
fn at(
    end: &'static str,
    change: impl Fn(&mut Reply) + Send + Sync + 'static,
) -> (Arc<dyn HttpClient>, Arc<Mutex<usize>>) {
    let longest = Arc::new(Mutex::new(0));
    let seen = Arc::clone(&longest);
    let http = Rewriting::by(move |request, reply| {
        if request.url().path().to_lowercase().ends_with(end) {
            let mut longest = seen.lock().unwrap();
            *longest = reply.body.len().max(*longest);
            drop(longest);
            change(reply);
        }
    });
    (http, longest)
}

fn over(fake: &FakeArm, http: Arc<dyn HttpClient>) -> (AvailabilitySets, ScaleSets) {
    let sets = sets(fake).http_client(Arc::clone(&http)).clock(Impatient::clock()).build().unwrap();
    (sets, scale_sets(fake).http_client(http).clock(Impatient::clock()).build().unwrap())
}

async fn plan(provider: impl Provider) -> Plan {
    let everybody =
        BlastRadius::default().targets_per_group(Quota::ALL).targets_per_run(Quota::ALL).min_healthy(0);
    let monkey =
        Monkey::builder().provider(provider).event(Reboot::default()).blast_radius(everybody.max_active(99));
    monkey.build().unwrap().plan().await.unwrap()
}

fn id(text: &str) -> TargetId {
    text.replace("SUB", SUBSCRIPTION).parse().unwrap()
}

/// A request, by the end of its path, and the look that a cut answer to it must turn into an error.
#[derive(Clone, Copy, Debug)]
enum Asked {
    Sets,
    ScaleSets,
    Set,
    Machine,
    Instance,
    Isolation,
    Undo,
    Experiment,
}

const QUESTIONS: [(&str, Asked); 16] = [
    ("/availabilitysets", Asked::Sets),
    ("/providers/microsoft.compute/virtualmachines", Asked::Sets),
    ("/virtualmachinescalesets", Asked::ScaleSets),
    ("/api/virtualmachines", Asked::ScaleSets),
    ("/providers/microsoft.compute/virtualmachines", Asked::ScaleSets),
    ("/autoscalesettings", Asked::ScaleSets),
    ("/availabilitysets/web", Asked::Set),
    ("/virtualmachines/web-1", Asked::Set),
    ("/virtualmachines/web-1", Asked::Machine),
    ("/api/virtualmachines/0", Asked::Instance),
    ("/networkinterfaces/web-1-nic", Asked::Isolation),
    ("/networksecuritygroups/web-nsg", Asked::Isolation),
    ("/permissions", Asked::Undo),
    ("/networkinterfaces/web-1-nic", Asked::Undo),
    ("/experiments/drill", Asked::Experiment),
    ("/experiments/drill/executions", Asked::Experiment),
];

/// Whether the look succeeds.
async fn is_answered(asked: Asked, sets: &AvailabilitySets, scale_sets: &ScaleSets) -> bool {
    let web = id("azure-avset:SUB/shop/web/web-1");
    match asked {
        Asked::Sets => list(sets).await.is_ok(),
        Asked::ScaleSets => list(scale_sets).await.is_ok(),
        Asked::Set => sets.group(&web.group()).await.is_ok(),
        Asked::Machine => sets.resolve(&web).await.is_ok(),
        Asked::Instance => scale_sets.resolve(&id("azure-vmss:SUB/shop/api/0")).await.is_ok(),
        Asked::Isolation => {
            let settings = sets.remains(&web).await.unwrap().settings().unwrap().unwrap();
            let group = format!(
                "/subscriptions/{SUBSCRIPTION}/resourceGroups/shop/providers/Microsoft.Network/\
                 networkSecurityGroups/web-nsg"
            );
            let nic = machine("web-1-nic").replace("Compute/virtualMachines", "Network/networkInterfaces");
            let held = json!({ "interfaces": [{ "interface": nic, "security_group": group }] });
            let before = SettingsSnapshot::of(&held).unwrap();
            settings.standing(&before, "00000000000000ff".parse().unwrap()).await.is_ok()
        }
        Asked::Undo => match sets.resolve(&web).await {
            Ok(found) => {
                let undo = Undo::new(CapabilitySet::of([Capability::Isolation]), Default::default());
                found.unwrap().may_undo(&undo).await.is_ok()
            }
            Err(_) => false,
        },
        Asked::Experiment => {
            let experiment = format!("azure-chaos:{}", drill()).parse().unwrap();
            let engine = sets.remains(&web).await.unwrap().engine().unwrap().unwrap();
            engine.look_up(&experiment).await.is_ok()
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_cut_anywhere_is_no_answer() {
    let fake = world();
    let mut places = 0;
    for (end, asked) in QUESTIONS {
        let (http, longest) = at(end, |_| {});
        let (whole, scaled) = over(&fake, http);
        assert!(is_answered(asked, &whole, &scaled).await, "{asked:?} {end}");
        let longest = *longest.lock().unwrap();
        assert!(longest > 0, "{asked:?} never asks at {end}");
        for left in (0..longest).step_by(64) {
            let (http, _) = at(end, move |reply| reply.body.truncate(left));
            let (sets, scale_sets) = over(&fake, http);
            assert!(!is_answered(asked, &sets, &scale_sets).await, "{asked:?} {end} cut after {left} bytes");
            places += 1;
        }
    }
    assert!(places > 200, "{places}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_chosen_by_an_answer_that_was_cut() {
    let fake = world();
    for end in
        ["/availabilitysets", "/providers/microsoft.compute/virtualmachines", "/virtualmachinescalesets"]
    {
        for left in (0..4_000).step_by(640) {
            let (http, _) =
                at(end, move |reply| reply.body.truncate(reply.body.len().saturating_sub(1).min(left)));
            let (sets, scale_sets) = over(&fake, http);
            let plans = [plan(sets).await, plan(scale_sets).await];
            for plan in plans {
                let is_certain = plan.doubts.is_empty();
                let refused = ["azure-avset:SUB/shop/web/web-0", "azure-vmss:SUB/shop/api/0"].map(id);
                assert!(plan.chosen().all(|(target, _)| !refused.contains(target)), "{end} {left}: {plan}");
                assert!(is_certain || plan.chosen().count() == 0, "{end} {left}: {plan}");
            }
        }
    }
}

/// Replaced answers, and the errors that they cause.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_document_asks_for_a_proxy_or_a_login_page() {
    let fake = world();
    for (status, body) in [(200, ""), (200, "<html>log in</html>"), (404, "<html>lost</html>"), (403, "no")] {
        for (end, asked) in QUESTIONS {
            let (http, _) = at(end, move |reply| reply.text(status, "text/html", body));
            let (sets, scale_sets) = over(&fake, http);
            assert!(!is_answered(asked, &sets, &scale_sets).await, "{asked:?} {end} {status} {body}");
        }
        let (http, _) = at("/virtualmachines/web-1", move |reply| reply.text(status, "text/html", body));
        let error = over(&fake, http).0.resolve(&id("azure-avset:SUB/shop/web/web-1")).await.unwrap_err();
        assert!(
            error.chain().contains("is there a proxy or a login page in between?"),
            "{status} {body}: {}",
            error.chain()
        );
    }
}

fn entry(document: &mut Value) -> &mut Value {
    match document.get("value") {
        Some(_) => &mut document["value"][0],
        None => document,
    }
}

fn remove(document: &mut Value, pointer: &str) {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    if let Some(parent) = entry(document).pointer_mut(parent).and_then(Value::as_object_mut) {
        parent.remove(name);
    }
}

/// A set whose answers lack a field is in doubt, and no other is. A recovery concludes nothing from such answers.
#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_decides_and_is_missing_is_a_doubt_about_one_set() {
    let fake = world();
    for (end, pointer) in [
        ("/virtualmachinescalesets", "/properties"),
        ("/virtualmachinescalesets", "/sku/capacity"),
        ("/virtualmachinescalesets", "/properties/provisioningState"),
        ("/api/virtualmachines", "/properties/vmId"),
        ("/api/virtualmachines", "/properties/provisioningState"),
        ("/api/virtualmachines", "/properties/instanceView"),
        ("/api/virtualmachines", "/properties/instanceView/statuses"),
    ] {
        let (http, _) = at(end, move |reply| reply.change(|document| remove(document, pointer)));
        let groups = list(&over(&fake, http).1).await.unwrap();
        let (api, flex) = (&groups[0], &groups[1]);
        assert!(api.members[0].excluded.is_some(), "{end} {pointer}: {api:?}");
        assert!(flex.members.iter().all(|member| member.excluded.is_none()), "{end} {pointer}: {flex:?}");
        let by_itself = if end == "/virtualmachinescalesets" { "/virtualmachinescalesets/api" } else { end };
        let (http, _) = at(by_itself, move |reply| reply.change(|document| remove(document, pointer)));
        let found = over(&fake, http).1.group(&api.id).await;
        let is_sound = found.is_ok_and(|group| group.healthy() == 2);
        assert!(!is_sound, "{by_itself} {pointer}");
    }
    for (change, words) in [
        (json!("none"), "its tags cannot be read"),
        (json!({ "chaos:enabled": false }), "its tag \"chaos:enabled\" cannot be read"),
    ] {
        let told = change.clone();
        let (http, _) = at("/availabilitysets", move |reply| {
            reply.change(|document| entry(document)["tags"] = told.clone());
        });
        let groups = list(&over(&fake, http).0).await.unwrap();
        assert!(groups[0].members[0].excluded.as_deref().unwrap().contains(words), "{groups:?}");
        let (http, _) = at("/providers/microsoft.compute/virtualmachines", move |reply| {
            reply.change(|document| {
                let machines = document["value"].as_array_mut().unwrap().iter_mut();
                machines.for_each(|machine| machine["tags"] = change.clone());
            });
        });
        let groups = list(&over(&fake, http).0).await.unwrap();
        assert!(
            groups[0]
                .members
                .iter()
                .any(|member| { member.excluded.as_deref().is_some_and(|why| why.contains(words)) })
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_of_which_not_all_is_told_is_neither_well_nor_gone() {
    let fake = world();
    let web = id("azure-avset:SUB/shop/web/web-1");
    for pointer in [
        "/properties",
        "/properties/vmId",
        "/properties/provisioningState",
        "/properties/instanceView",
        "/properties/instanceView/statuses",
    ] {
        let (http, _) =
            at("/virtualmachines/web-1", move |reply| reply.change(|document| remove(document, pointer)));
        let health = match over(&fake, http).0.resolve(&web).await {
            Ok(found) => found.expect("it is there").health().await.unwrap_or(Health::Unknown),
            Err(_) => Health::Unknown,
        };
        assert_eq!(health, Health::Unknown, "{pointer}");
    }
}

/// Azure accepts letters that consist of two characters in names; this crate does not.
#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_cannot_be_read_is_a_doubt_about_that_set_alone() {
    let fake = world();
    fake.add(NewAvailabilitySet::new("gru\u{308}n", "odd").machines(2));
    fake.add(NewScaleSet::new("gru\u{308}n", "odder").capacity(1));
    fake.add(NewScaleSet::new("gru\u{308}n", "oddest").capacity(1).flexible());
    let (sets, scale_sets) = (sets(&fake).build().unwrap(), scale_sets(&fake).build().unwrap());
    let groups = list(&sets).await.unwrap();
    assert_eq!(groups.len(), 2, "{groups:?}");
    let odd = groups.iter().find(|group| group.id.path().ends_with("/odd")).unwrap();
    let why = odd.members[0].excluded.as_deref().unwrap();
    assert!(odd.members.len() == 1 && why.contains("which this program cannot read"), "{why}");
    let plan = plan(sets).await;
    assert_eq!(plan.chosen().map(|(target, _)| target.name()).collect::<Vec<_>>(), ["web-1"], "{plan}");
    assert!(plan.groups.iter().any(|group| group.id.path().ends_with("/odd")), "{plan}");
    let names: Vec<_> = list(&scale_sets).await.unwrap();
    assert_eq!(names.len(), 4, "{names:?}");
    assert_eq!(fake.power_state(&machine("web-1")), Some(PowerState::Running));
}
