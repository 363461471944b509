//! Experiments of the Fault Injection Service, from the template to the last of their post actions.
//!
//! Time runs twenty times faster here, both for the monkey and for the service.

use std::{
    borrow::Borrow,
    sync::Arc,
    time::{Duration, Instant},
};

use aws_sdk_fis::types::{
    CreateExperimentTemplateActionInput as Action,
    CreateExperimentTemplateStopConditionInput as StopCondition,
    CreateExperimentTemplateTargetInput as Target, ExperimentStatus,
};
use chaos_aws::{AutoScaling, FAULT_TAG, FisExperiment};
use chaos_core::{
    BlastRadius, Journal, MemoryJournal, Monkey, MonkeyBuilder, Outcome, RunReport, async_trait,
    clock::Clock, fault::FaultState, monkey::Skip, plan::Reason,
};
use chaos_events::{RunEngineExperiment, StopEngineExperiment};
use chaos_testkit::{Subject, Timing, contract};
use jiff::Timestamp;
use serde_json::json;

use crate::cloud::{Cloud, only_group};

const FACTOR: u32 = 20;

/// The duration of a second of an experiment, to match that clock.
const IN_STEP: f64 = 1.0 / FACTOR as f64;

#[derive(Debug)]
struct Fast {
    start: Timestamp,
    origin: Instant,
}

impl Fast {
    #[expect(clippy::disallowed_methods, reason = "time of this machine, made faster")]
    fn clock() -> Arc<dyn Clock> {
        Arc::new(Self { start: "2026-03-02T09:00:00Z".parse().unwrap(), origin: Instant::now() })
    }
}

#[async_trait]
impl Clock for Fast {
    fn now(&self) -> Timestamp {
        self.start + self.origin.elapsed() * FACTOR
    }

    fn monotonic(&self) -> Duration {
        self.origin.elapsed() * FACTOR
    }

    #[expect(clippy::disallowed_methods, reason = "time of this machine, made faster")]
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration / FACTOR).await;
    }
}

/// A cloud with one group `web`, whose experiments run at this pace.
struct Lab<C = Cloud> {
    cloud: C,
    fis: aws_sdk_fis::Client,
    clock: Arc<dyn Clock>,
}

impl Lab {
    fn start(size: usize, scale: f64) -> Option<Self> {
        Some(Self::of(Cloud::with_web(size)?, scale))
    }
}

impl<C: Borrow<Cloud>> Lab<C> {
    fn of(cloud: C, scale: f64) -> Self {
        cloud.borrow().page("POST", "fis", Some(json!({ "scale": scale })));
        let fis = aws_sdk_fis::Client::new(&cloud.borrow().setup());
        Self { cloud, fis, clock: Fast::clock() }
    }

    async fn template(&self, targets: Target, action: Action) -> RunEngineExperiment {
        let made = self
            .fis
            .create_experiment_template()
            .description("of a test")
            .role_arn("arn:aws:iam::123456789012:role/fis")
            .stop_conditions(StopCondition::builder().source("none").build().unwrap())
            .targets("some", targets)
            .actions("do", action)
            .send()
            .await
            .unwrap();
        let id = made.experiment_template.unwrap().id.unwrap();
        RunEngineExperiment::of(FisExperiment::template(&id).unwrap())
    }

    /// Stops one member of the group and starts it again after this long.
    async fn freeze(&self, duration: &str) -> RunEngineExperiment {
        self.template(of_group("COUNT(1)"), stop_for(duration)).await
    }

    fn over(&self, provider: AutoScaling, journal: impl Journal) -> MonkeyBuilder {
        Monkey::builder()
            .provider(provider)
            .clock(Arc::clone(&self.clock))
            .blast_radius(BlastRadius::default().min_healthy(0))
            .unleash(journal, chaos_events::registry())
    }

    async fn inject(&self, event: RunEngineExperiment) -> RunReport {
        let provider = self.cloud.borrow().provider().await;
        let monkey = self.over(provider, MemoryJournal::new()).event(event).build().unwrap();
        monkey.run_once().await.unwrap()
    }
}

impl Lab {
    /// The reason why nothing was started.
    async fn refusal(&self, event: RunEngineExperiment) -> String {
        self.cloud.forget_calls();
        let report = self.inject(event).await;
        assert_eq!(report.outcome(), Outcome::Skipped, "{report:?}");
        assert_eq!(self.cloud.count("StartExperiment"), 0);
        let doubt = |skip: &Skip| match &skip.reason {
            Reason::Doubt { failure, .. } => Some(failure.message.clone()),
            _ => None,
        };
        report.skipped.iter().find_map(doubt).expect("a doubt is the reason")
    }

    /// All experiments so far: the status of each, and the fault in its tag.
    async fn experiments(&self) -> Vec<(ExperimentStatus, String)> {
        let listed = self.fis.list_experiments().send().await.unwrap().experiments.unwrap();
        let told = listed.into_iter().map(|experiment| {
            let tags = experiment.tags.unwrap_or_default();
            (experiment.state.unwrap().status.unwrap(), tags.get(FAULT_TAG).cloned().unwrap_or_default())
        });
        told.collect()
    }

    async fn healthy(&self) -> usize {
        only_group(&self.cloud.provider().await).await.healthy()
    }
}

fn of_group(selection: &str) -> Target {
    let target = Target::builder().resource_type("aws:ec2:instance").selection_mode(selection);
    target.resource_tags("aws:autoscaling:groupName", "web").build().unwrap()
}

fn action(id: &str) -> Action {
    Action::builder().action_id(id).targets("Instances", "some").build().unwrap()
}

fn stop_for(duration: &str) -> Action {
    let stop = Action::builder().action_id("aws:ec2:stop-instances").targets("Instances", "some");
    stop.parameters("startInstancesAfterDuration", duration).build().unwrap()
}

fn minutes(event: RunEngineExperiment, minutes: u64) -> RunEngineExperiment {
    event.lasting(Duration::from_secs(60 * minutes)).unwrap()
}

/// All calls of the library to the service.
pub(crate) async fn one_is_stopped(cloud: &Cloud) {
    let lab = Lab::of(cloud, IN_STEP * 10.0);
    let report = lab.inject(minutes(lab.freeze("PT1M").await, 3)).await;
    assert_eq!(report.outcome(), Outcome::Completed, "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_runs_late_is_stopped_and_its_post_actions_are_waited_for() {
    // Ten times slower than its clock.
    let Some(lab) = Lab::start(3, IN_STEP * 10.0) else { return };
    let report = lab.inject(minutes(lab.freeze("PT1M").await, 3)).await;
    assert_eq!(report.outcome(), Outcome::Completed, "{report:?}");
    let fault = &report.faults[0];
    assert_eq!(lab.experiments().await, [(ExperimentStatus::Stopped, fault.id.to_string())]);
    assert_eq!((lab.cloud.count("StartExperiment"), lab.cloud.count("StopExperiment")), (1, 1));
    assert_eq!(lab.healthy().await, 3);
    let note = fault.note.as_deref().unwrap();
    for part in [
        "hits at most 1 of the group; its engine chooses which",
        "its action do is aws:ec2:stop-instances on some",
        "its target some is COUNT(1) of aws:ec2:instance aws:autoscaling:groupName=web",
        "no alarm stops it early",
        "is stopped",
    ] {
        assert!(note.contains(part), "{part:?} is not in {note:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_ends_by_itself_is_left_alone() {
    let Some(lab) = Lab::start(3, IN_STEP) else { return };
    let report = lab.inject(minutes(lab.freeze("PT1M").await, 4)).await;
    assert_eq!(report.outcome(), Outcome::Completed, "{report:?}");
    assert!(report.faults[0].note.as_deref().unwrap().contains("is completed"), "{report:?}");
    assert_eq!((lab.cloud.count("StopExperiment"), lab.healthy().await), (0, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_terminates_ends_when_the_group_is_whole_again() {
    let Some(lab) = Lab::start(3, IN_STEP) else { return };
    lab.cloud.page("POST", "healing", Some(json!({ "milliseconds": 4500 })));
    let event = lab.template(of_group("COUNT(1)"), action("aws:ec2:terminate-instances")).await;
    let report = lab.inject(minutes(event, 3)).await;
    assert_eq!(report.outcome(), Outcome::Completed, "{report:?}");
    let note = report.faults[0].note.as_deref().unwrap();
    assert!(note.contains("its end does not undo that it terminates instances"), "{note}");
    assert_eq!(lab.healthy().await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_fails_is_reported() {
    let Some(lab) = Lab::start(3, IN_STEP) else { return };
    let event = minutes(lab.freeze("PT1M").await, 3);
    for when in ["before", "while"] {
        lab.cloud.page(
            "POST",
            "fis",
            Some(json!({ "fail": { "reason": "the role may not", "when": when } })),
        );
        let report = lab.inject(event.clone()).await;
        assert!(report.is_recovered(), "{report:?}");
        let fault = &report.faults[0];
        let failure = fault.failure.as_ref().map(|failure| failure.message.clone()).unwrap_or_default();
        if when == "before" {
            assert!(
                failure.contains("did not start running") && failure.contains("the role may not"),
                "{failure}"
            );
        }
        let note = fault.note.as_deref().unwrap();
        assert!(note.contains("is failed: the role may not"), "{note}");
        assert_eq!(lab.healthy().await, 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_ends_in_one_experiment_that_is_stopped() {
    let Some(lab) = Lab::start(3, IN_STEP) else { return };
    lab.cloud.break_calls(json!([
        { "do": "cut_after", "action": "StartExperiment", "count": 0 },
        { "do": "error", "action": "StopExperiment", "code": "ValidationException" },
    ]));
    let report = lab.inject(minutes(lab.freeze("PT10M").await, 12)).await;
    assert!(report.is_recovered(), "{report:?}");
    assert!(report.faults[0].failure.is_some(), "nobody knows that it began: {report:?}");
    let fault = report.faults[0].id.to_string();
    assert_eq!(lab.experiments().await, [(ExperimentStatus::Stopped, fault.clone())]);
    let calls = lab.cloud.page("GET", "calls?parameters", None);
    let starts = calls.as_array().unwrap().iter().filter(|call| call["action"] == "StartExperiment");
    let tokens: Vec<_> = starts.map(|call| call["parameters"]["clientToken"].as_str().unwrap()).collect();
    assert!(tokens.len() > 1 && tokens.iter().all(|token| *token == format!("chaos-{fault}")), "{tokens:?}");
    assert_eq!(lab.cloud.count("StopExperiment"), 2, "what the service refuses in passing is ordered again");
    assert_eq!(lab.healthy().await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_outlive_the_fault_or_leave_the_group_is_not_started() {
    let Some(lab) = Lab::start(3, IN_STEP) else { return };
    let long = lab.refusal(minutes(lab.freeze("PT5M").await, 5)).await;
    assert!(long.starts_with("invalid duration: 300s; expected at least 360s"), "{long}");

    let unknown = action("aws:new:thing");
    let endless = lab.refusal(minutes(lab.template(of_group("COUNT(1)"), unknown).await, 5)).await;
    assert!(endless.contains("(aws:new:thing) does not say how long it takes"), "{endless}");

    let pause = || stop_for("PT1M");
    let all = minutes(lab.template(of_group("ALL"), pause()).await, 3);
    let more = lab.refusal(all.clone()).await;
    assert!(more.contains("allow_with=\"members(3)\""), "{more}");

    let by_team = Target::builder().resource_type("aws:ec2:instance").selection_mode("COUNT(1)");
    let by_team = by_team.resource_tags("team", "shop").build().unwrap();
    let beyond = lab.refusal(minutes(lab.template(by_team, pause()).await, 3)).await;
    assert!(
        beyond.contains("`beyond_the_group`") && beyond.contains("not limited to this group"),
        "{beyond}"
    );

    let nobody = RunEngineExperiment::of(FisExperiment::template("EXT1a2b3c4d5e6f7").unwrap());
    let unknown = lab.refusal(nobody).await;
    assert!(
        unknown.contains("does not exist") && unknown.contains("template=\"EXT1a2b3c4d5e6f7\""),
        "{unknown}"
    );

    let report = lab.inject(all.members(3).unwrap()).await;
    assert_eq!(report.outcome(), Outcome::Completed, "{report:?}");
    assert_eq!(lab.healthy().await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn named_instances_are_members_or_strangers() {
    let Some(lab) = Lab::start(2, IN_STEP) else { return };
    lab.cloud.add(json!([{ "name": "other", "region": "eu-west-1", "size": 1 }]));
    let web = lab.cloud.builder().group("web").build().await.unwrap();
    let other = lab.cloud.builder().group("other").build().await.unwrap();
    for (group, is_member) in [(only_group(&web).await, true), (only_group(&other).await, false)] {
        let id = group.members[0].target.id().name().to_owned();
        let arn = format!("arn:aws:ec2:eu-west-1:123456789012:instance/{id}");
        let target = Target::builder().resource_type("aws:ec2:instance").selection_mode("ALL");
        let target = target.resource_arns(arn).build().unwrap();
        let event = lab.template(target, stop_for("PT1M")).await;
        let monkey = lab.over(web.clone(), MemoryJournal::new()).event(minutes(event, 3)).build().unwrap();
        let report = monkey.run_once().await.unwrap();
        assert_eq!(report.outcome() == Outcome::Completed, is_member, "{report:?}");
        assert!(is_member || format!("{report:?}").contains(&id), "{report:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_denied_is_named() {
    let Some(lab) = Lab::start(3, IN_STEP) else { return };
    let event = minutes(lab.freeze("PT10M").await, 12);
    let deny = |action: &str| {
        lab.cloud.page("DELETE", "faults", None);
        lab.cloud.break_calls(json!({ "do": "access_denied", "action": action, "count": 0 }));
    };
    for action in ["GetExperimentTemplate", "ListExperiments"] {
        deny(action);
        let refused = lab.refusal(event.clone()).await;
        assert!(refused.contains(&format!("missing=\"fis:{action}\"")), "{refused}");
    }
    deny("StartExperiment");
    let report = lab.inject(event.clone()).await;
    assert!(report.is_recovered(), "{report:?}");
    let failure = &report.faults[0].failure.as_ref().unwrap().message;
    assert!(failure.contains("missing=\"fis:StartExperiment\""), "{failure}");
    assert!(lab.experiments().await.is_empty());
}

/// The injector may do everything but the recovery. A later provider, which offers no experiments itself, may recover.
#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_that_was_denied_is_made_up_for_by_another_monkey() {
    // A tenth of a second takes as long as a second does here, so nothing ends by itself.
    let Some(lab) = Lab::start(3, IN_STEP * 10.0) else { return };
    let event = minutes(lab.freeze("PT1M").await, 3);
    lab.cloud.break_calls(json!({ "do": "access_denied", "action": "StopExperiment", "count": 0 }));
    let journal = MemoryJournal::new();
    let monkey = lab.over(lab.cloud.provider().await, journal.clone()).event(event).build().unwrap();
    let report = monkey.run_once().await.unwrap();
    assert_eq!(report.faults[0].state, FaultState::RecoveryFailed, "{report:?}");
    let failure = &report.faults[0].failure.as_ref().unwrap().message;
    assert!(failure.contains("missing=\"fis:StopExperiment\""), "{failure}");

    lab.cloud.page("DELETE", "faults", None);
    let without = lab.cloud.builder().without_engine().build().await.unwrap();
    assert!(only_group(&without).await.members[0].target.capabilities().engine.is_none());
    let replayed = lab.over(without, journal).build().unwrap().recover_pending().await.unwrap().faults;
    assert_eq!(replayed[0].state, FaultState::Recovered, "{replayed:?}");
    assert_eq!(lab.experiments().await[0].0, ExperimentStatus::Stopped);
    assert_eq!(lab.healthy().await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_its_contracts() {
    let Some(lab) = Lab::start(1, IN_STEP) else { return };
    let timing = Timing::new(Arc::clone(&lab.clock))
        .settle(Duration::from_secs(600))
        .quiet(Duration::from_secs(6))
        .poll(Duration::from_secs(1));
    let fresh = async || {
        let provider = lab.cloud.provider().await;
        let group = only_group(&provider).await;
        Ok(Subject::new(provider, group.members[0].target.id().clone()))
    };
    let short = minutes(lab.freeze("PT1M").await, 4);
    contract::event::check(&timing, short, chaos_events::registry(), fresh).await.assert_kept();
    let long = minutes(lab.freeze("PT2H").await, 180);
    contract::recovery::check::<StopEngineExperiment>(&timing, long, fresh).await.assert_kept();
}
