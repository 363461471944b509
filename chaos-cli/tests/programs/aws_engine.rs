//! Experiments of AWS's own engine in files of Chaos Toolkit's extension, against the stand-in for AWS.

use std::time::Duration;

use chaos_core::clock::{Clock, SystemClock};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::{
    aws_account::Account,
    aws_experiments::{experiment, function},
    support::{CHAOS, Watched, end, text, within_limit},
};

async fn with_template() -> Option<(Account, String)> {
    let account = Account::with_web(2)?;
    account.cloud.page("POST", "fis", Some(json!({ "scale": 0.01 })));
    let template = account.made_by_boto3(TEMPLATE).await;
    Some((account, template))
}

fn start(template: &str) -> Value {
    let arguments = json!({ "experiment_template_id": template });
    function("action", "chaosaws.fis.actions", "start_experiment", &arguments)
}

/// The states of all experiments.
async fn states(account: &Account) -> String {
    account.made_by_boto3(STATES).await
}

const STATES: &str = "
import boto3
print(*[found['state']['status'] for found in boto3.client('fis').list_experiments()['experiments']])
";

const TEMPLATE: &str = "
import boto3
template = boto3.client('fis').create_experiment_template(
    clientToken='one', description='wait', roleArn='arn:aws:iam::123456789012:role/fis',
    stopConditions=[{'source': 'none'}], targets={},
    actions={'wait': {'actionId': 'aws:fis:wait', 'parameters': {'duration': 'PT12H'}}},
)
print(template['experimentTemplate']['id'])
";

/// An experiment of the service is stopped when the method is over, also after a kill.
#[tokio::test]
async fn an_experiment_of_the_service_is_stopped_after_the_method() {
    let Some((account, template)) = with_template().await else { return };
    let start = json!({ "experiment_template_id": template, "tags": "team=shop" });
    let start = function("action", "chaosaws.fis.actions", "start_experiment", &start);
    let mut running = function(
        "probe",
        "chaosaws.fis.probes",
        "get_experiment",
        &json!({ "experiment_id": "${steps.start experiment.output.experiment.id}" }),
    );
    running["until"] = json!({ "every": 0.1, "within": 30 });
    running["tolerance"] =
        json!({ "type": "jsonpath", "path": "$.experiment.state.status", "expect": ["running"] });
    let ran = account.ran(&experiment(&[], &[start, running], &[]), &["--json"]).await.with_code(0);
    let mutations = account.mutations();
    assert_eq!(
        mutations,
        ["CreateExperimentTemplate", "StartExperiment", "ListExperiments", "StopExperiment"],
        "{ran:#?}"
    );
}

/// The strategies are about the rollbacks of the file.
#[tokio::test]
async fn it_is_stopped_whatever_the_strategy_of_the_rollbacks() {
    for strategy in [&["--rollback-strategy", "deviated"][..], &["--compat", "--rollback-strategy", "never"]]
    {
        let Some((account, template)) = with_template().await else { return };
        account.ran(&experiment(&[], &[start(&template)], &[]), strategy).await.with_code(0);
        assert_eq!(states(&account).await, "stopped", "{strategy:?}");
    }
}

/// A start whose answer is late is waited for before it is looked for.
#[tokio::test]
async fn it_is_stopped_if_a_signal_comes_while_it_is_being_started() {
    let Some((account, template)) = with_template().await else { return };
    account.cloud.break_calls(json!({ "do": "delay", "action": "StartExperiment", "milliseconds": 3000 }));
    let run = Watched::of(account.run(&experiment(&[], &[start(&template)], &[]), &[]));
    is_met(&account).await;
    run.signal(Signal::INT);
    run.end().await.with_code(5);
    assert_eq!(states(&account).await, "stopped");
}

/// After a kill, it may still come.
#[tokio::test]
async fn recover_looks_for_it_until_it_cannot_come_any_more() {
    let Some((account, template)) = with_template().await else { return };
    account.cloud.break_calls(json!({ "do": "delay", "action": "StartExperiment", "milliseconds": 3000 }));
    let run = Watched::of(account.run(&experiment(&[], &[start(&template)], &[]), &[]));
    is_met(&account).await;
    run.signal(Signal::KILL);
    assert!(run.end().await.was_killed());
    let journal = account.place.path().join("experiments.journal");
    let recover = account.program(CHAOS, &["recover", "--journal", text(&journal)]).spawn().unwrap();
    end(recover).await.with_code(0);
    assert_eq!(states(&account).await, "stopped");
}

/// The first of two is found at once, and the second is looked for all the same.
#[tokio::test]
async fn recover_looks_for_each_of_several() {
    let Some((account, template)) = with_template().await else { return };
    account
        .cloud
        .break_calls(json!({ "do": "delay", "action": "StartExperiment", "nth": 2, "milliseconds": 3000 }));
    let mut second = start(&template);
    second["name"] = "the second".into();
    let run = Watched::of(account.run(&experiment(&[], &[start(&template), second], &[]), &[]));
    is_met(&account).await;
    run.signal(Signal::KILL);
    assert!(run.end().await.was_killed());
    let journal = account.place.path().join("experiments.journal");
    let recover = account.program(CHAOS, &["recover", "--journal", text(&journal)]).spawn().unwrap();
    end(recover).await.with_code(0);
    assert_eq!(states(&account).await, "stopped stopped");
}

/// Waits until the start has reached the service.
async fn is_met(account: &Account) {
    let clock = SystemClock::default();
    let met = async {
        while account.cloud.page("GET", "faults", None)[0]["met"] != 1 {
            clock.sleep(Duration::from_millis(20)).await;
        }
    };
    within_limit(met).await;
}

/// With the token of an earlier run nothing is started, and nothing is said to be.
#[tokio::test]
async fn a_token_that_was_used_before_starts_nothing() {
    let Some((account, template)) = with_template().await else { return };
    let mut step = start(&template);
    step["provider"]["arguments"]["client_token"] = "nightly".into();
    let file = experiment(&[], &[step], &[]);
    account.ran(&file, &[]).await.with_code(0);
    let again = account.ran(&file, &[]).await.with_code(5);
    assert!(again.stdout.contains("the token has started another experiment before"), "{again:#?}");
}
