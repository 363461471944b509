use std::net::Ipv4Addr;

use fake_azure::{
    Direction::{Inbound, Outbound},
    FakeArm, NETWORK_VERSION, NewAvailabilitySet, Pace, Role, SecurityGroups,
};
use serde_json::{Value, json};

use crate::client::{Reply, interface, machine, security_group, send};

const PEER: Ipv4Addr = Ipv4Addr::new(10, 9, 9, 9);
const OUTSIDE: Ipv4Addr = Ipv4Addr::new(20, 1, 1, 1);

fn world(groups: SecurityGroups) -> FakeArm {
    let fake = FakeArm::start().unwrap();
    fake.add(NewAvailabilitySet::new("shop", "web").machines(2).security_groups(groups));
    fake
}

fn ask(fake: &FakeArm, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Reply {
    send(fake, method, &format!("{path}?api-version={NETWORK_VERSION}"), headers, body).unwrap()
}

fn deny(direction: &str, priority: u32) -> Value {
    json!({ "properties": {
        "priority": priority, "direction": direction, "access": "Deny", "protocol": "*",
        "sourceAddressPrefix": "*", "sourcePortRange": "*",
        "destinationAddressPrefix": "*", "destinationPortRange": "*",
    } })
}

fn rule(group: &str, name: &str) -> String {
    format!("{}/securityRules/{name}", security_group("shop", group))
}

/// Follows the operation of a reply to its end.
fn settle(fake: &FakeArm, reply: &Reply) {
    assert!(reply.status < 300, "{reply:?}");
    let place = reply.header("Azure-AsyncOperation").expect("an operation").to_owned();
    for _ in 0..1000 {
        let status = send(fake, "GET", &place, &[], None).unwrap();
        match status.body["status"].as_str() {
            Some("InProgress") => {}
            other => return assert_eq!(other, Some("Succeeded")),
        }
    }
    panic!("the operation does not end");
}

#[test]
fn a_rule_is_in_force_when_its_operation_has_ended_and_until_it_is_deleted() {
    let fake = world(SecurityGroups::PerMachine);
    fake.configure(|settings| settings.pace = Pace::Polls(1));
    let web = machine("shop", "web-0");
    assert_eq!(fake.lets_through(&web, Inbound, PEER, 80), Some(true), "within the network");
    assert_eq!(fake.lets_through(&web, Inbound, OUTSIDE, 80), Some(false), "from outside");
    let put = ask(&fake, "PUT", &rule("web-0-nsg", "chaos-in"), &[], Some(&deny("Inbound", 100)));
    assert_eq!((put.status, &put.body["properties"]["provisioningState"]), (201, &json!("Updating")));
    assert_eq!(fake.lets_through(&web, Inbound, PEER, 80), Some(true), "not before the operation ends");
    settle(&fake, &put);
    assert_eq!(fake.lets_through(&web, Inbound, PEER, 80), Some(false));
    assert_eq!(fake.lets_through(&web, Outbound, OUTSIDE, 443), Some(true));
    assert_eq!(
        fake.lets_through(&machine("shop", "web-1"), Inbound, PEER, 80),
        Some(true),
        "it has its own group"
    );
    let again = ask(&fake, "PUT", &rule("WEB-0-nsg", "CHAOS-in"), &[], Some(&deny("Inbound", 100)));
    assert_eq!((again.status, &again.body["name"]), (200, &json!("chaos-in")));
    settle(&fake, &again);
    let delete = ask(&fake, "DELETE", &rule("web-0-nsg", "chaos-in"), &[], None);
    assert_eq!(delete.status, 202);
    settle(&fake, &delete);
    assert_eq!(fake.lets_through(&web, Inbound, PEER, 80), Some(true));
    assert_eq!(ask(&fake, "DELETE", &rule("web-0-nsg", "chaos-in"), &[], None).status, 204);
}

#[test]
fn the_rule_with_the_lowest_priority_decides() {
    let fake = world(SecurityGroups::Shared);
    let web = machine("shop", "web-0");
    let mut allow = deny("Inbound", 200);
    allow["properties"]["access"] = json!("Allow");
    settle(&fake, &ask(&fake, "PUT", &rule("web-nsg", "a-allow"), &[], Some(&allow)));
    assert_eq!(fake.lets_through(&web, Inbound, OUTSIDE, 80), Some(true));
    settle(&fake, &ask(&fake, "PUT", &rule("web-nsg", "z-deny"), &[], Some(&deny("Inbound", 100))));
    assert_eq!(fake.lets_through(&web, Inbound, OUTSIDE, 80), Some(false));
    settle(&fake, &ask(&fake, "PUT", &rule("web-nsg", "z-deny"), &[], Some(&deny("Inbound", 300))));
    assert_eq!(fake.lets_through(&web, Inbound, OUTSIDE, 80), Some(true));
}

#[test]
fn rules_that_azure_refuses_are_refused() {
    let fake = world(SecurityGroups::Shared);
    let put = |name: &str, body: &Value| {
        let reply = ask(&fake, "PUT", &rule("web-nsg", name), &[], Some(body));
        if reply.status < 300 {
            settle(&fake, &reply);
        }
        (reply.status, reply.code().to_owned())
    };
    assert_eq!(put("first", &deny("Inbound", 100)).0, 201);
    assert_eq!(put("second", &deny("Inbound", 100)), (400, "SecurityRuleConflict".to_owned()));
    assert_eq!(put("second", &deny("Outbound", 100)).0, 201, "the other direction has priorities of its own");
    assert_eq!(put("low", &deny("Inbound", 99)), (400, "SecurityRuleInvalidPriority".to_owned()));
    assert_eq!(put("-bad", &deny("Inbound", 101)), (400, "InvalidResourceName".to_owned()));
    let mut without = deny("Inbound", 101);
    without["properties"].as_object_mut().unwrap().remove("destinationPortRange");
    assert_eq!(put("third", &without), (400, "InvalidRequestFormat".to_owned()));
    let elsewhere = ask(&fake, "PUT", &rule("nobody", "x"), &[], Some(&deny("Inbound", 100)));
    assert_eq!((elsewhere.status, elsewhere.code()), (404, "ParentResourceNotFound"));
}

#[test]
fn one_operation_at_a_time_changes_a_group() {
    let fake = world(SecurityGroups::Shared);
    fake.configure(|settings| settings.pace = Pace::Never);
    assert_eq!(ask(&fake, "PUT", &rule("web-nsg", "one"), &[], Some(&deny("Inbound", 100))).status, 201);
    let second = ask(&fake, "PUT", &rule("web-nsg", "two"), &[], Some(&deny("Outbound", 100)));
    assert_eq!((second.status, second.code()), (409, "AnotherOperationInProgress"));
    assert!(second.message().contains(fake.endpoint()), "{}", second.message());
}

#[test]
fn a_put_of_an_interface_replaces_all_of_it() {
    let fake = world(SecurityGroups::None);
    let web = machine("shop", "web-0");
    let nic = interface("shop", "web-0-nic");
    let mut document = ask(&fake, "GET", &nic, &[], None).body;
    let etag = document["etag"].as_str().unwrap().to_owned();
    settle(
        &fake,
        &ask(&fake, "PUT", &security_group("shop", "own"), &[], Some(&json!({ "location": "westeurope" }))),
    );
    document["properties"]["networkSecurityGroup"] = json!({ "id": security_group("shop", "own") });
    assert_eq!(fake.lets_through(&web, Inbound, OUTSIDE, 80), Some(true), "without any group");
    settle(&fake, &ask(&fake, "PUT", &nic, &[("If-Match", &etag)], Some(&document)));
    assert_eq!(fake.lets_through(&web, Inbound, OUTSIDE, 80), Some(false), "every group denies that");
    assert_eq!(fake.security_group(&web), Some(security_group("shop", "own")));
    let in_use = ask(&fake, "DELETE", &security_group("shop", "own"), &[], None);
    assert_eq!((in_use.status, in_use.code()), (400, "InUseNetworkSecurityGroupCannotBeDeleted"));

    // A client that read it before and writes it back takes the group away, unless it names the version that it read.
    document["properties"].as_object_mut().unwrap().remove("networkSecurityGroup");
    document["tags"] = json!({ "by": "somebody" });
    let late = ask(&fake, "PUT", &nic, &[("If-Match", &etag)], Some(&document));
    assert_eq!((late.status, late.code()), (412, "PreconditionFailed"));
    settle(&fake, &ask(&fake, "PUT", &nic, &[], Some(&document)));
    assert_eq!(fake.security_group(&web), None);
    let read = ask(&fake, "GET", &nic, &[], None).body;
    assert_eq!(
        (&read["tags"]["by"], read["properties"]["networkSecurityGroup"].is_null()),
        (&json!("somebody"), true)
    );
    assert_eq!(read["properties"]["ipConfigurations"][0]["properties"]["privateIPAddress"], "10.0.0.4");

    document["properties"]["networkSecurityGroup"] = json!({ "id": security_group("shop", "nobody") });
    let dangling = ask(&fake, "PUT", &nic, &[], Some(&document));
    assert_eq!((dangling.status, dangling.code()), (400, "InvalidResourceReference"));
    let mut bare = document.clone();
    bare["properties"].as_object_mut().unwrap().remove("ipConfigurations");
    assert_eq!(ask(&fake, "PUT", &nic, &[], Some(&bare)).status, 400);
    bare.as_object_mut().unwrap().remove("location");
    assert_eq!(ask(&fake, "PUT", &nic, &[], Some(&bare)).status, 400);
}

#[test]
fn an_interface_whose_operation_never_ends_has_not_changed_what_is_let_through() {
    let fake = world(SecurityGroups::Shared);
    let web = machine("shop", "web-0");
    settle(&fake, &ask(&fake, "PUT", &rule("web-nsg", "deny"), &[], Some(&deny("Inbound", 100))));
    assert_eq!(fake.lets_through(&web, Inbound, PEER, 80), Some(false));
    fake.configure(|settings| settings.pace = Pace::Never);
    let nic = interface("shop", "web-0-nic");
    let mut document = ask(&fake, "GET", &nic, &[], None).body;
    document["properties"].as_object_mut().unwrap().remove("networkSecurityGroup");
    let put = ask(&fake, "PUT", &nic, &[], Some(&document));
    assert_eq!(put.body["properties"]["provisioningState"], "Updating");
    assert_eq!((fake.security_group(&web), fake.lets_through(&web, Inbound, PEER, 80)), (None, Some(false)));
}

#[test]
fn attaching_a_group_needs_the_right_to_join_it() {
    let fake = world(SecurityGroups::PerMachine);
    let nic = interface("shop", "web-0-nic");
    let document = ask(&fake, "GET", &nic, &[], None).body;
    fake.assign(Role::owner().without("Microsoft.Network/networkSecurityGroups/join/action"));
    let refused = ask(&fake, "PUT", &nic, &[], Some(&document));
    assert_eq!((refused.status, refused.code()), (403, "LinkedAuthorizationFailed"));
    assert!(refused.message().contains("networkSecurityGroups/join/action"), "{}", refused.message());
    fake.assign(Role::owner());
    settle(&fake, &ask(&fake, "PUT", &nic, &[], Some(&document)));

    let mut balanced = document;
    let pool = "/subscriptions/s/resourceGroups/shop/providers/Microsoft.Network/loadBalancers/b/backendAddressPools/p";
    balanced["properties"]["ipConfigurations"][0]["properties"]["loadBalancerBackendAddressPools"] =
        json!([{ "id": pool }]);
    let join = "Microsoft.Network/loadBalancers/backendAddressPools/join/action";
    fake.assign(Role::owner().without(join));
    let refused = ask(&fake, "PUT", &nic, &[], Some(&balanced));
    assert_eq!((refused.status, refused.code()), (403, "LinkedAuthorizationFailed"));
    assert!(refused.message().contains(join), "{}", refused.message());
}

#[test]
fn the_group_of_the_subnet_decides_with_that_of_the_interface() {
    let fake = world(SecurityGroups::Subnet);
    let web = machine("shop", "web-0");
    assert_eq!(fake.security_group(&web), None);
    settle(&fake, &ask(&fake, "PUT", &rule("web-nsg", "deny"), &[], Some(&deny("Outbound", 100))));
    assert_eq!(fake.lets_through(&web, Outbound, OUTSIDE, 443), Some(false));
    assert_eq!(fake.lets_through(&web, Inbound, PEER, 80), Some(true));
    let address = fake.address(&web).unwrap().to_string();
    let mut only_it = deny("Inbound", 100);
    only_it["properties"]["destinationAddressPrefix"] = json!(address);
    settle(&fake, &ask(&fake, "PUT", &rule("web-nsg", "one"), &[], Some(&only_it)));
    assert_eq!(fake.lets_through(&web, Inbound, PEER, 80), Some(false));
    assert_eq!(fake.lets_through(&machine("shop", "web-1"), Inbound, PEER, 80), Some(true));
}
