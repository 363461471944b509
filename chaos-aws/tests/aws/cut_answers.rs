//! Answers that end early, at every place: a missing part is never taken for a missing resource.

use std::{collections::BTreeSet, fmt::Debug, time::Duration};

use chaos_core::{
    ErrorKind, FaultId, Group, Provider, Result, TargetId,
    capability::{Change, Script},
    fault::BoxFuture,
};
use serde_json::json;

use crate::cloud::{Cloud, list, only_group};

/// The number of places at which answers are cut, also for slow looks. A test of the checkpoint itself cuts an answer
/// at each byte.
const MANY: u64 = 40;
const FEW: u64 = 8;

/// Makes a look, and returns a text that is the same for the same answer.
type Look<'a> = Box<dyn Fn() -> BoxFuture<'a, Result<String>> + 'a>;

fn told(value: impl Debug) -> String {
    format!("{value:?}")
}

/// The data of a group that a plan depends on.
fn told_group(group: &Group) -> String {
    let member = |member: &chaos_core::group::Member| {
        let (target, health, why) =
            (&member.target, member.health, (&member.excluded, &member.out_of_service));
        format!("{} {:?} {health:?} {why:?}", target.id(), target.labels())
    };
    let members: Vec<_> = group.members.iter().map(member).collect();
    format!("{} {} {} {:?} {members:?}", group.id, group.desired, group.replaces_members, group.labels)
}

/// Looks with every answer to `action` cut before one of its pieces: `cuts` of them spread over the answer, and the
/// last ones. Each look must be a retryable error.
async fn cut_everywhere(cloud: &Cloud, action: &str, cuts: u64, look: &Look<'_>) {
    cloud.forget_calls();
    let whole = look().await.unwrap();
    assert_eq!(look().await.unwrap(), whole, "a look tells the same again");
    let calls = cloud.page("GET", "calls", None);
    let of_action = calls.as_array().unwrap().iter().find(|call| call["action"] == action);
    let pieces = of_action.unwrap()["pieces"].as_u64().unwrap();
    assert!(pieces > 2, "{action}: {pieces}");
    let spread = (0..pieces).step_by(usize::try_from(pieces / cuts + 1).unwrap());
    let places: BTreeSet<u64> = spread.chain(pieces.saturating_sub(4)..pieces).collect();
    cloud.break_calls(json!({ "do": "cut_short", "action": action, "count": 0, "places": places }));
    for piece in &places {
        let error = look().await.expect_err(&format!("{action}, cut before piece {piece} of {pieces}"));
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{action} {piece}: {error:?}");
        assert!(error.is_retryable() && !error.is_final(), "{action} {piece}: {error:?}");
    }
    cloud.page("DELETE", "faults", None);
    assert_eq!(look().await.unwrap(), whole, "{action}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_cut_anywhere_is_a_doubt() {
    let Some(cloud) = Cloud::with(json!([
        { "name": "refusing", "region": "eu-west-1", "size": 1, "tags": { "chaos:enabled": "false" } },
        { "name": "web", "region": "eu-west-1", "size": 1, "tags": { "team": "shop" } },
    ])) else {
        return;
    };
    let provider = cloud.asking_once().await;
    let groups = list(&provider).await.unwrap();
    let spot = groups[1].members[0].target.id();
    cloud.page("POST", "member", Some(json!({ "instance": spot.name(), "spot": "marked-for-termination" })));
    let setup = aws_sdk_autoscaling::Client::new(&cloud.setup());
    setup
        .suspend_processes()
        .auto_scaling_group_name("web")
        .scaling_processes("Launch")
        .send()
        .await
        .unwrap();
    let everything: Look<'_> = Box::new(|| {
        Box::pin(async {
            let groups = list(&provider).await?;
            Ok(groups.iter().map(told_group).collect::<Vec<_>>().join("; "))
        })
    });
    let whole = everything().await.unwrap();
    for word in ["opted out", "interruption", "web false"] {
        let word = word.replace("web false", "eu-west-1/web 1 false");
        assert!(whole.contains(&word), "{whole}");
    }
    for action in ["DescribeAutoScalingGroups", "DescribeInstances", "DescribeSpotInstanceRequests"] {
        cut_everywhere(&cloud, action, MANY, &everything).await;
    }
    let id = &groups[0].id;
    let one: Look<'_> =
        Box::new(|| Box::pin(async { provider.group(id).await.map(|group| told_group(&group)) }));
    for action in ["DescribeAutoScalingGroups", "DescribeInstances"] {
        cut_everywhere(&cloud, action, MANY, &one).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_cut_before_what_asks_for_its_next_page_is_no_shorter_list() {
    let Some(cloud) = Cloud::with(json!([{ "name": "web", "region": "eu-west-1", "count": 101, "size": 0 }]))
    else {
        return;
    };
    let provider = cloud.asking_once().await;
    cloud.forget_calls();
    assert_eq!(list(&provider).await.unwrap().len(), 101);
    let calls = cloud.page("GET", "calls", None);
    let pieces =
        calls.as_array().unwrap().iter().find(|call| call["page"] == 1).unwrap()["pieces"].as_u64().unwrap();
    cloud.break_calls(json!({
        "do": "cut_short", "action": "DescribeAutoScalingGroups", "page": 1, "count": 0,
        "places": (pieces - 12..pieces).collect::<Vec<_>>(),
    }));
    for piece in pieces - 12..pieces {
        let error = list(&provider).await.expect_err("a listing that ends early");
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{piece}: {error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_at_an_instance_cut_anywhere_is_a_doubt() {
    let Some(cloud) = Cloud::with_web(1) else { return };
    let provider = cloud.asking_once().await;
    let target = only_group(&provider).await.members[0].target.clone();
    let id: &TargetId = target.id();
    cloud.ec2().await.stop_instances().instance_ids(id.name()).send().await.unwrap();
    let resolved: Look<'_> = Box::new(|| {
        Box::pin(async {
            provider.resolve(id).await.map(|target| told(target.map(|target| target.labels().clone())))
        })
    });
    cut_everywhere(&cloud, "DescribeInstances", MANY, &resolved).await;
    let health: Look<'_> = Box::new(|| Box::pin(async { target.health().await.map(told) }));
    assert!(health().await.unwrap().contains("Stopped"));
    for action in ["DescribeAutoScalingGroups", "DescribeInstances"] {
        cut_everywhere(&cloud, action, MANY, &health).await;
    }
    let gone: TargetId = "aws-asg:123456789012/eu-west-1/web/i-0123456789abcdef0".parse().unwrap();
    let nobody: Look<'_> = Box::new(|| Box::pin(async { provider.resolve(&gone).await.map(told) }));
    assert_eq!(nobody().await.unwrap(), "None");
    cut_everywhere(&cloud, "GetCallerIdentity", MANY, &nobody).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_at_an_isolation_cut_anywhere_is_a_doubt() {
    let Some(cloud) = Cloud::with_web(1) else { return };
    let provider = cloud.asking_once().await;
    let id = only_group(&provider).await.members[0].target.id().clone();
    let settings = provider.remains(&id).await.unwrap().settings().unwrap().unwrap();
    let before = settings.snapshot(&Change::Isolate).await.unwrap();
    let fault: FaultId = "00000000000000ff".parse().unwrap();
    let ec2 = cloud.ec2().await;
    let found = ec2.describe_instances().instance_ids(id.name()).send().await.unwrap();
    let interface = found.reservations()[0].instances()[0].network_interfaces()[0].clone();
    let make = ec2.create_security_group().group_name(format!("chaos-isolation-{fault}")).description("x");
    let made = make.vpc_id(interface.vpc_id().unwrap()).send().await.unwrap().group_id.unwrap();
    let standing: Look<'_> =
        Box::new(|| Box::pin(async { settings.standing(&before, fault).await.map(told) }));
    assert!(standing().await.unwrap().starts_with("Partly"));
    cut_everywhere(&cloud, "DescribeSecurityGroups", MANY, &standing).await;
    let into = ec2.modify_network_interface_attribute();
    let into = into.network_interface_id(interface.network_interface_id().unwrap()).groups(made);
    into.send().await.unwrap();
    assert!(standing().await.unwrap().starts_with("Partly"), "it has rules");
    cut_everywhere(&cloud, "DescribeNetworkInterfaces", MANY, &standing).await;
    cut_everywhere(&cloud, "DescribeInstances", FEW, &standing).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_systems_manager_says_cut_anywhere_is_a_doubt() {
    let Some(cloud) = Cloud::with_web(1) else { return };
    let provider = cloud.asking_once().await;
    let id = only_group(&provider).await.members[0].target.id().clone();
    let shell =
        async || provider.resolve(&id).await.map(|target| target.unwrap().capabilities().shell.unwrap());
    let known: Look<'_> = Box::new(|| Box::pin(async { shell().await?.network().await.map(told) }));
    cut_everywhere(&cloud, "DescribeInstanceInformation", MANY, &known).await;
    let script = Script::new("echo all is well");
    let ran: Look<'_> = Box::new(|| Box::pin(async { shell().await?.inspect(&script).await.map(told) }));
    // Each runs a script, which takes time.
    cut_everywhere(&cloud, "GetCommandInvocation", FEW, &ran).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_proxy_says_is_no_answer_and_is_got_over() {
    let Some(cloud) = Cloud::with_web(1) else { return };
    let once = cloud.asking_once().await;
    let usual = cloud.provider().await;
    for (how, status, words) in [
        ("web_page", 200, "is there a proxy or a login page in between?"),
        ("empty", 200, "is there a proxy or a login page in between?"),
        ("web_page", 403, "is there a proxy or a login page in between?"),
        ("web_page", 407, "is there a proxy or a login page in between?"),
    ] {
        for action in ["DescribeAutoScalingGroups", "DescribeInstances"] {
            cloud.break_calls(json!({ "do": how, "action": action, "status": status, "count": 0 }));
            let error = list(&once).await.expect_err(how);
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
            assert!(error.to_string().contains(words), "{error:?}");
            assert!(error.is_retryable() && !error.is_final());
            cloud.page("DELETE", "faults", None);
            if status == 200 {
                cloud.break_calls(json!({ "do": how, "action": action }));
                assert_eq!(list(&usual).await.unwrap().len(), 1, "what passes is got over");
                cloud.page("DELETE", "faults", None);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_when_to_ask_again_is_heard() {
    let Some(cloud) = Cloud::with_web(1) else { return };
    let once = cloud.asking_once().await;
    for (how, status) in [("web_page", 503), ("error", 429), ("throttle", 503)] {
        let action = "DescribeInstances";
        cloud.break_calls(
            json!({ "do": how, "action": action, "status": status, "retry_after": 7, "count": 0 }),
        );
        let error = list(&once).await.expect_err(how);
        assert_eq!(error.asks_to_wait(), Some(Duration::from_secs(7)), "{error:?}");
        cloud.page("DELETE", "faults", None);
    }
}
