use fake_azure::{FakeArm, NewAvailabilitySet, PowerState};

use crate::client::{everywhere, get, machine};

#[test]
fn one_listing_with_status_only_tells_the_state_of_every_machine() {
    let fake = FakeArm::start().unwrap();
    fake.add(NewAvailabilitySet::new("Shop", "web").machines(3));
    fake.set_power_state(&machine("shop", "WEB-1"), PowerState::Deallocated);
    let reply = get(&fake, &(everywhere("Microsoft.Compute/virtualMachines") + "?statusOnly=true"));
    assert_eq!(reply.status, 200);
    assert_eq!(reply.names(), ["web-0", "web-1", "web-2"]);
    let states: Vec<&str> = (0..3)
        .map(|index| {
            let properties = &reply.body["value"][index]["properties"];
            assert!(properties.get("storageProfile").is_none(), "statusOnly lists the status only");
            properties["instanceView"]["statuses"][1]["code"].as_str().unwrap()
        })
        .collect();
    assert_eq!(states, ["PowerState/running", "PowerState/deallocated", "PowerState/running"]);
}

#[test]
fn pages_follow_each_other_without_a_gap_and_without_overlap() {
    let fake = FakeArm::start().unwrap();
    for set in 0..5 {
        fake.add(NewAvailabilitySet::new("shop", format!("set-{set}")).machines(5));
    }
    fake.configure(|settings| settings.page_size = 10);
    let mut next = Some(everywhere("Microsoft.Compute/virtualMachines"));
    let mut names: Vec<String> = Vec::new();
    while let Some(path) = next {
        let reply = get(&fake, &path);
        names.extend(reply.names().into_iter().map(str::to_owned));
        next = reply.body["nextLink"].as_str().map(str::to_owned);
    }
    assert_eq!((names.len(), fake.requests().len()), (25, 3));
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 25, "nothing is listed twice");
}
