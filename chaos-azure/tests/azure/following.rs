//! After an order was accepted only the machine is looked at, and at the recovery's own pace.

use std::{sync::Arc, time::Duration};

use azure_core::http::HttpClient;
use chaos_core::{
    BlastRadius, MemoryJournal, Monkey, Outcome, Provider, RunReport, TargetId,
    clock::{Clock, SystemClock},
    fault::Milestone,
};
use chaos_events::Stop;
use fake_azure::{FakeArm, NewAvailabilitySet, NewScaleSet, Pace, PowerState, SecurityGroups};
use futures_util::future::join_all;
use serde_json::json;

use crate::{
    cloud::{count, machine, only_group, scale_sets, sets},
    isolation::{isolate, left_behind},
    rewriting::{Reply, Rewriting},
};

/// The answer that replaces the status of an order.
type Poll = fn(&mut Reply);

const POLLS: [(&str, Poll); 8] = [
    ("refused", |reply| reply.refusal(403, "AuthorizationFailed")),
    ("forgotten", |reply| reply.refusal(404, "NotFound")),
    ("gone", |reply| reply.refusal(410, "Gone")),
    ("a page", |reply| reply.text(200, "text/html", "<html>log in</html>")),
    ("nothing", |reply| reply.text(200, "application/json", "")),
    ("cut off", |reply| reply.body.truncate(20)),
    ("no status", |reply| reply.change(|document| document["status"] = json!(null))),
    ("a status that nobody knows", |reply| reply.change(|document| document["status"] = json!("Resting"))),
];

fn polls(change: Poll) -> Arc<dyn HttpClient> {
    Rewriting::by(move |request, reply| {
        let path = request.url().path().to_lowercase();
        if path.contains("/operations/") || path.contains("/operationresults/") {
            change(reply);
        }
    })
}

/// An HTTP client in whose answers operations are on another host.
fn elsewhere() -> Arc<dyn HttpClient> {
    Rewriting::by(|request, reply| {
        if request.method() == azure_core::http::Method::Post {
            reply.headers.insert("azure-asyncoperation", "https://evil.example/operations/1");
            reply.headers.insert("location", "https://evil.example/operations/1");
        }
    })
}

async fn stop(provider: impl Provider, target: &TargetId, seconds: u64) -> RunReport {
    let monkey = Monkey::builder()
        .provider(provider)
        .blast_radius(BlastRadius::default().min_healthy(0))
        .unleash(MemoryJournal::new(), chaos_events::registry())
        .build()
        .unwrap();
    monkey.inject(Stop::lasting(Duration::from_secs(seconds)).unwrap(), target).await.unwrap()
}

fn web() -> TargetId {
    format!("azure-avset:{}/shop/web/web-0", FakeArm::SUBSCRIPTION).parse().unwrap()
}

/// Checks an order after which the machine is up within 400 ms, although no status of the order can be read.
async fn is_carried_out(what: &str, http: Arc<dyn HttpClient>, is_scale_set: bool) {
    let fake = FakeArm::start().unwrap();
    fake.configure(|settings| settings.pace = Pace::Milliseconds(400));
    let report = if is_scale_set {
        fake.add(NewScaleSet::new("shop", "api").capacity(2));
        let provider = scale_sets(&fake).http_client(http).build().unwrap();
        let target = only_group(&provider).await.members[0].target.id().clone();
        stop(provider, &target, 4).await
    } else {
        fake.add(NewAvailabilitySet::new("shop", "web").machines(2));
        stop(sets(&fake).http_client(http).build().unwrap(), &web(), 4).await
    };
    assert_eq!(report.outcome(), Outcome::Completed, "{what}: {report:?}");
    assert!(report.is_recovered() && report.faults[0].failure.is_none(), "{what}: {report:?}");
    let orders = (count(&fake, "POST", "/powerOff"), count(&fake, "POST", "/start"));
    let lower = count(&fake, "POST", "/poweroff");
    assert_eq!((orders.0.max(lower), orders.1), (1, 1), "{what}: {report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_of_which_nobody_tells_how_it_stands_is_under_way_and_not_failed() {
    let mut cases = Vec::new();
    for is_scale_set in [false, true] {
        for (what, change) in POLLS {
            cases.push(is_carried_out(what, polls(change), is_scale_set));
        }
        cases.push(is_carried_out("another host", elsewhere(), is_scale_set));
    }
    join_all(cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_isolation_of_which_nobody_tells_how_it_stands_is_seen_by_what_it_changes() {
    let mut cases = Vec::new();
    for groups in [SecurityGroups::Shared, SecurityGroups::None] {
        // The last one says that it is in progress, which is believed for a minute.
        for (what, change) in &POLLS[..POLLS.len() - 1] {
            cases.push(async move {
                let fake = FakeArm::start().unwrap();
                fake.configure(|settings| settings.pace = Pace::Milliseconds(50));
                fake.add(NewAvailabilitySet::new("shop", "web").machines(2).security_groups(groups));
                let provider = sets(&fake).http_client(polls(*change)).build().unwrap();
                let report = isolate(provider, &web(), || ()).await;
                let what = format!("{what} {groups:?}: {report:?}");
                assert!(report.is_recovered() && report.faults[0].failure.is_none(), "{what}");
                assert_eq!(left_behind(&fake).await, [""; 0], "{what}");
            });
        }
    }
    join_all(cases).await;
}

/// The wait that ARM asks for before the next poll of an order does not delay looks at the machine.
#[tokio::test(flavor = "multi_thread")]
async fn who_must_not_ask_about_an_order_for_an_hour_looks_at_the_machine() {
    let fake = FakeArm::start().unwrap();
    fake.configure(|settings| {
        settings.pace = Pace::Milliseconds(1_500);
        settings.retry_after_seconds = 3_600;
    });
    fake.add(NewAvailabilitySet::new("shop", "web").machines(2));
    let begun = SystemClock::default().monotonic();
    let report = stop(sets(&fake).build().unwrap(), &web(), 5).await;
    let taken = SystemClock::default().monotonic() - begun;
    assert_eq!(report.outcome(), Outcome::Completed, "{report:?}");
    let fault = &report.faults[0];
    let note = fault.note.clone().unwrap_or_default();
    assert!(!note.contains("went by before the injection had returned"), "the hold is its own: {note}");
    let healthy = fault.milestones.iter().find(|reached| reached.milestone == Milestone::Healthy).unwrap();
    let recovering = healthy.at.duration_since(fault.deadline);
    assert!(taken < Duration::from_secs(60), "it was waited for the order: {taken:?} {recovering}");
    assert_eq!(count(&fake, "POST", "/start"), 1, "no second order beside the first: {report:?}");
    assert_eq!(fake.power_state(&machine("web-0")), Some(PowerState::Running));

    // The status of a network change is read from the changed resource.
    let report = isolate(sets(&fake).build().unwrap(), &web(), || ()).await;
    assert!(report.is_recovered() && report.faults[0].failure.is_none(), "{report:?}");
    assert_eq!(left_behind(&fake).await, [""; 0]);
}
