//! What is listed, with how many calls, and who of it may be chosen.

use chaos_azure::{FAULT_DOMAIN_LABEL, UPDATE_DOMAIN_LABEL};
use chaos_testkit::azure::{FakeArm, NewAvailabilitySet};

use crate::cloud::{SUBSCRIPTION, count, list, sets};

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_machines_in_a_hundred_sets_take_a_call_for_each_page() {
    let fake = FakeArm::start().unwrap();
    for number in 0..100 {
        fake.add(
            NewAvailabilitySet::new("Shop", format!("Web-{number:02}"))
                .machines(20)
                .tag("number", number.to_string()),
        );
    }
    let provider = sets(&fake).build().unwrap();
    let groups = list(&provider).await.unwrap();
    assert_eq!(groups.len(), 100);
    assert!(
        groups.iter().all(|group| group.healthy() == 20 && group.desired == 20 && !group.replaces_members)
    );
    let group = &groups[7];
    assert_eq!(group.id.as_str(), format!("azure-avset:{SUBSCRIPTION}/shop/web-07"));
    assert_eq!(group.labels["number"], "7");
    let member = group.member(&group.id.target("web-07-3").unwrap()).unwrap();
    assert_eq!(member.target.labels()[FAULT_DOMAIN_LABEL], "1");
    assert_eq!(member.target.labels()[UPDATE_DOMAIN_LABEL], "3");
    // One page of sets, and ten of machines, once with what they are and once with how they are.
    assert_eq!(count(&fake, "GET", "/availabilitySets"), 1);
    assert_eq!(count(&fake, "GET", "/virtualMachines"), 20);
    assert_eq!(fake.requests().len(), 21);
}
