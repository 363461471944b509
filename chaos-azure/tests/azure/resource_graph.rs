//! Queries of Resource Graph, and the groups and targets that their results are.

use std::{collections::BTreeSet, sync::Arc};

use chaos_azure::{ClientBuilder, ResourceGraph, resource_id_of, resource_id_of_group};
use chaos_core::{ErrorKind, Provider};
use fake_azure::{
    FakeArm, MicrosoftSdk, NewAvailabilitySet, NewScaleSet, RESOURCE_GRAPH_VERSION, Role, Trouble,
    assert_same_requests,
};
use serde_json::{Value, json};

use crate::cloud::{KnownToken, SUBSCRIPTION, list, machine, scale_sets, sets};

const MACHINES: &str = "Microsoft.Compute/virtualMachines";
const SCALE_SETS: &str = "Microsoft.Compute/virtualMachineScaleSets";

fn world() -> FakeArm {
    let fake = FakeArm::start().unwrap();
    fake.add(NewAvailabilitySet::new("Shop", "Web").machines(3));
    fake.add(NewAvailabilitySet::new("data", "db").machines(2));
    fake.add(NewScaleSet::new("Shop", "api").capacity(2));
    fake.add(NewScaleSet::new("Shop", "flex").capacity(2).flexible());
    fake
}

fn builder(fake: &FakeArm) -> ClientBuilder<ResourceGraph> {
    let builder = ResourceGraph::builder().subscription(SUBSCRIPTION).endpoint(fake.endpoint());
    builder.credential(Arc::new(KnownToken))
}

fn graph(fake: &FakeArm) -> ResourceGraph {
    builder(fake).build().unwrap()
}

fn names(found: &[Value]) -> Vec<&str> {
    found.iter().map(|row| row["name"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_filters_of_chaos_toolkit_find_machines() {
    let fake = world();
    let graph = graph(&fake);
    for (filter, expected) in [
        ("where resourceGroup=='data'", vec!["db-0", "db-1"]),
        ("where resourceGroup=='shop' and name=='Web-1'", vec!["Web-1"]),
        ("where name=='Web-0' and resourceGroup=~'SHOP' // the first", vec!["Web-0"]),
        ("where resourceGroup=='nowhere'", vec![]),
    ] {
        let found = graph.resources_of_type(MACHINES, Some(filter)).await.unwrap();
        assert_eq!(names(&found), expected, "{filter}");
    }
    let sample = "where name startswith 'web' | sample 2";
    assert_eq!(graph.resources_of_type(MACHINES, Some(sample)).await.unwrap().len(), 2);
    assert_eq!(graph.resources_of_type(MACHINES, None).await.unwrap().len(), 7);
    assert_eq!(names(&graph.resources_of_type(SCALE_SETS, None).await.unwrap()), ["api", "flex"]);
    let all = graph.resources("Resources | project name | order by name asc").await.unwrap();
    assert_eq!((all.len(), &all[0]), (11, &json!({ "name": "Web" })));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_read_and_a_result_that_azure_cuts_is_an_error() {
    let fake = world();
    fake.configure(|settings| settings.page_size = 2);
    let graph = graph(&fake);
    let found = graph.resources_of_type(MACHINES, None).await.unwrap();
    let distinct: BTreeSet<&str> = names(&found).into_iter().collect();
    assert_eq!((found.len(), distinct.len(), fake.requests().len()), (7, 7, 4));

    let whole = graph.resources_of_type(MACHINES, Some("take 2")).await.unwrap();
    assert_eq!(whole.len(), 2);
    let error = graph.resources_of_type(MACHINES, Some("take 5")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    let told = error.to_string();
    assert!(
        told.contains("only a part of the resources") && told.contains("found=\"2\", total=\"5\""),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_found_resource_is_a_member_or_a_group_of_a_listing() {
    let fake = world();
    let mut groups = list(&sets(&fake).build().unwrap()).await.unwrap();
    groups.extend(list(&scale_sets(&fake).build().unwrap()).await.unwrap());
    let members = groups.iter().flat_map(|group| &group.members).map(|member| member.target.id());
    let by_id: std::collections::BTreeMap<String, String> =
        members.map(|id| (resource_id_of(id).unwrap().to_lowercase(), id.to_string())).collect();
    let graph = graph(&fake);
    let found = graph.resources_of_type(MACHINES, None).await.unwrap();
    let targets: Vec<&str> =
        found.iter().map(|row| by_id[&row["id"].as_str().unwrap().to_lowercase()].as_str()).collect();
    assert_eq!(targets.len(), 7);
    assert!(targets.contains(&format!("azure-avset:{SUBSCRIPTION}/shop/web/web-0").as_str()), "{targets:?}");
    assert_eq!(by_id.len(), 9, "with the instances of a uniform scale set: {by_id:?}");

    let found = graph.resources_of_type(SCALE_SETS, Some("where name=='api'")).await.unwrap();
    let id = found[0]["id"].as_str().unwrap().to_lowercase();
    let group =
        groups.iter().find(|group| resource_id_of_group(&group.id).unwrap().to_lowercase() == id).unwrap();
    assert_eq!(group.id.as_str(), format!("azure-vmss:{SUBSCRIPTION}/shop/api"));
    // Each id names the same resource over the wire.
    let provider = scale_sets(&fake).build().unwrap();
    for member in &provider.group(&group.id).await.unwrap().members {
        let id = resource_id_of(member.target.id()).unwrap();
        assert!(fake.power_state(&id).is_some(), "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_yields_something_else_is_refused() {
    let fake = world();
    let graph = graph(&fake);
    for (filter, shown) in [
        ("where name=='Web-0' | project id=tags.none, name", "none"),
        ("where name=='Web-0' | project id=name", "Web-0"),
        ("where name=='Web-0' | project id=properties.availabilitySet.id", "availabilitySets"),
    ] {
        let error = graph.resources_of_type(MACHINES, Some(filter)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        let told = error.to_string();
        let is_told = told.starts_with("the filter yields something other") && told.contains(shown);
        assert!(is_told, "{shown}: {told}");
    }
    // Without the column, there is nothing to sort by.
    let error = graph.resources_of_type(MACHINES, Some("project name")).await.unwrap_err();
    assert!(error.chain().contains("ParserFailure: ParserFailure: id"), "{}", error.chain());
    for (kind, query) in [("Microsoft.Compute/x' or 'a'=='a", None), ("machines", None)] {
        let error = graph.resources_of_type(kind, query).await.unwrap_err().to_string();
        assert!(error.starts_with("invalid type of resources: "), "{error}");
    }
    let sent = fake.requests().len();
    let error = graph.resources(" \n").await.unwrap_err().to_string();
    assert!(error.starts_with("invalid query: ") && fake.requests().len() == sent, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_azure_does_not_understand_is_named_with_its_word() {
    let fake = world();
    let error = graph(&fake).resources_of_type(MACHINES, Some("explode 2")).await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::InvalidInput, false));
    let told = error.chain();
    for words in ["check its filter", "code=\"InvalidQuery\"", "ParserFailure: explode", SUBSCRIPTION] {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert_eq!(fake.requests().len(), 1, "it is not asked again");
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_is_told_in_the_kinds_of_the_crate_and_passing_trouble_is_waited_for() {
    let fake = world();
    let asked = graph(&fake);
    for trouble in
        [Trouble::throttle(0), Trouble::internal_error(), Trouble::cut_before(), Trouble::cut_after()]
    {
        fake.trouble(trouble.clone());
        let found = asked.resources_of_type(MACHINES, None).await;
        assert_eq!(found.map_err(|error| format!("{trouble:?}: {}", error.chain())).unwrap().len(), 7);
    }
    fake.trouble(Trouble::expire_token());
    assert_eq!(asked.resources_of_type(MACHINES, None).await.unwrap().len(), 7);

    let elsewhere = builder(&fake).subscription("77777777-7777-4777-8777-777777777777").build().unwrap();
    let error = elsewhere.resources_of_type(MACHINES, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    assert!(
        error.to_string().starts_with("the subscription does not exist, or these credentials"),
        "{error}"
    );

    fake.trouble(Trouble::internal_error().for_ever());
    let error = asked.resources_of_type(MACHINES, None).await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Unavailable, true), "{error}");
    assert!(error.to_string().contains("action=\"Microsoft.ResourceGraph/resources/read\""), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fixed_token_is_used_until_azure_refuses_it() {
    let fake = world();
    let builder = || ResourceGraph::builder().subscription(SUBSCRIPTION).endpoint(fake.endpoint());
    let known = builder().access_token(FakeArm::TOKEN).build().unwrap();
    assert_eq!(known.resources_of_type(MACHINES, None).await.unwrap().len(), 7);
    fake.expire_tokens();
    for graph in [&known, &builder().access_token("hush").build().unwrap()] {
        let error = graph.resources_of_type(MACHINES, None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
        let told = format!("{} {error:?} {graph:?}", error.chain());
        assert!(told.contains("expired or not valid") && !told.contains("hush"), "{told}");
        assert!(!told.contains(FakeArm::TOKEN), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fixed_token_lists_groups_too() {
    let fake = world();
    let sets = sets(&fake).access_token(FakeArm::TOKEN).build().unwrap();
    assert_eq!(list(&sets).await.unwrap().len(), 2);
    fake.expire_tokens();
    assert_eq!(list(&sets).await.unwrap_err().kind(), ErrorKind::Denied);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_role_of_the_crate_is_enough() {
    let fake = world();
    let definition = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/azure-role.json");
    let definition = serde_json::from_str(&std::fs::read_to_string(definition).unwrap()).unwrap();
    fake.assign(Role::from_definition(&definition).unwrap());
    let graph = graph(&fake);
    assert_eq!(graph.resources_of_type(MACHINES, None).await.unwrap().len(), 7);
    assert_eq!(graph.resources_of_type(SCALE_SETS, None).await.unwrap().len(), 2);
    // A resource that the role may not read is left out without a word, as in Azure.
    fake.assign(Role::new(["*"]).within([machine("nobody").replace("/shop/", "/data/")]));
    assert_eq!(graph.resources_of_type(MACHINES, None).await.unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn microsofts_sdk_sends_the_same_request() {
    let Some(mut sdk) = MicrosoftSdk::start().unwrap() else { return };
    let fake = world();
    fake.configure(|settings| settings.page_size = 4);
    graph(&fake).resources_of_type(MACHINES, Some("where name !contains 'x'")).await.unwrap();
    let ours = fake.requests();
    let query = "Resources | where type=~'Microsoft.Compute/virtualMachines'| where name !contains 'x'\n\
                 | order by id asc";
    let mut options = json!({ "resultFormat": "objectArray", "$top": 1000 });
    let mut theirs = Vec::new();
    for _ in 0..2 {
        let request = json!({ "subscriptions": [SUBSCRIPTION], "query": query, "options": options });
        let answer = sdk.call(&fake, "graph.resources", json!({ "query": request })).unwrap();
        options["$skipToken"] = answer.outcome.unwrap()["$skipToken"].clone();
        theirs.extend(answer.requests);
    }
    assert_same_requests(&ours, &theirs);
    assert_eq!(ours[0].query, [("api-version".to_owned(), RESOURCE_GRAPH_VERSION.to_owned())]);
}
