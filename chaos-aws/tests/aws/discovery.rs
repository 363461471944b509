//! The listed groups, the number of calls for them, and the members that may be chosen.

use std::collections::BTreeMap;

use chaos_aws::{AVAILABILITY_ZONE_LABEL, MIN_SIZE_LABEL};
use chaos_core::{ErrorKind, Provider, provider::GroupFilter};
use futures_util::{StreamExt, TryStreamExt};
use serde_json::json;

use crate::cloud::{Cloud, list, only_group};

const REGIONS: [&str; 3] = ["eu-west-1", "us-east-1", "ap-southeast-2"];

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_groups_in_three_regions_take_a_call_for_each_page() {
    let Some(cloud) = Cloud::start() else { return };
    let groups = |region, count| {
        json!({
            "name": "web", "region": region, "count": count, "size": 1, "tags": { "in": region },
        })
    };
    cloud.add(json!([groups(REGIONS[0], 150), groups(REGIONS[1], 120), groups(REGIONS[2], 30)]));
    let provider = cloud.builder().regions(REGIONS).build().await.unwrap();
    cloud.forget_calls();
    let groups = list(&provider).await.unwrap();
    assert_eq!(groups.len(), 300);
    assert!(groups.iter().all(|group| group.healthy() == 1 && group.desired == 1 && group.replaces_members));
    let group = &groups[299];
    assert_eq!(group.id.as_str(), "aws-asg:123456789012/us-east-1/web-0119");
    assert_eq!(group.labels["in"], "us-east-1");
    assert!(group.labels.contains_key(MIN_SIZE_LABEL));
    let zone = &group.members[0].target.labels()[AVAILABILITY_ZONE_LABEL];
    assert!(zone.starts_with("us-east-1"), "{zone}");
    // Two pages, two pages and one page, and one look-up for the instances of each page.
    assert_eq!(cloud.count("DescribeAutoScalingGroups"), 5);
    assert_eq!(cloud.count("DescribeInstances"), 5);
    assert_eq!(cloud.calls().len(), 10);

    cloud.forget_calls();
    let filter = GroupFilter::all()
        .name("aws-asg:123456789012/us-east-1/web-0003")
        .name("123456789012/us-east-1/web-0001");
    let some: Vec<_> = provider.groups(&filter).try_collect().await.unwrap();
    assert_eq!(some.len(), 2);
    assert_eq!(cloud.calls().len(), 2, "{:?}", cloud.calls());
}

#[tokio::test(flavor = "multi_thread")]
async fn names_patterns_and_tags_select_groups() {
    let Some(cloud) = Cloud::with(json!([
        { "name": "web", "region": "eu-west-1", "size": 1, "tags": { "team": "shop", "tier": "front" } },
        { "name": "web-2", "region": "eu-west-1", "size": 1, "tags": { "team": "till" } },
        { "name": "db", "region": "eu-west-1", "size": 1, "tags": { "team": "shop" } },
    ])) else {
        return;
    };
    let names = async |builder: chaos_aws::AutoScalingBuilder| {
        let groups = list(&builder.build().await.unwrap()).await.unwrap();
        groups
            .iter()
            .map(|group| group.id.path().replace("123456789012/eu-west-1/", ""))
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(names(cloud.builder()).await, "db web web-2");
    assert_eq!(names(cloud.builder().group("web")).await, "web");
    assert_eq!(names(cloud.builder().group("web").group("nobody")).await, "web");
    assert_eq!(names(cloud.builder().groups_like("web*")).await, "web web-2");
    assert_eq!(names(cloud.builder().group("db").groups_like("w*-?")).await, "db web-2");
    assert_eq!(names(cloud.builder().tag("team", "shop")).await, "db web");
    assert_eq!(names(cloud.builder().tag("team", "shop").tag("team", "till")).await, "db web web-2");
    assert_eq!(names(cloud.builder().tag("team", "shop").tag_key("tier")).await, "web");
    assert_eq!(names(cloud.builder().group("db").tag_key("tier")).await, "");
    assert_eq!(names(cloud.builder().tag("team", "nobody")).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_breaks_off_is_an_error_and_no_shorter_list() {
    let Some(cloud) = Cloud::start() else { return };
    let groups = |region, count| json!({ "name": "web", "region": region, "count": count, "size": 1 });
    cloud.add(json!([groups(REGIONS[0], 150), groups(REGIONS[1], 3)]));
    let provider = cloud.builder().regions([REGIONS[0], REGIONS[1]]).build().await.unwrap();
    for (fault, kind) in [
        (
            json!({ "do": "http_500", "action": "DescribeAutoScalingGroups", "page": 2, "count": 0 }),
            ErrorKind::Unavailable,
        ),
        (
            json!({ "do": "throttle", "action": "DescribeAutoScalingGroups", "page": 2, "count": 0 }),
            ErrorKind::Throttled,
        ),
        (
            json!({ "do": "cut_before", "action": "DescribeInstances", "region": REGIONS[0], "count": 0 }),
            ErrorKind::Unavailable,
        ),
        (
            json!({ "do": "access_denied", "action": "DescribeInstances", "region": REGIONS[1], "count": 0 }),
            ErrorKind::Denied,
        ),
    ] {
        cloud.break_calls(fault.clone());
        let everything = GroupFilter::all();
        let mut groups: Vec<_> = provider.groups(&everything).collect().await;
        let error = groups.pop().unwrap().expect_err("the listing breaks off");
        assert_eq!(error.kind(), kind, "{fault}: {error:?}");
        assert!(error.context().any(|(key, _)| key == "region"), "{error}");
        assert!(groups.iter().all(Result::is_ok), "an error is the last word");
        cloud.page("DELETE", "faults", None);
        assert_eq!(list(&provider).await.unwrap().len(), 153);
    }
    // Temporary failures are retried.
    cloud.break_calls(json!([
        { "do": "throttle", "action": "DescribeAutoScalingGroups", "page": 2 },
        { "do": "http_500", "action": "DescribeInstances" },
    ]));
    assert_eq!(list(&provider).await.unwrap().len(), 153);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_must_not_be_chosen_is_listed_with_the_reason() {
    let Some(cloud) = Cloud::with_web(8) else { return };
    let provider = cloud.provider().await;
    let group = only_group(&provider).await;
    let ids: Vec<String> = group.members.iter().map(|member| member.target.id().name().to_owned()).collect();
    for (index, change) in [
        json!({ "protected_from_scale_in": true }),
        json!({ "lifecycle_state": "Standby" }),
        json!({ "lifecycle_state": "Pending:Wait" }),
        json!({ "lifecycle_state": "Warmed:Running" }),
        json!({ "health_status": "Unhealthy" }),
        json!({ "spot": "fulfilled" }),
        json!({ "spot": "marked-for-termination" }),
    ]
    .into_iter()
    .enumerate()
    {
        let mut change = change;
        change["instance"] = json!(ids[index]);
        cloud.page("POST", "member", Some(change));
    }
    let reasons = async |provider: &chaos_aws::AutoScaling| {
        let group = only_group(provider).await;
        let told = |member: &chaos_core::group::Member| {
            let why = member.excluded.as_deref().or(member.out_of_service.as_deref());
            let why = why.unwrap_or_default().to_owned();
            (member.target.id().name().to_owned(), (member.health.to_string(), why))
        };
        group.members.iter().map(told).collect::<BTreeMap<_, _>>()
    };
    let seen = reasons(&provider).await;
    let expected = [
        ("healthy", "protected from scale-in"),
        ("unhealthy", "in standby (Standby)"),
        ("unhealthy", "a lifecycle hook is in progress (Pending:Wait)"),
        ("unhealthy", "in the warm pool (Warmed:Running)"),
        ("unhealthy", ""),
        ("healthy", ""),
        ("healthy", "the interruption of its spot instance is pending"),
        ("healthy", ""),
    ];
    for (id, (health, why)) in ids.iter().zip(expected) {
        assert_eq!(seen[id], (health.to_owned(), why.to_owned()), "{id}");
    }
    // Of those in service without a pending interruption, one is unhealthy.
    let counted = only_group(&provider).await;
    assert_eq!((counted.desired, counted.in_service(), counted.healthy()), (8, 5, 4));
    let asked = cloud.builder().include_protected().build().await.unwrap();
    assert_eq!(reasons(&asked).await[&ids[0]].1, "");
    let target = provider.resolve(&format!("{}/{}", group.id, ids[4]).parse().unwrap()).await.unwrap();
    assert_eq!(target.unwrap().health().await.unwrap(), chaos_core::Health::Unhealthy);
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_and_instances_opt_in_and_out_by_tag() {
    let Some(cloud) = Cloud::with(json!([
        { "name": "agreed", "region": "eu-west-1", "size": 1, "tags": { "chaos:enabled": "true" } },
        { "name": "refused", "region": "eu-west-1", "size": 1, "tags": { "chaos:enabled": "false" } },
        { "name": "silent", "region": "eu-west-1", "size": 2 },
    ])) else {
        return;
    };
    let provider = cloud.provider().await;
    let silent = list(&provider).await.unwrap().pop().unwrap();
    let refusing = silent.members[0].target.id().clone();
    let tag = aws_sdk_ec2::types::Tag::builder().key("chaos:enabled").value("false").build();
    cloud.ec2().await.create_tags().resources(refusing.name()).tags(tag).send().await.unwrap();
    let free = async |provider: &chaos_aws::AutoScaling| {
        let groups = list(provider).await.unwrap();
        let free = |group: &chaos_core::Group| {
            group.members.iter().filter(|member| member.excluded.is_none()).count()
        };
        groups.iter().map(free).collect::<Vec<_>>()
    };
    assert_eq!(free(&provider).await, [1, 0, 1]);
    let strict = cloud.builder().require_opt_in().build().await.unwrap();
    assert_eq!(free(&strict).await, [1, 0, 0]);
    let group = provider.group(&refusing.group()).await.unwrap();
    let why = group.member(&refusing).unwrap().excluded.clone().unwrap();
    assert_eq!(&*why, "opted out: the tag chaos:enabled of the instance is false");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_cannot_launch_replaces_nobody() {
    let Some(cloud) = Cloud::with_web(1) else { return };
    let client = aws_sdk_autoscaling::Client::new(&cloud.setup());
    let suspend = client.suspend_processes().auto_scaling_group_name("web").scaling_processes("Launch");
    suspend.send().await.unwrap();
    assert!(!only_group(&cloud.provider().await).await.replaces_members);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_is_gone_meanwhile_spoils_no_listing() {
    let Some(cloud) = Cloud::with_web(3) else { return };
    cloud.break_calls(json!({
        "do": "error", "action": "DescribeInstances", "code": "InvalidInstanceID.NotFound",
        "message": "The instance ID 'i-0123456789abcdef0' does not exist", "status": 400,
    }));
    assert_eq!(only_group(&cloud.provider().await).await.healthy(), 3);
    assert_eq!(cloud.count("DescribeInstances"), 2);
}
