use std::time::Duration;

use chaos_core::clock::{Clock, SystemClock};
use fake_azure::{FakeArm, NewScaleSet, Pace, PowerState};
use serde_json::{Value, json};

use crate::client::{get, post, scale_set, send};

fn start(set: NewScaleSet) -> (FakeArm, String) {
    let fake = FakeArm::start().unwrap();
    fake.configure(|settings| {
        settings.pace = Pace::Milliseconds(0);
        settings.repair_milliseconds = 50;
    });
    fake.add(set);
    (fake, scale_set("shop", "api"))
}

async fn until(what: impl Fn() -> bool) {
    for _ in 0..1000 {
        if what() {
            return;
        }
        SystemClock::default().sleep(Duration::from_millis(10)).await;
    }
    panic!("the awaited state does not come");
}

fn instances(fake: &FakeArm, set: &str) -> Vec<String> {
    let reply = get(fake, &format!("{set}/virtualMachines"));
    reply.names().into_iter().map(str::to_owned).collect()
}

fn delete(fake: &FakeArm, instance: &str) {
    assert_eq!(send(fake, "DELETE", instance, &[], None).unwrap().status, 202);
}

#[tokio::test]
async fn a_scale_set_replaces_nothing_by_itself() {
    let (fake, api) = start(NewScaleSet::new("shop", "api").capacity(3));
    delete(&fake, &format!("{api}/virtualMachines/1"));
    assert_eq!(instances(&fake, &api), ["api_0", "api_2"]);
    assert_eq!(get(&fake, &api).body["sku"]["capacity"], 2, "the deletion lowers the capacity");
    SystemClock::default().sleep(Duration::from_millis(200)).await;
    assert_eq!(instances(&fake, &api).len(), 2);
    assert_eq!(send(&fake, "DELETE", &format!("{api}/virtualMachines/1"), &[], None).unwrap().status, 204);
    assert_eq!(get(&fake, &format!("{api}/virtualMachines/1")).status, 404);
}

#[tokio::test]
async fn an_autoscale_setting_adds_what_is_missing() {
    let (fake, api) = start(NewScaleSet::new("shop", "api").capacity(3).held_at(3));
    delete(&fake, &format!("{api}/virtualMachines/1"));
    assert_eq!(fake.capacity(&api), Some(2));
    until(|| fake.capacity(&api) == Some(3)).await;
    assert_eq!(instances(&fake, &api), ["api_0", "api_2", "api_3"], "no id is used twice");
    until(|| fake.power_state(&format!("{api}/virtualMachines/3")) == Some(PowerState::Running)).await;
}

#[tokio::test]
async fn automatic_repairs_replace_what_does_not_run_and_nothing_else() {
    let (fake, api) = start(NewScaleSet::new("shop", "api").capacity(3).automatic_repairs());
    delete(&fake, &format!("{api}/virtualMachines/1"));
    assert_eq!(post(&fake, &format!("{api}/virtualMachines/0/poweroff")).status, 202);
    fake.protect(&format!("{api}/virtualMachines/2"), true, true);
    assert_eq!(post(&fake, &format!("{api}/virtualMachines/2/poweroff")).status, 202);
    until(|| instances(&fake, &api) == ["api_2", "api_3"]).await;
    assert_eq!(fake.capacity(&api), Some(2), "a deleted instance is not replaced");
    assert_eq!(
        fake.power_state(&format!("{api}/virtualMachines/2")),
        Some(PowerState::Stopped),
        "it is protected"
    );
}

#[tokio::test]
async fn a_machine_that_is_back_in_time_is_not_repaired() {
    let (fake, api) = start(NewScaleSet::new("shop", "api").capacity(1).automatic_repairs());
    let one = format!("{api}/virtualMachines/0");
    fake.configure(|settings| settings.repair_milliseconds = 1000);
    post(&fake, &format!("{one}/poweroff"));
    post(&fake, &format!("{one}/start"));
    SystemClock::default().sleep(Duration::from_millis(1300)).await;
    assert_eq!(fake.power_state(&one), Some(PowerState::Running));
}

#[test]
fn orders_for_a_whole_set_pass_over_who_is_protected() {
    let (fake, api) = start(NewScaleSet::new("shop", "api").capacity(3));
    fake.protect(&format!("{api}/virtualMachines/0"), false, true);
    assert_eq!(post(&fake, &format!("{api}/poweroff")).status, 202);
    let states: Vec<Option<PowerState>> =
        (0..3).map(|index| fake.power_state(&format!("{api}/virtualMachines/{index}"))).collect();
    assert_eq!(states, [Some(PowerState::Running), Some(PowerState::Stopped), Some(PowerState::Stopped)]);
    let named = json!({ "instanceIds": ["0"] });
    assert_eq!(send(&fake, "POST", &format!("{api}/poweroff"), &[], Some(&named)).unwrap().status, 202);
    assert_eq!(
        fake.power_state(&format!("{api}/virtualMachines/0")),
        Some(PowerState::Stopped),
        "an instance that is named takes the order"
    );
    let nobody =
        send(&fake, "POST", &format!("{api}/start"), &[], Some(&json!({ "instanceIds": ["9"] }))).unwrap();
    assert_eq!((nobody.status, nobody.code()), (400, "InvalidParameter"));
    let view = get(&fake, &format!("{api}/instanceView")).body;
    assert_eq!(
        view["virtualMachine"]["statusesSummary"],
        json!([
            { "code": "ProvisioningState/succeeded", "count": 3 }, { "code": "PowerState/stopped", "count": 3 },
        ])
    );
}

#[test]
fn protection_is_put_and_read_and_keeps_from_scaling_in() {
    let (fake, api) = start(NewScaleSet::new("shop", "api").capacity(2));
    let newest = format!("{api}/virtualMachines/1");
    let policy = json!({ "protectionPolicy": { "protectFromScaleIn": true } });
    let policy = json!({ "location": "westeurope", "properties": policy });
    assert_eq!(send(&fake, "PUT", &newest, &[], Some(&policy)).unwrap().status, 200);
    assert_eq!(get(&fake, &newest).body["properties"]["protectionPolicy"]["protectFromScaleIn"], true);
    let smaller = json!({ "sku": { "capacity": 1 } });
    assert_eq!(send(&fake, "PATCH", &api, &[], Some(&smaller)).unwrap().status, 200);
    assert_eq!(instances(&fake, &api), ["api_1"]);
}

#[test]
fn instances_of_a_flexible_set_are_machines_of_their_own() {
    let (fake, api) = start(NewScaleSet::new("shop", "api").capacity(2).flexible().zones(["1", "2"]));
    let filter = format!("%27virtualMachineScaleSet%2Fid%27%20eq%20%27{}%27", api.replace('/', "%2F"));
    let list = format!(
        "/subscriptions/{}/resourceGroups/shop/providers/Microsoft.Compute/virtualMachines\
         ?$filter={filter}&$expand=instanceView",
        FakeArm::SUBSCRIPTION
    );
    let machines = get(&fake, &list).body["value"].as_array().unwrap().clone();
    let zones: Vec<&Value> = machines.iter().map(|machine| &machine["zones"][0]).collect();
    assert_eq!(zones.len(), 2);
    assert!(zones.contains(&&json!("1")) && zones.contains(&&json!("2")));
    assert_eq!(machines[0]["properties"]["virtualMachineScaleSet"]["id"], json!(api));
    assert_eq!(machines[0]["properties"]["instanceView"]["statuses"][1]["code"], "PowerState/running");
    let one = machines[0]["id"].as_str().unwrap();
    let refused =
        post(&fake, &format!("{api}/virtualMachines/{}/poweroff", machines[0]["name"].as_str().unwrap()));
    assert_eq!((refused.status, refused.code()), (409, "OperationNotAllowed"));
    delete(&fake, one);
    assert_eq!((fake.power_state(one), fake.capacity(&api)), (None, Some(1)));
}
