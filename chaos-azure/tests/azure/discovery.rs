//! The listed sets, the number of calls for them, and the machines that may be chosen.

use std::collections::BTreeMap;

use chaos_azure::{
    AVAILABILITY_ZONE_LABEL, AvailabilitySets, AzureBuilder, ENABLED_TAG, FAULT_DOMAIN_LABEL,
    UPDATE_DOMAIN_LABEL,
};
use chaos_core::{Provider, group::Member, provider::GroupFilter};
use fake_azure::{FakeArm, NewAvailabilitySet, NewScaleSet, NewSubscription, PowerState};
use futures_util::TryStreamExt;

use crate::cloud::{SUBSCRIPTION, count, list, machine, only_group, scale_sets, sets};

const OTHER: &str = "99999999-9999-4999-8999-999999999999";

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
    // One page of sets, and ten of machines, once with their models and once with their instance views.
    assert_eq!(count(&fake, "GET", "/availabilitySets"), 1);
    assert_eq!(count(&fake, "GET", "/virtualMachines"), 20);
    assert_eq!(fake.requests().len(), 21);
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_are_listed_side_by_side_and_a_filter_asks_no_more_than_it_needs() {
    let fake = FakeArm::start().unwrap();
    fake.add(NewSubscription::new(OTHER));
    fake.add(NewAvailabilitySet::new("shop", "web").machines(2));
    fake.add(NewAvailabilitySet::new("shop", "web").machines(1).subscription(OTHER));
    let provider = sets(&fake).subscription(OTHER).build().unwrap();
    let groups = list(&provider).await.unwrap();
    let sizes: Vec<_> =
        groups.iter().map(|group| (group.id.path().to_owned(), group.members.len())).collect();
    assert_eq!(sizes, [(format!("{SUBSCRIPTION}/shop/web"), 2), (format!("{OTHER}/shop/web"), 1)]);

    fake.forget_requests();
    let filter = GroupFilter::all().name(groups[1].id.as_str());
    let some: Vec<_> = provider.groups(&filter).try_collect().await.unwrap();
    assert_eq!(some.len(), 1);
    assert!(fake.requests().iter().all(|request| request.path.contains(OTHER)));
    fake.forget_requests();
    let filter = GroupFilter::all().name(format!("{OTHER}/shop/nobody")).name("web");
    let some: Vec<_> = provider.groups(&filter).try_collect().await.unwrap();
    assert_eq!((some.len(), fake.requests().len()), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn names_resource_groups_patterns_and_tags_select_sets() {
    let fake = FakeArm::start().unwrap();
    fake.add(NewAvailabilitySet::new("Shop", "Web").machines(1).tag("team", "shop").tag("tier", "front"));
    fake.add(NewAvailabilitySet::new("shop", "web-2").machines(1).tag("Team", "till"));
    fake.add(NewAvailabilitySet::new("back", "db").machines(1).tag("team", "shop"));
    let names = async |builder: AzureBuilder<AvailabilitySets>| {
        let groups = list(&builder.build().unwrap()).await.unwrap();
        let names = groups.iter().map(|group| group.id.path().rsplit('/').next().unwrap().to_owned());
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(sets(&fake)).await, "db web web-2");
    assert_eq!(names(sets(&fake).group("WEB")).await, "web");
    assert_eq!(names(sets(&fake).resource_group("SHOP")).await, "web web-2");
    assert_eq!(names(sets(&fake).resource_group("shop").groups_like("*b")).await, "web");
    assert_eq!(names(sets(&fake).groups_like("WEB*").group("db")).await, "db web web-2");
    assert_eq!(names(sets(&fake).tag("team", "shop")).await, "db web");
    assert_eq!(names(sets(&fake).tag("team", "shop").tag("TEAM", "till")).await, "db web web-2");
    assert_eq!(names(sets(&fake).tag("team", "shop").tag_key("tier")).await, "web");
    assert_eq!(names(sets(&fake).tag("team", "Shop")).await, "", "values tell upper from lower case");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_must_not_be_chosen_is_listed_with_the_reason() {
    let fake = FakeArm::start().unwrap();
    fake.add(NewAvailabilitySet::new("shop", "web").machines(8));
    fake.set_power_state(&machine("web-0"), PowerState::Deallocated);
    fake.set_power_state(&machine("web-1"), PowerState::Starting);
    fake.set_power_state(&machine("web-2"), PowerState::Unknown);
    fake.set_provisioning_state(&machine("web-3"), "Updating");
    fake.set_provisioning_state(&machine("web-4"), "Failed");
    fake.set_tag(&machine("web-5"), "chaos:Enabled", Some("false"));
    fake.set_tag(&machine("web-6"), ENABLED_TAG, Some("true"));
    let reasons = async |builder: AzureBuilder<AvailabilitySets>| {
        let group = only_group(&builder.build().unwrap()).await;
        let told = |member: &Member| {
            let why = member
                .excluded
                .as_deref()
                .or(member.out_of_service.as_deref())
                .unwrap_or_default()
                .to_owned();
            (member.target.id().name().to_owned(), (member.health.to_string(), why))
        };
        group.members.iter().map(told).collect::<BTreeMap<_, _>>()
    };
    let seen = reasons(sets(&fake)).await;
    let expected = [
        ("stopped", "deallocated"),
        ("unhealthy", "starting"),
        ("unknown", "it is unknown whether it runs"),
        ("unhealthy", "an operation on it is under way (provisioning state Updating)"),
        ("unhealthy", "an operation on it has failed (provisioning state Failed)"),
        ("healthy", "opted out: the tag chaos:enabled of the machine is false"),
        ("healthy", ""),
        ("healthy", ""),
    ];
    for (number, (health, why)) in expected.into_iter().enumerate() {
        let (seen_health, seen_why) = &seen[&format!("web-{number}")];
        assert_eq!((seen_health.as_str(), seen_why.as_str()), (health, why), "web-{number}");
    }
    let seen = reasons(sets(&fake).require_opt_in()).await;
    assert_eq!(seen["web-6"].1, "");
    assert!(seen["web-7"].1.starts_with("not opted in"), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn scale_sets_of_both_kinds_take_a_call_for_each_page_and_tell_who_is_protected() {
    let fake = FakeArm::start().unwrap();
    fake.add(NewScaleSet::new("shop", "api").capacity(5).zones(["1", "2"]).tag("team", "shop"));
    fake.add(NewScaleSet::new("shop", "flex").capacity(3).flexible());
    fake.configure(|settings| settings.page_size = 2);
    let instance = |number: u32| {
        let group = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/shop/providers");
        format!("{group}/Microsoft.Compute/virtualMachineScaleSets/api/virtualMachines/{number}")
    };
    fake.protect(&instance(1), true, false);
    fake.protect(&instance(2), true, true);
    let groups = list(&scale_sets(&fake).build().unwrap()).await.unwrap();
    let paths: Vec<_> = groups.iter().map(|group| group.id.path().rsplit('/').next().unwrap()).collect();
    assert_eq!(paths, ["api", "flex"]);
    let (api, flex) = (&groups[0], &groups[1]);
    assert_eq!((api.desired, api.healthy(), api.labels["team"].as_str()), (5, 5, "shop"));
    assert_eq!((flex.desired, flex.healthy(), flex.replaces_members), (3, 3, false));
    let why = |number: u32| {
        api.member(&api.id.target(&number.to_string()).unwrap())
            .unwrap()
            .excluded
            .as_deref()
            .map(str::to_owned)
    };
    assert_eq!(why(0), None);
    assert_eq!(why(1).as_deref(), Some("protected from scale-in"));
    assert_eq!(why(2).as_deref(), Some("protected from scale-set actions"));
    let labels = api.members[0].target.labels();
    assert!(labels.contains_key(AVAILABILITY_ZONE_LABEL) && labels.contains_key(FAULT_DOMAIN_LABEL));
    assert!(flex.members[0].target.labels().contains_key(FAULT_DOMAIN_LABEL));
    // One page of autoscale settings, one of scale sets, three of the instances of one, two of the machines of the
    // other.
    assert_eq!(count(&fake, "GET", "/virtualMachineScaleSets"), 1);
    assert_eq!(count(&fake, "GET", "/api/virtualMachines"), 3);
    assert_eq!(count(&fake, "GET", "/Microsoft.Compute/virtualMachines"), 2);
    assert_eq!(count(&fake, "GET", "/autoscalesettings"), 1);
    assert_eq!(fake.requests().len(), 7);

    let all = list(&scale_sets(&fake).include_protected().build().unwrap()).await.unwrap();
    assert!(all[0].members.iter().all(|member| member.excluded.is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_has_another_ones_name_is_another_machine() {
    let fake = FakeArm::start().unwrap();
    fake.add(NewAvailabilitySet::new("shop", "web").machines(1));
    let provider = sets(&fake).build().unwrap();
    let before = only_group(&provider).await.members[0].incarnation.clone();
    fake.delete_machine(&machine("web-0"));
    fake.add(NewAvailabilitySet::new("shop", "web").machines(1));
    let after = only_group(&provider).await.members[0].incarnation.clone();
    assert!(before.is_some() && after.is_some() && before != after, "{before:?} {after:?}");
}
