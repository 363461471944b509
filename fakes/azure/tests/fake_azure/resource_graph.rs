use fake_azure::{
    FakeArm, NewAvailabilitySet, NewScaleSet, NewSubscription, PowerState, RESOURCE_GRAPH_VERSION, Role,
};
use serde_json::{Value, json};

use crate::client::{Reply, machine, send};

const OTHER: &str = "55555555-5555-4555-8555-555555555555";

fn world() -> FakeArm {
    let fake = FakeArm::start().unwrap();
    fake.add(NewAvailabilitySet::new("Shop", "web").machines(3).tag("team", "till"));
    fake.add(NewAvailabilitySet::new("data", "db").machines(2));
    fake.add(NewScaleSet::new("Shop", "api").capacity(2));
    fake.add(NewScaleSet::new("Shop", "flex").capacity(2).flexible());
    fake.add(NewAvailabilitySet::new("Shop", "other").machines(1).subscription(OTHER));
    fake
}

fn ask(fake: &FakeArm, body: &Value) -> Reply {
    let path = format!("/providers/Microsoft.ResourceGraph/resources?api-version={RESOURCE_GRAPH_VERSION}");
    send(fake, "POST", &path, &[], Some(body)).unwrap()
}

fn query(text: &str) -> Value {
    json!({ "subscriptions": [FakeArm::SUBSCRIPTION], "query": text, "options": { "resultFormat": "objectArray" } })
}

fn names(reply: &Reply) -> Vec<&str> {
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.body["data"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect()
}

#[test]
fn machines_and_scale_sets_of_a_subscription_are_rows() {
    let fake = world();
    fake.set_power_state(&machine("Shop", "web-1"), PowerState::Deallocated);
    let machines = "Resources | where type=~'Microsoft.Compute/virtualMachines'";
    let reply = ask(&fake, &query(&format!("{machines}| where resourceGroup=='shop' and name!='web-0'")));
    let found = names(&reply);
    assert_eq!((found.len(), &found[2..]), (4, &["web-1", "web-2"][..]), "no uniform instance: {found:?}");
    assert_eq!(reply.body["totalRecords"], 4);
    let row = &reply.body["data"][2];
    assert_eq!(row["id"], machine("Shop", "web-1"));
    assert_eq!(row["type"], "microsoft.compute/virtualmachines");
    assert_eq!(
        (&row["resourceGroup"], &row["subscriptionId"]),
        (&json!("shop"), &json!(FakeArm::SUBSCRIPTION))
    );
    assert_eq!(row["tags"]["team"], "till");
    assert_eq!(row["properties"]["extended"]["instanceView"]["powerState"]["code"], "PowerState/deallocated");
    let sets =
        query("Resources | where type=~'Microsoft.Compute/virtualMachineScaleSets' | where name=='api'");
    assert_eq!(ask(&fake, &sets).body["data"][0]["sku"]["capacity"], 2);
    let mut both = query(machines);
    both["subscriptions"] = json!([FakeArm::SUBSCRIPTION, OTHER]);
    assert_eq!(names(&ask(&fake, &both)).len(), 8);
}

#[test]
fn pages_follow_each_other_unless_a_query_says_how_many_it_wants() {
    let fake = world();
    fake.configure(|settings| settings.page_size = 2);
    let all = "Resources | where type=~'microsoft.compute/virtualmachines'";
    let mut asked = query(all);
    let mut found = Vec::new();
    loop {
        let reply = ask(&fake, &asked);
        assert_eq!(
            (&reply.body["totalRecords"], &reply.body["resultTruncated"]),
            (&json!(7), &json!("false"))
        );
        found.extend(names(&reply).into_iter().map(str::to_owned));
        match reply.body.get("$skipToken") {
            Some(token) => asked["options"]["$skipToken"] = token.clone(),
            None => break,
        }
    }
    let distinct: std::collections::BTreeSet<_> = found.iter().collect();
    assert_eq!((found.len(), distinct.len(), fake.requests().len()), (7, 7, 4));

    for (end, expected) in [("| take 2", 2), ("| sample 1", 1), ("| limit 5", 2)] {
        let reply = ask(&fake, &query(&format!("{all} {end}")));
        assert_eq!(names(&reply).len(), expected, "{end}");
        assert_eq!(reply.body["resultTruncated"], "true", "{end}");
        assert!(reply.body.get("$skipToken").is_none(), "{end}");
    }
    let mut smaller = query(all);
    smaller["options"]["$top"] = json!(1);
    assert_eq!(names(&ask(&fake, &smaller)).len(), 1);
    smaller["options"]["$skipToken"] = json!("x");
    assert_eq!(ask(&fake, &smaller).status, 400);
}

#[test]
fn a_table_has_the_same_rows() {
    let fake = world();
    let mut asked =
        query("Resources | where name in ('web-0', 'db-1') | project name, group = resourceGroup, tags");
    asked["options"]["resultFormat"] = json!("table");
    let data = &ask(&fake, &asked).body["data"];
    let columns = json!([
        { "name": "name", "type": "string" }, { "name": "group", "type": "object" },
        { "name": "tags", "type": "object" },
    ]);
    assert_eq!(data["columns"], columns);
    assert_eq!(data["rows"], json!([["db-1", "data", null], ["web-0", "shop", { "team": "till" }]]));
}

#[test]
fn what_it_does_not_understand_and_who_may_see_nothing_is_refused() {
    let fake = world();
    fake.add(NewSubscription::new("66666666-6666-4666-8666-666666666666").of_tenant("elsewhere"));
    let codes = |reply: &Reply| -> Vec<String> {
        assert_eq!((reply.status, reply.code()), (400, "BadRequest"), "{reply:?}");
        let details = reply.body["error"]["details"].as_array().unwrap().iter();
        details.map(|detail| detail["code"].as_str().unwrap().to_owned()).collect()
    };
    let reply = ask(&fake, &query("Resources | explode 2"));
    assert_eq!(codes(&reply), ["InvalidQuery", "ParserFailure"]);
    assert_eq!(reply.body["error"]["details"][1]["token"], "explode");
    for subscription in ["66666666-6666-4666-8666-666666666666", "77777777-7777-4777-8777-777777777777"] {
        let mut asked = query("Resources");
        asked["subscriptions"] = json!([subscription]);
        assert_eq!(codes(&ask(&fake, &asked)), ["NoValidSubscriptionsInQueryRequest"]);
        // Beside another, it is left out without a word.
        asked["subscriptions"] = json!([subscription, OTHER]);
        assert_eq!(names(&ask(&fake, &asked)), ["other", "other-0"]);
    }
    fake.assign(Role::new(["Microsoft.Compute/virtualMachineScaleSets/read"]));
    assert_eq!(names(&ask(&fake, &query("Resources"))), ["api", "flex"]);
    assert_eq!(fake.requests()[0].action, None, "a query needs no permission of its own");
}
