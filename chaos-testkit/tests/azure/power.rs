use chaos_testkit::azure::{FakeArm, NewAvailabilitySet, Pace, PowerState};

use crate::client::{get, machine, post};

#[test]
fn a_machine_is_powered_off_when_its_operation_has_ended() {
    let fake = FakeArm::start().unwrap();
    fake.add(NewAvailabilitySet::new("shop", "web").machines(1));
    fake.configure(|settings| settings.pace = Pace::Polls(2));
    let web = machine("shop", "web-0");
    let accepted = post(&fake, &format!("{web}/powerOff?skipShutdown=true"));
    assert_eq!(accepted.status, 202);
    let status = accepted.header("Azure-AsyncOperation").unwrap();
    let monitor = accepted.header("Location").unwrap();
    assert_eq!(get(&fake, status).body["status"], "InProgress");
    assert_eq!(fake.power_state(&web), Some(PowerState::Stopping));
    assert_eq!(get(&fake, status).body["status"], "Succeeded");
    assert_eq!(fake.power_state(&web), Some(PowerState::Stopped));
    assert_eq!(get(&fake, monitor).status, 200);
}
