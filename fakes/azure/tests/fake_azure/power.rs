use fake_azure::{FakeArm, NewAvailabilitySet, Pace, PowerState, Trouble};
use serde_json::json;

use crate::client::{Reply, get, machine, post, send};

fn world(pace: Pace) -> (FakeArm, String) {
    let fake = FakeArm::start().unwrap();
    fake.add(NewAvailabilitySet::new("shop", "web").machines(2));
    fake.configure(|settings| settings.pace = pace);
    (fake, machine("shop", "web-0"))
}

fn status(fake: &FakeArm, accepted: &Reply) -> Reply {
    get(fake, accepted.header("Azure-AsyncOperation").unwrap())
}

#[test]
fn a_machine_is_powered_off_when_its_operation_has_ended() {
    let (fake, web) = world(Pace::Polls(2));
    fake.configure(|settings| settings.retry_after_seconds = 7);
    let accepted = post(&fake, &format!("{web}/powerOff?skipShutdown=true"));
    assert_eq!((accepted.status, accepted.header("Retry-After")), (202, Some("7")));
    let monitor = accepted.header("Location").unwrap();
    let first = status(&fake, &accepted);
    assert_eq!((&first.body["status"], first.header("Retry-After")), (&json!("InProgress"), Some("7")));
    assert_eq!(fake.power_state(&web), Some(PowerState::Stopping));
    let view = get(&fake, &format!("{web}/instanceView")).body;
    assert_eq!(view["statuses"][0]["code"], "ProvisioningState/updating");
    assert_eq!(view["statuses"][1]["code"], "PowerState/stopping");
    let second = status(&fake, &accepted);
    assert_eq!((&second.body["status"], second.header("Retry-After")), (&json!("Succeeded"), None));
    assert!(second.body["endTime"].is_string());
    assert_eq!(fake.power_state(&web), Some(PowerState::Stopped));
    assert_eq!(get(&fake, monitor).status, 200);
}

#[test]
fn the_monitor_says_202_until_the_end() {
    let (fake, web) = world(Pace::Polls(2));
    let accepted = post(&fake, &format!("{web}/restart"));
    let monitor = accepted.header("Location").unwrap();
    let waiting = get(&fake, monitor);
    assert_eq!((waiting.status, waiting.header("Location")), (202, Some(monitor)));
    assert_eq!(get(&fake, monitor).status, 200);
    assert_eq!(fake.boots(&web), Some(2));
}

#[test]
fn operations_end_by_their_time_or_never() {
    let (fake, web) = world(Pace::Milliseconds(0));
    post(&fake, &format!("{web}/powerOff"));
    assert_eq!(fake.power_state(&web), Some(PowerState::Stopped), "it was not polled");
    fake.configure(|settings| settings.pace = Pace::Never);
    let accepted = post(&fake, &format!("{web}/start"));
    for _ in 0..5 {
        assert_eq!(status(&fake, &accepted).body["status"], "InProgress");
    }
    assert_eq!(fake.power_state(&web), Some(PowerState::Starting));
    assert_eq!(
        get(&fake, &format!("{}?x=y", accepted.header("Location").unwrap().split('?').next().unwrap()))
            .status,
        200
    );
    let unknown = accepted.header("Azure-AsyncOperation").unwrap().replace("operations/", "operations/0");
    assert_eq!(get(&fake, &unknown).status, 404);
}

#[test]
fn a_newer_order_takes_over_from_an_older_one() {
    let (fake, web) = world(Pace::Polls(1));
    let off = post(&fake, &format!("{web}/powerOff"));
    let on = post(&fake, &format!("{web}/start"));
    let off = status(&fake, &off).body;
    assert_eq!((&off["status"], &off["error"]["code"]), (&json!("Canceled"), &json!("OperationPreempted")));
    assert_eq!(status(&fake, &on).body["status"], "Succeeded");
    assert_eq!(fake.power_state(&web), Some(PowerState::Running));
    assert_eq!(fake.power_state(&machine("shop", "web-1")), Some(PowerState::Running));
}

#[test]
fn an_operation_can_fail_with_its_effect_or_without() {
    let (fake, web) = world(Pace::Milliseconds(0));
    fake.trouble(Trouble::fail_operation("OSProvisioningTimedOut", "too slow").on("POST", "*/powerOff"));
    let failed = post(&fake, &format!("{web}/powerOff"));
    let document = status(&fake, &failed).body;
    assert_eq!(
        (&document["status"], &document["error"]["code"]),
        (&json!("Failed"), &json!("OSProvisioningTimedOut"))
    );
    let monitor = get(&fake, failed.header("Location").unwrap());
    assert_eq!((monitor.status, monitor.code()), (409, "OSProvisioningTimedOut"));
    assert_eq!(fake.power_state(&web), Some(PowerState::Running));
    let view = get(&fake, &format!("{web}/instanceView")).body;
    assert_eq!(view["statuses"][0]["code"], "ProvisioningState/failed");
    fake.trouble(
        Trouble::fail_operation_after_effect("InternalExecutionError", "x").on("POST", "*/powerOff"),
    );
    let failed = post(&fake, &format!("{web}/powerOff"));
    assert_eq!(status(&fake, &failed).body["status"], "Failed");
    assert_eq!(fake.power_state(&web), Some(PowerState::Stopped));
}

#[test]
fn a_deallocated_machine_has_no_place() {
    let (fake, web) = world(Pace::Milliseconds(0));
    assert!(get(&fake, &format!("{web}/instanceView")).body["platformFaultDomain"].is_number());
    post(&fake, &format!("{web}/deallocate"));
    let view = get(&fake, &format!("{web}/instanceView")).body;
    assert!(view["platformFaultDomain"].is_null() && view["vmAgent"].is_null(), "{view}");
}

#[test]
fn what_is_being_deleted_takes_no_orders() {
    let (fake, web) = world(Pace::Polls(1));
    let deletion = send(&fake, "DELETE", &web, &[], None).unwrap();
    let refused = post(&fake, &format!("{web}/start"));
    assert_eq!((refused.status, refused.code()), (409, "OperationNotAllowed"));
    assert_eq!(status(&fake, &deletion).body["status"], "Succeeded");
    assert_eq!(get(&fake, &web).status, 404);
    assert_eq!(send(&fake, "DELETE", &web, &[], None).unwrap().status, 204);
}

#[test]
fn what_is_already_so_stays_so() {
    let (fake, web) = world(Pace::Polls(1));
    let settled = |order: &str| {
        let accepted = post(&fake, &format!("{web}/{order}"));
        let meanwhile = fake.power_state(&web).unwrap();
        assert_eq!(status(&fake, &accepted).body["status"], "Succeeded");
        (meanwhile, fake.power_state(&web).unwrap())
    };
    assert_eq!(settled("start"), (PowerState::Running, PowerState::Running));
    assert_eq!(fake.boots(&web), Some(1), "a start of a running machine is no boot");
    assert_eq!(settled("deallocate"), (PowerState::Deallocating, PowerState::Deallocated));
    assert_eq!(settled("powerOff"), (PowerState::Deallocated, PowerState::Deallocated));
    assert_eq!(settled("start"), (PowerState::Starting, PowerState::Running));
    assert_eq!(fake.boots(&web), Some(2));
}

#[test]
fn every_answer_has_an_id() {
    let (fake, web) = world(Pace::Never);
    let ids: Vec<String> =
        (0..2).map(|_| get(&fake, &web).header("x-ms-request-id").unwrap().to_owned()).collect();
    assert_ne!(ids[0], ids[1]);
    assert!(get(&fake, &machine("shop", "nobody")).header("x-ms-request-id").is_some());
}
