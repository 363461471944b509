//! Events of this library as steps of an experiment.

use std::sync::Arc;

use chaos_core::{
    CapabilitySet, ChaosEvent, Hold, MemoryJournal, Outcome, Prepared, Result, Scope, async_trait,
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
    run::{ExperimentReport, ExperimentVerdict, Lab, RunOptions},
};
use serde_json::{Value, json};

use crate::{
    parts::{folder, lines, sh, with},
    soon,
};

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

#[test]
fn what_belongs_elsewhere_is_refused_behind_a_reference_as_well() {
    let world = MemoryProvider::default().with_group("web", 5).unwrap();
    let reading = ReadOptions::default().catalogues(catalogues(&world));
    let document = |more: Value| {
        let mut document = json!({ "title": "t", "description": "d", "method": [off(json!({}))] });
        for (name, value) in more.as_object().unwrap() {
            document[name] = value.clone();
        }
        document
    };
    let looks = json!({ "title": "h", "probes": [{ "ref": "off", "tolerance": true }] });
    for (more, expected) in [
        (json!({ "rollbacks": [{ "ref": "off" }] }), "rollbacks[0].ref"),
        (json!({ "steady-state-hypothesis": looks }), "steady-state-hypothesis.probes[0].ref"),
        (json!({ "method": [with(off(json!({})), "type", "probe".into())] }), "method[0].type: probe"),
        (
            json!({ "secrets": { "a": { "b": "hunter2" } }, "method": [off(json!({ "groups": "${b}" }))] }),
            "a setting that names a secret",
        ),
        (
            json!({ "rollbacks": [with(sh("action", "r", "true"), "approval", true.into())] }),
            "only a step of the method is approved",
        ),
    ] {
        let problems = Experiment::from_document(document(more), &reading).unwrap_err().to_string();
        assert!(problems.contains(expected), "{problems}");
    }
}
