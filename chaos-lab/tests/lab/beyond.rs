//! What Chaos Toolkit's format does not have: undo, outputs, probes that wait or sample, approval, stop conditions, and
//! events of this library.

use std::{fs, path::Path, sync::Arc};

use chaos_core::{CapabilitySet, ChaosEvent, Hold, Prepared, Scope};
use chaos_core::{
    MemoryJournal, Outcome, Result, async_trait,
    catalogue::{
        Arguments, EventCatalogue, EventSpec, FromArguments, OpenProvider, Opened, Parameter, ProbeCatalogue,
        ProviderCatalogue, ProviderSpec,
    },
    group::GroupId,
    provider::Provider,
    recovery::Registry,
    testing::{MemoryProvider, PowerOff, PowerOn},
};
use chaos_lab::{
    catalogues::Catalogues,
    experiment::{Experiment, ReadOptions},
    run::{Approve, ExperimentReport, ExperimentVerdict, Lab, RunOptions},
};
use serde_json::{Value, json};

use crate::soon;

fn sh(kind: &str, name: &str, script: &str) -> Value {
    json!({ "type": kind, "name": name, "provider": { "type": "process", "path": "sh", "arguments": ["-c", script] } })
}

fn with(mut activity: Value, name: &str, value: Value) -> Value {
    activity[name] = value;
    activity
}

fn experiment(more: Value) -> Experiment {
    let mut document = json!({ "title": "t", "description": "d", "method": [] });
    for (name, value) in more.as_object().unwrap() {
        document[name] = value.clone();
    }
    Experiment::from_document(document, &ReadOptions::default()).unwrap()
}

async fn run(more: Value) -> ExperimentReport {
    soon(Lab::new().journal(MemoryJournal::new()).run(&experiment(more))).await.unwrap()
}

fn folder() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display().to_string();
    (folder, path)
}

fn lines(folder: &Path) -> Vec<String> {
    fs::read_to_string(folder.join("log")).unwrap_or_default().lines().map(str::to_owned).collect()
}

/// The step that never began is not undone, and the others are in reverse order, before the rollbacks.
#[tokio::test]
async fn what_has_begun_is_undone_in_reverse_order() {
    let (folder, path) = folder();
    let log = |word: &str| format!("echo {word} >>{path}/log");
    let step = |name: &str| {
        with(sh("action", name, &log(name)), "undo", sh("action", "u", &log(&format!("un{name}"))))
    };
    let never = with(step("never"), "pauses", json!({ "before": 3600 }));
    let report = soon(async {
        let document = json!({
            "method": [step("one"), step("two"), never],
            "rollbacks": [sh("action", "back", &log("back"))],
            "deadline": "2s",
        });
        run(document).await
    })
    .await;
    assert_eq!(report.verdict, ExperimentVerdict::Failed, "{report}");
    assert_eq!(lines(folder.path()), ["one", "two", "untwo", "unone", "back"]);
}

#[tokio::test]
async fn outputs_are_used_by_later_steps_and_by_rollbacks() {
    let (folder, path) = folder();
    let report = run(json!({
        "method": [
            sh("action", "make it.", "echo made"),
            sh("action", "use", &format!("echo use ${{steps.make it..output.stdout}} >>{path}/log")),
        ],
        "rollbacks": [sh("action", "remove", &format!("echo remove ${{steps.make it..output.status}} >>{path}/log"))],
    }))
    .await;
    assert_eq!(report.verdict, ExperimentVerdict::Completed, "{report}");
    assert_eq!(lines(folder.path()), ["use made", "remove 0"]);
    // What no step has yielded is not run with the reference in its place.
    let report = run(json!({ "method": [sh("action", "use", "echo ${steps.nobody.output}")] })).await;
    assert_eq!(report.verdict, ExperimentVerdict::Failed);
    assert!(report.reasons[0].contains("${steps.nobody.output}"), "{report}");
}

#[tokio::test]
async fn a_probe_waits_until_its_value_is_normal() {
    let (_folder, path) = folder();
    let later =
        with(sh("action", "later", &format!("sleep 0.3; touch {path}/there")), "background", true.into());
    let waits = |within: &str| {
        let probe = with(sh("probe", "there", &format!("test -e {path}/there")), "tolerance", 0.into());
        with(probe, "until", json!({ "every": "20ms", "within": within }))
    };
    let report = run(json!({ "method": [later, waits("100s")] })).await;
    assert_eq!(report.verdict, ExperimentVerdict::Completed, "{report}");
    fs::remove_file(format!("{path}/there")).unwrap();
    let report = run(json!({ "method": [waits("50ms")] })).await;
    assert_eq!(report.verdict, ExperimentVerdict::Deviated, "{report}");
}

/// 35 looks in a row support at least 90 %; one supports nothing of that kind.
#[tokio::test]
async fn a_share_is_met_not_met_or_unknown() {
    let sampled = |script: &str, lasting: &str| {
        let probe = with(sh("probe", "share", script), "tolerance", 0.into());
        json!({ "method": [with(probe, "samples", json!({ "every": "1ms", "for": lasting, "at-least": "90%" }))] })
    };
    // Slow looks are few.
    let few = run(sampled("sleep 0.2", "100ms")).await;
    assert_eq!(few.verdict, ExperimentVerdict::Inconclusive, "{few}");
    assert!(few.reasons[0].contains("too few looks"), "{few}");
    // So few could not show it, however they turn out.
    let document = json!({ "title": "t", "description": "d", "method": sampled("true", "20ms")["method"] });
    let problems = Experiment::from_document(document, &ReadOptions::default()).unwrap_err().to_string();
    assert!(problems.contains("expected at most 84.5%, which is all that 21 looks can show"), "{problems}");
    let never = run(sampled("false", "1s")).await;
    assert_eq!(never.verdict, ExperimentVerdict::Deviated, "{never}");
    // However slow the machine is, so many looks are made at some time.
    for seconds in [1, 4, 16, 60] {
        let report = run(sampled("true", &format!("{seconds}s"))).await;
        let looks = report.method[0].output["met"].as_u64().unwrap();
        if looks >= 35 {
            assert_eq!(report.verdict, ExperimentVerdict::Completed, "{report}");
            return;
        }
        assert_eq!(report.verdict, ExperimentVerdict::Inconclusive, "{report}");
    }
    panic!("35 looks took more than a minute");
}

#[tokio::test]
async fn a_tolerance_in_the_method_counts() {
    let report = run(json!({ "method": [with(sh("probe", "p", "exit 3"), "tolerance", 0.into())] })).await;
    assert_eq!(report.verdict, ExperimentVerdict::Deviated, "{report}");
    assert!(report.reasons[0].contains("3, expected 0"), "{report}");
}

#[derive(Debug)]
struct Answer(bool);

#[async_trait]
impl Approve for Answer {
    async fn approve(&self, question: &str) -> bool {
        assert_eq!(question, "Really?");
        self.0
    }
}

#[tokio::test]
async fn a_step_that_is_not_approved_is_not_carried_out() {
    for (answer, verdict, log) in [
        (Some(true), ExperimentVerdict::Completed, vec!["done".to_owned()]),
        (Some(false), ExperimentVerdict::Failed, vec![]),
        (None, ExperimentVerdict::Failed, vec![]),
    ] {
        let (folder, path) = folder();
        let step = with(sh("action", "a", &format!("echo done >>{path}/log")), "approval", "Really?".into());
        let mut lab = Lab::new();
        if let Some(answer) = answer {
            lab = lab.approved_by(Answer(answer));
        }
        let report = soon(lab.run(&experiment(json!({ "method": [step] })))).await.unwrap();
        assert_eq!((report.verdict, lines(folder.path())), (verdict, log), "{report}");
    }
}

#[tokio::test]
async fn a_stop_condition_ends_the_method_or_keeps_it_from_beginning() {
    let (folder, path) = folder();
    let condition = with(sh("probe", "no stop file", &format!("test -e {path}/stop")), "tolerance", 1.into());
    let document = || {
        json!({
            "stop-conditions": [condition.clone()],
            "method": [sh("action", "stop", &format!("echo began >>{path}/log; touch {path}/stop; sleep 3600"))],
            "rollbacks": [sh("action", "back", &format!("echo back >>{path}/log"))],
        })
    };
    let report = run(document()).await;
    assert_eq!(report.verdict, ExperimentVerdict::Deviated, "{report}");
    assert!(
        report.reasons[0].contains("no stop file") && report.reasons[0].contains("0, expected 1"),
        "{report}"
    );
    let report = run(document()).await;
    assert_eq!(report.verdict, ExperimentVerdict::Skipped, "{report}");
    assert_eq!(lines(folder.path()), ["began", "back"], "the second one did nothing");
}

/// Stops machines of a world in memory.
#[derive(Debug)]
struct Off(PowerOff);

impl FromArguments for Off {
    fn spec() -> EventSpec {
        EventSpec::new("off", "Stop machines").with(Parameter::hold())
    }

    fn from_arguments(given: &Arguments) -> Result<Self> {
        let hold = given.duration("duration")?.map_or(Ok(Hold::DEFAULT), Hold::lasting)?;
        Ok(Self(PowerOff::lasting(hold)))
    }

    fn recoveries() -> Registry {
        Registry::default().register::<PowerOn>()
    }
}

#[async_trait]
impl ChaosEvent for Off {
    fn name(&self) -> &'static str {
        "off"
    }

    fn requires(&self) -> CapabilitySet {
        self.0.requires()
    }

    fn hold(&self) -> Hold {
        self.0.hold()
    }

    async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
        self.0.prepare(scope).await
    }
}

#[derive(Debug)]
struct World(MemoryProvider);

#[async_trait]
impl OpenProvider for World {
    fn spec(&self) -> ProviderSpec {
        ProviderSpec::new("world", ["memory"], "Machines in memory")
    }

    async fn open(&self, _: &Arguments) -> Result<Opened> {
        Ok(Opened::all([Arc::new(self.0.clone()) as Arc<dyn Provider>]))
    }

    async fn open_for(
        &self,
        _: &std::collections::BTreeSet<GroupId>,
        _: &Arguments,
    ) -> Result<Vec<Arc<dyn Provider>>> {
        Ok(vec![Arc::new(self.0.clone())])
    }
}

fn catalogues(world: &MemoryProvider) -> Catalogues {
    let events = EventCatalogue::default().register::<Off>();
    let providers = ProviderCatalogue::default().register(World(world.clone()));
    Catalogues::new(events, providers, ProbeCatalogue::default())
}

fn off(more: Value) -> Value {
    let mut provider = json!({ "type": "chaos", "event": "off", "provider": "world", "duration": "300ms" });
    for (name, value) in more.as_object().unwrap() {
        provider[name] = value.clone();
    }
    json!({ "type": "action", "name": "off", "provider": provider })
}

async fn healthy(world: &MemoryProvider) -> usize {
    world.group(&"memory:web".parse().unwrap()).await.unwrap().healthy()
}

async fn run_in(world: &MemoryProvider, more: Value, options: RunOptions) -> ExperimentReport {
    let mut document = json!({ "title": "t", "description": "d", "method": [] });
    for (name, value) in more.as_object().unwrap() {
        document[name] = value.clone();
    }
    let reading = ReadOptions::default().catalogues(catalogues(world));
    let experiment = Experiment::from_document(document, &reading).unwrap();
    let lab = Lab::new().journal(MemoryJournal::new()).catalogues(catalogues(world)).options(options);
    soon(lab.run(&experiment)).await.unwrap()
}

#[tokio::test]
async fn an_event_is_injected_within_its_limits_and_undone() {
    let world = MemoryProvider::default().with_group("web", 5).unwrap();
    let two = json!({ "targets-per-group": 2, "targets-per-run": "${many}", "groups": ["web"] });
    let document = json!({ "configuration": { "many": 2 }, "method": [off(two)] });
    let report = run_in(&world, document, RunOptions::default()).await;
    assert_eq!(report.verdict, ExperimentVerdict::Completed, "{report}");
    assert_eq!((report.faults[0].faults.len(), report.faults[0].outcome()), (2, Outcome::Completed));
    assert_eq!(healthy(&world).await, 5);
    // More than half of the group must stay healthy, so nobody of two is hit.
    let small = MemoryProvider::default().with_group("web", 1).unwrap();
    let report = run_in(&small, json!({ "method": [off(json!({}))] }), RunOptions::default()).await;
    assert_eq!(report.verdict, ExperimentVerdict::Failed, "{report}");
    assert!(report.reasons[0].contains("nothing was injected"), "{report}");
}

/// A fault of the method is undone before the rollbacks, also where the method is cut short.
#[tokio::test]
async fn a_fault_is_undone_when_the_method_is_cut_short() {
    let world = MemoryProvider::default().with_group("web", 5).unwrap();
    let (folder, path) = folder();
    let hold = json!({ "duration": "1h" });
    let document = json!({
        "method": [off(hold)],
        "deadline": "1s",
        "rollbacks": [sh("action", "back", &format!("echo back >>{path}/log"))],
    });
    let report = run_in(&world, document, RunOptions::default()).await;
    assert_eq!(report.verdict, ExperimentVerdict::Failed, "{report}");
    assert_eq!((healthy(&world).await, lines(folder.path())), (5, vec!["back".to_owned()]));
}

#[test]
fn events_are_checked_before_anything_runs() {
    let world = MemoryProvider::default().with_group("web", 5).unwrap();
    let reading = ReadOptions::default().catalogues(catalogues(&world));
    for (method, rollbacks, expected) in [
        (vec![off(json!({ "event": "of" }))], vec![], "method[0].provider.event: of: invalid name: \"of\""),
        (vec![off(json!({ "durations": "1s" }))], vec![], "durations"),
        (vec![off(json!({ "provider": "aws" }))], vec![], "\"aws\""),
        (vec![off(json!({ "targets-per-group": "none" }))], vec![], "targets-per-group"),
        (vec![off(json!({ "groups": 7 }))], vec![], "invalid groups: 7"),
        (vec![], vec![off(json!({}))], "rollbacks[0].provider.type: chaos"),
    ] {
        let document = json!({ "title": "t", "description": "d", "method": method, "rollbacks": rollbacks });
        let problems = Experiment::from_document(document.clone(), &reading).unwrap_err().to_string();
        assert!(problems.contains(expected), "{problems}");
        // Chaos Toolkit knows no such type.
        Experiment::from_document(document, &reading.clone().compatible()).unwrap_err();
    }
}

#[tokio::test]
async fn an_experiment_is_scaled_up_until_it_does_not_hold() {
    let file = tempfile::Builder::new().suffix(".json").tempfile().unwrap();
    let document = json!({
        "title": "up to ${load}", "description": "d", "configuration": { "load": 0 },
        "scale-up": { "name": "load", "values": [20, 50, 80, 90] },
        "method": [with(sh("probe", "p", "test ${load} -lt 60"), "tolerance", 0.into())],
    });
    fs::write(&file, document.to_string()).unwrap();
    let reading = ReadOptions::default();
    let scale_up = reading.read(file.path()).unwrap().scale_up.unwrap();
    let rungs = reading.rungs(file.path(), &scale_up).unwrap();
    let report = soon(Lab::new().scale_up(&rungs, async || std::future::pending().await)).await.unwrap();
    assert_eq!(report.answer, Some(json!(50)));
    let verdicts: Vec<_> = report.rungs.iter().map(|(_, run)| (run.title.as_str(), run.verdict)).collect();
    assert_eq!(
        verdicts,
        [
            ("up to 20", ExperimentVerdict::Completed),
            ("up to 50", ExperimentVerdict::Completed),
            ("up to 80", ExperimentVerdict::Deviated),
        ]
    );
}
