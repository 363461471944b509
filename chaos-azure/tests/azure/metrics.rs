//! Probes that look at Azure Monitor.

use std::{net::TcpListener, sync::Arc, time::Duration};

use chaos_azure::AzureMetric;
use chaos_core::{
    BlastRadius, ErrorKind, MemoryJournal, Monkey, Outcome, Result, SteadyState, TargetId,
    clock::{Clock, SystemClock},
    fault::CutShort,
    steady_state::{Phase, Probe, Reading},
};
use chaos_events::Stop;
use chaos_testkit::{Timing, contract};
use fake_azure::{FakeArm, NewAvailabilitySet, PowerState, Role, Trouble};

use crate::cloud::{KnownToken, SUBSCRIPTION, machine, sets, until_stopped};

const LONG: Duration = Duration::from_secs(60);

fn world() -> Arc<FakeArm> {
    let fake = FakeArm::start().unwrap();
    fake.add(NewAvailabilitySet::new("shop", "web").machines(2));
    Arc::new(fake)
}

pub(crate) fn cpu(fake: &FakeArm) -> AzureMetric {
    of(fake, "web-0", "Percentage CPU")
}

fn of(fake: &FakeArm, name: &str, metric: &str) -> AzureMetric {
    let metric = AzureMetric::of(machine(name), metric).endpoint(fake.endpoint());
    metric.credential(Arc::new(KnownToken)).answering_within(LONG)
}

async fn look(probe: &AzureMetric) -> Result<Reading> {
    probe.check().unwrap();
    probe.look(&SystemClock::default()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_number_is_read_with_one_request_though_the_newest_minutes_have_none() {
    let fake = world();
    fake.set_metric(&machine("web-0"), "Percentage CPU", [Some(9.0), Some(12.5), None, None]);
    fake.set_metric(&machine("web-1"), "Percentage CPU", [99.0]);
    assert_eq!(look(&cpu(&fake)).await.unwrap(), 12.5.into());
    let requests = fake.requests();
    assert_eq!(requests.len(), 1);
    assert!(requests[0].path.ends_with("/virtualMachines/web-0/providers/Microsoft.Insights/metrics"));
    let asked = |name: &str| {
        let found = requests[0].query.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    };
    assert_eq!(asked("api-version"), Some("2024-02-01"));
    assert_eq!(asked("metricnames"), Some("Percentage CPU"));
    assert_eq!((asked("aggregation"), asked("interval")), (Some("Average"), Some("PT1M")));
    assert_eq!((asked("$filter"), asked("metricnamespace")), (None, None));
    let (from, to) = asked("timespan").unwrap().split_once('/').unwrap();
    let [from, to] = [from, to].map(|time| time.parse::<jiff::Timestamp>().unwrap());
    assert_eq!(to.as_second() - from.as_second(), 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_names_its_namespace_and_dimensions_as_quoted_data() {
    let fake = world();
    fake.set_metric(&machine("web-0"), "Percentage CPU", [1.0]);
    let odd = cpu(&fake).namespace("Shop/Orders").dimension("Till", "O'Neill&x=1").dimension("Floor", "2");
    let odd = odd.aggregation("Total").interval(Duration::from_secs(3600));
    look(&odd).await.unwrap_err();
    let query = fake.requests()[0].query.clone();
    for expected in [
        ("$filter", "Till eq 'O''Neill&x=1' and Floor eq '2'"),
        ("metricnamespace", "Shop/Orders"),
        ("aggregation", "Total"),
        ("interval", "PT1H"),
    ] {
        let expected = (expected.0.to_owned(), expected.1.to_owned());
        assert!(query.contains(&expected), "{expected:?} is missing: {query:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_metric_without_a_number_in_its_window_is_a_doubt_and_no_old_number() {
    let fake = world();
    let mut old = vec![None; 10];
    old[0] = Some(12.5);
    for values in [vec![None, None, None], vec![], old] {
        fake.set_metric(&machine("web-0"), "Percentage CPU", values);
        let error = look(&cpu(&fake)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(error.to_string().contains("has no number in the window: check its dimensions"), "{error}");
        assert!(error.context().any(|named| named == ("window", "5m")), "{error}");
        assert!(error.context().any(|named| named == ("metric", "Percentage CPU")), "{error}");
    }
    let wide = cpu(&fake).window(Duration::from_secs(900));
    assert_eq!(look(&wide).await.unwrap(), 12.5.into());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_azure_refuses_is_a_doubt_that_says_which_and_what_to_do_and_is_not_asked_again() {
    let fake = world();
    fake.set_metric(&machine("web-0"), "Percentage CPU", [12.5]);
    let (web, unknown) = (cpu(&fake), of(&fake, "web-0", "Happiness"));
    let gone = of(&fake, "web-9", "Percentage CPU");
    let nothing = None;
    for (probe, trouble, kind, words) in [
        (&gone, nothing.clone(), ErrorKind::NotFound, "does not exist: check its id"),
        (&unknown, nothing, ErrorKind::InvalidInput, "Valid metrics: Percentage CPU"),
        (&web, Some(Trouble::forbid()), ErrorKind::Denied, "missing=\"Microsoft.Insights/metrics/read\""),
        (&web, Some(Trouble::internal_error()), ErrorKind::Unavailable, "Azure refused the call"),
        (&web, Some(Trouble::cut_before()), ErrorKind::Unavailable, "the connection to Azure"),
        (&web, Some(Trouble::cut_after()), ErrorKind::Unavailable, "the connection to Azure"),
        // Last, because it asks to wait.
        (&web, Some(Trouble::throttle(30)), ErrorKind::Throttled, "look less often, with `every`"),
    ] {
        fake.forget_requests();
        if let Some(trouble) = trouble.clone() {
            fake.trouble(trouble.for_ever());
        }
        let error = look(probe).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{trouble:?}: {error:?}");
        assert!(error.chain().contains(words), "{trouble:?}: {}", error.chain());
        assert_eq!(fake.requests().len(), 1, "{trouble:?}");
        fake.end_trouble();
    }
    // Azure has asked to wait, so nothing is sent, and nothing is waited for.
    let error = look(&web).await.unwrap_err();
    assert_eq!((error.kind(), fake.requests().len()), (ErrorKind::Throttled, 1), "{error}");
    assert!(error.chain().contains("asked to wait"), "{}", error.chain());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_without_the_permission_is_a_doubt_that_names_it() {
    let fake = world();
    fake.set_metric(&machine("web-0"), "Percentage CPU", [12.5]);
    fake.assign(Role::owner().without("Microsoft.Insights/metrics/read"));
    let error = look(&cpu(&fake)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    let told = error.to_string();
    assert!(told.starts_with("access denied: a role must allow this action"), "{told}");
    assert!(told.contains(&format!("scope={:?}", machine("web-0"))), "{told}");
    fake.assign(Role::new(["Microsoft.Insights/metrics/read"]));
    assert_eq!(look(&cpu(&fake)).await.unwrap(), 12.5.into());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_refused_is_renewed_once() {
    let fake = world();
    fake.set_metric(&machine("web-0"), "Percentage CPU", [12.5]);
    fake.trouble(Trouble::expire_token());
    assert_eq!(look(&cpu(&fake)).await.unwrap(), 12.5.into());
    assert_eq!(fake.requests().len(), 2);
    fake.trouble(Trouble::expire_token().for_ever());
    let error = look(&cpu(&fake)).await.unwrap_err();
    assert_eq!((error.kind(), fake.requests().len()), (ErrorKind::Denied, 4), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_is_a_doubt_once_the_time_limit_of_the_probe_is_over() {
    let fake = world();
    fake.trouble(Trouble::delay(30_000).for_ever());
    let clock = SystemClock::default();
    let begun = clock.monotonic();
    let error = look(&cpu(&fake).answering_within(Duration::from_millis(300))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert!(error.to_string().contains("did not answer in time"), "{error}");
    assert!(clock.monotonic() - begun < Duration::from_secs(20), "long before the answer");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_probe_keeps_the_contract_of_probes() {
    let fake = world();
    fake.set_metric(&machine("web-0"), "Percentage CPU", [12.5]);
    // It takes a connection and never answers.
    let stuck = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = cpu(&fake).endpoint(format!("http://{}", stuck.local_addr().unwrap()));
    let silent = silent.answering_within(Duration::from_secs(1));
    let cpu = cpu(&fake).window(Duration::from_secs(3600));
    let timing = Timing::default().settle(LONG);
    contract::probe::check_with_silence(&timing, &cpu, &silent).await.assert_kept();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_ends_when_a_metric_leaves_its_range_and_the_machine_is_back() {
    let fake = world();
    fake.set_metric(&machine("web-1"), "Percentage CPU", [40.0, 40.0]);
    let steady = SteadyState::new("If one machine is off, then the other bears it")
        .probe("load", of(&fake, "web-1", "Percentage CPU"), ..=80.0)
        .every(Duration::from_millis(50))
        .time_limit(2 * LONG);
    let target: TargetId = format!("azure-avset:{SUBSCRIPTION}/shop/web/web-0").parse().unwrap();
    let monkey = Monkey::builder()
        .provider(sets(&fake).build().unwrap())
        .blast_radius(BlastRadius::default().min_healthy(0))
        .settle(Duration::from_millis(50))
        .steady_state(steady)
        .unleash(MemoryJournal::new(), chaos_events::registry())
        .build()
        .unwrap();
    let rises = async {
        until_stopped(&fake, "web-0").await;
        fake.set_metric(&machine("web-1"), "Percentage CPU", [40.0, 97.5]);
        // A fall that the system needs to be steady again.
        crate::cloud::until("the machine starts", || {
            fake.power_state(&machine("web-0")) == Some(PowerState::Running)
        })
        .await;
        fake.set_metric(&machine("web-1"), "Percentage CPU", [97.5, 40.0]);
    };
    let stop = Stop::lasting(Duration::from_secs(600)).unwrap();
    let (report, ()) = tokio::join!(monkey.inject(stop, &target), rises);
    let report = report.unwrap();
    assert_eq!(report.outcome(), Outcome::Deviated, "{report}");
    assert_eq!(report.faults[0].cut_short, Some(CutShort::NotSteady), "{report}");
    let found = report.steady_state.as_ref().unwrap().probe("load").unwrap();
    let violation = found.first_violation.as_ref().unwrap();
    assert_eq!((violation.phase, violation.value.as_deref()), (Phase::During, Some("97.5")), "{report}");
    assert!(report.is_recovered(), "{report}");
    assert_eq!(fake.power_state(&machine("web-0")), Some(PowerState::Running));
}
