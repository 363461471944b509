//! Files of Chaos Toolkit's extension for Azure, unchanged, against the fake of Azure.

use std::fs;

use fake_azure::{FakeArm, NewScaleSet};
use serde_json::{Value, json};

use crate::{
    azure_subscription::Subscription,
    support::{CHAOS, Ended, end},
};

impl Subscription {
    async fn ran(&self, experiment: &Value, more: &[&str]) -> Ended {
        let file = self.place.path().join("experiment.json");
        fs::write(&file, serde_json::to_vec_pretty(experiment).unwrap()).unwrap();
        let line = [&["run", "experiment.json", "--journal", "experiments.journal"], more].concat();
        let mut run = self.program(CHAOS, &line);
        run.current_dir(self.place.path()).env_remove("AZURE_SUBSCRIPTION_ID");
        end(run.spawn().unwrap()).await
    }
}

fn function(kind: &str, module: &str, name: &str, arguments: &Value) -> Value {
    json!({
        "type": kind, "name": name.replace('_', " "),
        "provider": { "type": "python", "module": module, "func": name, "arguments": arguments },
    })
}

fn on_machines(name: &str, filter: &str) -> Value {
    function("action", "chaosazure.machine.actions", name, &json!({ "filter": filter }))
}

fn on_scale_sets(name: &str, arguments: &Value) -> Value {
    function("action", "chaosazure.vmss.actions", name, arguments)
}

fn count(filter: &str, expected: u32) -> Value {
    let mut probe =
        function("probe", "chaosazure.machine.probes", "count_machines", &json!({ "filter": filter }));
    probe["tolerance"] = expected.into();
    probe
}

fn experiment(probes: &[Value], method: &[Value], rollbacks: &[Value]) -> Value {
    json!({
        "title": "The shop survives the loss of a machine", "description": "A file of chaosazure",
        "configuration": { "azure_subscription_id": FakeArm::SUBSCRIPTION },
        "steady-state-hypothesis": { "title": "the machines are there", "probes": probes },
        "method": method, "rollbacks": rollbacks,
    })
}

/// Those of the filter are stopped, all at once, and run again before the rollbacks.
#[tokio::test]
async fn machines_of_a_filter_are_stopped_and_started_again() {
    let azure = Subscription::new();
    let filter = "where resourceGroup=~'shop' and name in ('web-0', 'web-2')";
    let file = experiment(
        &[count("where resourceGroup=='shop'", 4), count(filter, 2)],
        &[on_machines("stop_machines", filter)],
        &[on_machines("start_machines", filter)],
    );
    azure.ran(&file, &[]).await.with_code(0);
    let mut orders = azure.orders();
    orders.retain(|order| order != "resources");
    orders.sort_unstable();
    assert_eq!(orders, ["powerOff", "powerOff", "start", "start"]);
    assert!(azure.all_run());
}

#[tokio::test]
async fn two_of_many_are_drawn_by_the_filter() {
    let azure = Subscription::new();
    let sample = on_machines("restart_machines", "where resourceGroup=='shop' | sample 2");
    azure.ran(&experiment(&[], &[sample], &[]), &[]).await.with_code(0);
    let restarts = azure.orders().into_iter().filter(|order| order == "restart").count();
    assert_eq!(restarts, 2);
}

#[tokio::test]
async fn without_a_filter_nothing_runs() {
    let azure = Subscription::new();
    let all = function("action", "chaosazure.machine.actions", "stop_machines", &json!({}));
    let probe = function("probe", "chaosazure.machine.probes", "count_machines", &json!({ "filter": "" }));
    let ran = azure.ran(&experiment(&[], &[all, probe], &[]), &[]).await.with_code(2);
    for path in ["method[0].provider.arguments.filter: missing", "method[1].provider.arguments.filter: \"\""]
    {
        assert!(ran.stderr.contains(path), "{path}\n{ran:#?}");
    }
    let nobody = on_machines("stop_machines", "where name=='no-such-machine'");
    let ran = azure.ran(&experiment(&[], &[nobody], &[]), &[]).await.with_code(5);
    assert!(ran.stdout.contains("nobody was hit: no virtual machine passes the filter"), "{ran:#?}");
    // An availability set does not make a machine anew.
    let delete = on_machines("delete_machines", "where name=='web-0'");
    let ran = azure.ran(&experiment(&[], &[delete], &[]), &[]).await.with_code(5);
    assert!(ran.stdout.contains("nobody was hit"), "{ran:#?}");
    assert!(azure.orders().iter().all(|order| order == "resources"), "{:?}", azure.orders());
}

#[tokio::test]
async fn instances_of_scale_sets_are_chosen_by_criteria_or_drawn() {
    let azure = Subscription::new();
    for name in ["api", "jobs"] {
        azure.fake.add(NewScaleSet::new("shop", name).capacity(3));
    }
    let both = json!({ "filter": "where resourceGroup=='shop'" });
    azure.ran(&experiment(&[], &[on_scale_sets("stop_vmss", &both)], &[]), &[]).await.with_code(0);
    let stops = azure.orders().into_iter().filter(|order| order.eq_ignore_ascii_case("powerOff")).count();
    assert_eq!(stops, 2, "one of each");

    let chosen = json!({
        "filter": "where name=='api'", "instance_criteria": [{ "name": "api_1" }, { "instance_id": "2" }],
    });
    azure.ran(&experiment(&[], &[on_scale_sets("deallocate_vmss", &chosen)], &[]), &[]).await.with_code(0);
    let stops = azure.orders().into_iter().filter(|order| order == "deallocate").count();
    assert_eq!(stops, 2);

    let unknown = json!({ "filter": "where name=='api'", "instance_criteria": [{ "instance_id": "7" }] });
    let ran =
        azure.ran(&experiment(&[], &[on_scale_sets("stop_vmss", &unknown)], &[]), &[]).await.with_code(5);
    assert!(ran.stdout.contains("no instance of azure-vmss:"), "{ran:#?}");
    assert!(azure.all_run());
}

/// An event with a duration is over when the action is.
#[tokio::test]
async fn a_core_is_busy_as_long_as_the_file_says() {
    let azure = Subscription::new();
    let arguments = json!({ "filter": "where name=='web-1'", "duration": 10, "timeout": 60 });
    let stress = function("action", "chaosazure.machine.actions", "stress_cpu", &arguments);
    let ran = azure.ran(&experiment(&[], &[stress], &[]), &["--json"]).await.with_code(0).json();
    let fault = &ran["faults"][0]["faults"][0];
    assert_eq!((&fault["event"], &fault["state"]), (&json!("cpu-burn"), &json!("recovered")), "{ran:#}");
    assert!(fault["cut_short"].is_null(), "{ran:#}");
}
