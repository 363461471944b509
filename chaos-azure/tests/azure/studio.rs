//! Experiments of Chaos Studio.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chaos_azure::ChaosStudioExperiment;
use chaos_core::{
    BlastRadius, Capability, CapabilitySet, ChaosEvent, Hold, MemoryJournal, Monkey, Outcome, Prepared,
    Result, RunReport, Scope, clock::Clock, plan::Decision,
};
use chaos_events::{RunEngineExperiment, StopEngineExperiment};
use chaos_testkit::{Subject, Timing, contract};
use fake_azure::{FakeArm, NewAvailabilitySet, NewExperiment, NewScaleSet, Trouble};
use serde_json::{Value, json};

use crate::{
    cloud::{SUBSCRIPTION, count, machine, only_group, scale_sets, sets},
    fast_clock::FastClock,
    isolation::{get_version, post_version},
};

/// An experiment that shuts these machines down, and ends after this time unless somebody stops it.
pub(crate) fn shutdown(duration: &str, resources: &[String]) -> NewExperiment {
    let steps = json!([{ "name": "step", "branches": [{ "name": "branch", "actions": [{
        "type": "continuous", "name": "urn:csci:microsoft:virtualMachine:shutdown/1.0", "duration": duration,
        "parameters": [{ "key": "abruptShutdown", "value": "true" }], "selectorId": "some",
    }] }] }]);
    let target = |resource: &String| {
        let id = format!("{resource}/providers/Microsoft.Chaos/targets/Microsoft-VirtualMachine");
        json!({ "type": "ChaosTarget", "id": id })
    };
    let targets: Vec<Value> = resources.iter().map(target).collect();
    let selectors = json!([{ "type": "List", "id": "some", "targets": targets }]);
    NewExperiment::new("shop", "drill").defined(steps, selectors)
}

pub(crate) fn drill() -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/shop/providers/Microsoft.Chaos/experiments/drill")
}

/// An event of 20 s.
fn brief() -> RunEngineExperiment {
    RunEngineExperiment::of(ChaosStudioExperiment::new(&drill()).unwrap())
        .lasting(Duration::from_secs(100))
        .unwrap()
}

pub(crate) fn minutes(minutes: u64) -> RunEngineExperiment {
    let experiment = RunEngineExperiment::of(ChaosStudioExperiment::new(&drill()).unwrap());
    experiment.lasting(Duration::from_secs(60 * minutes)).unwrap()
}

/// A set of three, and an experiment. In the fake, it lasts at least as long as its definition says by the monkey's
/// clock.
struct Lab {
    fake: FakeArm,
    clock: Arc<dyn Clock>,
}

impl Lab {
    fn start(experiment: NewExperiment) -> Self {
        let fake = FakeArm::start().unwrap();
        fake.add(NewAvailabilitySet::new("shop", "web").machines(3));
        fake.add(experiment);
        Self { fake, clock: FastClock::start() }
    }

    async fn inject(&self, event: impl ChaosEvent) -> RunReport {
        let monkey = Monkey::builder()
            .provider(sets(&self.fake).clock(Arc::clone(&self.clock)).build().unwrap())
            .event(event)
            .blast_radius(BlastRadius::default().min_healthy(0))
            .clock(Arc::clone(&self.clock))
            .unleash(MemoryJournal::new(), chaos_events::registry())
            .build()
            .unwrap();
        monkey.run_once().await.unwrap()
    }

    /// The statuses of all executions, the newest first.
    async fn executions(&self) -> Vec<String> {
        let listed = get_version(&self.fake, &format!("{}/executions", drill()), "2025-01-01").await;
        let executions = listed["value"].as_array().unwrap().iter();
        executions.map(|execution| execution["properties"]["status"].as_str().unwrap().to_owned()).collect()
    }

    /// The reason why the experiment was not run.
    async fn refusal(&self, event: RunEngineExperiment) -> String {
        let report = self.inject(event).await;
        assert!(report.faults.is_empty(), "{report:?}");
        assert_eq!(count(&self.fake, "POST", "/start"), 0);
        report.skipped.iter().map(|skip| skip.reason.to_string()).collect()
    }
}

fn one() -> Vec<String> {
    vec![machine("web-0")]
}

fn lasting(seconds: u64, experiment: NewExperiment) -> NewExperiment {
    experiment.lasting(Duration::from_secs(seconds) / FastClock::FACTOR)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_runs_late_is_cancelled_and_waited_for() {
    let lab = Lab::start(lasting(36_000, shutdown("PT20S", &one())));
    let report = lab.inject(brief()).await;
    assert_eq!(report.outcome(), Outcome::Completed, "{report:?}");
    assert_eq!(lab.executions().await, ["Cancelled"]);
    assert_eq!((count(&lab.fake, "POST", "/start"), count(&lab.fake, "POST", "/cancel")), (1, 1));
    let note = report.faults[0].note.as_deref().unwrap();
    for part in [
        "hits at most 1 of the group",
        "virtualMachine:shutdown/1.0 on some",
        "its selector some is",
        "is stopped",
    ] {
        assert!(note.contains(part), "{part:?} is not in {note:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_ends_by_itself_is_left_alone_and_those_before_it_too() {
    let lab = Lab::start(lasting(20, shutdown("PT20S", &one())));
    for _ in 0..2 {
        let report = lab.inject(brief()).await;
        assert_eq!(report.outcome(), Outcome::Completed, "{report:?}");
        assert!(report.faults[0].note.as_deref().unwrap().contains("is completed"), "{report:?}");
    }
    assert_eq!(lab.executions().await, ["Success", "Success"]);
    assert_eq!(count(&lab.fake, "POST", "/cancel"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_fails_is_reported() {
    let lab = Lab::start(shutdown("PT20S", &one()).failing());
    let report = lab.inject(brief()).await;
    assert!(report.is_recovered(), "{report:?}");
    assert!(report.faults[0].note.as_deref().unwrap().contains("is failed"), "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_ends_in_one_run_that_is_cancelled_or_in_none() {
    for (trouble, executions, cancels) in
        [(Trouble::cut_after(), vec!["Cancelled"], 2), (Trouble::cut_before(), vec![], 0)]
    {
        let lab = Lab::start(lasting(36_000, shutdown("PT10M", &one())));
        lab.fake.trouble(trouble.on("POST", "*/start"));
        lab.fake.trouble(Trouble::internal_error().on("POST", "*/cancel"));
        let report = lab.inject(minutes(12)).await;
        assert!(report.is_recovered() && report.faults[0].failure.is_some(), "{report:?}");
        assert_eq!(lab.executions().await, executions);
        assert_eq!(count(&lab.fake, "POST", "/start"), 1, "it is not sent again");
        assert_eq!(count(&lab.fake, "POST", "/cancel"), cancels, "what fails in passing is ordered again");
    }
}

/// Starts one experiment twice, and the second time after the first run of it has ended.
#[derive(Debug)]
struct TwiceStarted(Arc<dyn Clock>);

#[async_trait]
impl ChaosEvent for TwiceStarted {
    fn name(&self) -> &'static str {
        "twice-started"
    }

    fn requires(&self) -> CapabilitySet {
        CapabilitySet::of([Capability::Engine])
    }

    fn hold(&self) -> Hold {
        Hold::lasting(Duration::from_secs(100)).unwrap()
    }

    async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
        let experiments = Arc::clone(scope.target().capabilities().engine()?);
        let id = ChaosStudioExperiment::new(&drill())?;
        let experiment = experiments.look_up(&id.into()).await?.experiment;
        let (recovery, clock) = (StopEngineExperiment::of(&experiment, scope.group()), Arc::clone(&self.0));
        Ok(Prepared::new(recovery, move |permit| {
            Box::pin(async move {
                experiments.start(&experiment, permit).await?;
                while !experiments
                    .runs(&experiment, permit.fault())
                    .await?
                    .iter()
                    .all(|run| run.state.has_ended())
                {
                    clock.sleep(Duration::from_secs(5)).await;
                }
                experiments.start(&experiment, permit).await
            })
        }))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_fault_runs_an_experiment_once() {
    let lab = Lab::start(lasting(20, shutdown("PT20S", &one())));
    let report = lab.inject(TwiceStarted(Arc::clone(&lab.clock))).await;
    assert!(report.is_recovered() && report.faults[0].failure.is_none(), "{report:?}");
    assert_eq!(lab.executions().await, ["Success"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_outlive_the_fault_or_leave_the_group_is_not_started() {
    let lab = Lab::start(shutdown("PT5M", &one()));
    let long = lab.refusal(minutes(5)).await;
    assert!(long.contains("lasts up to 300s"), "{long}");
    let lab = Lab::start(shutdown("PT20S", &[machine("web-0"), machine("web-1")]));
    let many = lab.refusal(brief()).await;
    assert!(many.contains("more members of the group than are allowed"), "{many}");
    let allowed = lab.inject(brief().members(2).unwrap()).await;
    assert!(allowed.is_recovered() && allowed.faults.len() == 1, "{allowed:?}");
    let lab = Lab::start(shutdown("PT20S", &[machine("stranger")]));
    let beyond = lab.refusal(brief()).await;
    assert!(beyond.contains("may hit more than the target's group"), "{beyond}");
    let nothing = NewExperiment::new("shop", "other");
    let lab = Lab::start(nothing);
    let unknown = lab.refusal(brief()).await;
    assert!(unknown.contains("does not exist"), "{unknown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_runs_already_is_not_started() {
    let lab = Lab::start(lasting(36_000, shutdown("PT20S", &one())));
    let provider = sets(&lab.fake).build().unwrap();
    let group = only_group(&provider).await;
    let engine = group.members[0].target.capabilities().engine.unwrap();
    let id = ChaosStudioExperiment::new(&drill()).unwrap().into();
    let definition = engine.look_up(&id).await.unwrap();
    assert!(definition.under_way.is_empty());
    // As somebody else does.
    post_version(&lab.fake, &format!("{}/start", drill()), "2025-01-01").await;
    lab.fake.forget_requests();
    let why = lab.refusal(brief()).await;
    assert!(why.contains("already running"), "{why}");
    assert_eq!(count(&lab.fake, "POST", "/cancel"), 0, "nobody touches what is somebody else's");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scale_set_is_a_target_of_the_engine_as_a_whole() {
    let fake = FakeArm::start().unwrap();
    fake.add(NewScaleSet::new("shop", "api").capacity(4));
    let api = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/SHOP/providers/Microsoft.Compute/virtualMachineScaleSets/API"
    );
    fake.add(shutdown("PT20S", &[api]));
    let provider = scale_sets(&fake).build().unwrap();
    let target = only_group(&provider).await.members[0].target.clone();
    let engine = target.capabilities().engine.unwrap();
    let id = ChaosStudioExperiment::new(&drill()).unwrap().into();
    let definition = engine.look_up(&id).await.unwrap();
    assert_eq!(definition.extent, chaos_core::engine::EngineExtent::Members(4));
    assert_eq!(definition.longest, Ok(Duration::from_secs(20)));
    let plan = Monkey::builder().provider(provider).event(brief()).build().unwrap().plan().await.unwrap();
    let is_chosen = |decision: &Decision| matches!(decision, Decision::Chosen { .. });
    assert!(plan.groups[0].targets.iter().any(|target| is_chosen(&target.decision)), "{plan:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn experiments_keep_their_contracts() {
    let clock = FastClock::start();
    let timing = Timing::new(Arc::clone(&clock))
        .settle(Duration::from_secs(600))
        .quiet(Duration::from_secs(4))
        .poll(Duration::from_secs(1));
    let world = |experiment: NewExperiment| {
        let fake = FakeArm::start().unwrap();
        fake.add(NewAvailabilitySet::new("shop", "web").machines(1));
        fake.add(experiment);
        fake
    };
    let subject = async |fake: &FakeArm| {
        let provider = sets(fake).clock(Arc::clone(&clock)).build()?;
        let target = only_group(&provider).await.members[0].target.id().clone();
        Ok(Subject::new(provider, target))
    };
    let fake = world(lasting(20, shutdown("PT20S", &one())));
    let registry = chaos_events::registry();
    contract::event::check(&timing, brief(), registry, async || subject(&fake).await).await.assert_kept();
    let fake = world(lasting(36_000, shutdown("PT2H", &one())));
    let checked = contract::recovery::check::<StopEngineExperiment>(&timing, minutes(180), async || {
        subject(&fake).await
    });
    checked.await.assert_kept();
}
