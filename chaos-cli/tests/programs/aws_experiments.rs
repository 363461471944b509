//! Files of Chaos Toolkit's extension for AWS, unchanged, against the stand-in for AWS.

use std::fs;

use rustix::{
    fs::{CWD, FileType, Mode, mknodat},
    process::Signal,
};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::{
    aws_account::Account,
    support::{CHAOS, Ended, Watched, end, pending, text, within_limit},
};

impl Account {
    /// `chaos run` in the folder of the account, with `experiment` in a file.
    pub(crate) fn run(&self, experiment: &Value, more: &[&str]) -> Command {
        let file = self.place.path().join("experiment.json");
        fs::write(&file, serde_json::to_vec_pretty(experiment).unwrap()).unwrap();
        let line = [&["run", "experiment.json", "--journal", "experiments.journal"], more].concat();
        let mut run = self.program(CHAOS, &line);
        run.current_dir(self.place.path());
        run
    }

    pub(crate) async fn ran(&self, experiment: &Value, more: &[&str]) -> Ended {
        end(self.run(experiment, more).spawn().unwrap()).await
    }

    /// A step that says that it has begun, and stays.
    pub(crate) fn stays(&self, name: &str) -> Value {
        mknodat(CWD, self.place.path().join(name), FileType::Fifo, Mode::RWXU, 0).unwrap();
        let line = format!("echo here > {name}; exec sleep 600");
        json!({
            "type": "action", "name": name,
            "provider": { "type": "process", "path": "sh", "arguments": ["-c", line] },
        })
    }

    /// Waits until such a step has begun.
    pub(crate) async fn is_at(&self, name: &str) {
        let said = within_limit(tokio::fs::read_to_string(self.place.path().join(name))).await;
        assert_eq!(said.unwrap(), "here\n");
    }

    /// What a line of Python with a client of each service makes.
    pub(crate) async fn made_by_boto3(&self, line: &str) -> String {
        let python = std::env::var_os("CHAOS_MOTO").map(std::path::PathBuf::from).unwrap();
        let mut python = self.program(text(&python.with_file_name("python")), &["-c", line]);
        python.env("AWS_DEFAULT_REGION", "eu-west-1");
        end(python.spawn().unwrap()).await.with_code(0).stdout.trim().to_owned()
    }
}

pub(crate) fn function(kind: &str, module: &str, name: &str, arguments: &Value) -> Value {
    json!({
        "type": kind, "name": name.replace('_', " "),
        "provider": { "type": "python", "module": module, "func": name, "arguments": arguments },
    })
}

pub(crate) fn action(name: &str, arguments: &Value) -> Value {
    function("action", "chaosaws.asg.actions", name, arguments)
}

fn probe(name: &str, arguments: &Value, tolerance: &Value) -> Value {
    let mut probe = function("probe", "chaosaws.asg.probes", name, arguments);
    probe["tolerance"] = tolerance.clone();
    probe
}

pub(crate) fn experiment(probes: &[Value], method: &[Value], rollbacks: &[Value]) -> Value {
    json!({
        "title": "The shop survives the loss of an instance", "description": "A file of chaosaws",
        "configuration": { "aws_region": "eu-west-1" },
        "steady-state-hypothesis": { "title": "the group is whole", "probes": probes },
        "method": method, "rollbacks": rollbacks,
    })
}

fn whole(groups: &[&str]) -> Value {
    probe("desired_equals_healthy", &json!({ "asg_names": groups }), &json!(true))
}

#[tokio::test]
async fn an_instance_is_terminated_and_replaced() {
    let Some(account) = Account::with_web(3) else { return };
    let method = [
        action("terminate_random_instances", &json!({ "asg_names": ["web"], "instance_count": 1 })),
        probe(
            "wait_desired_equals_healthy",
            &json!({ "asg_names": ["web"], "timeout": 60 }),
            &json!([0, 60]),
        ),
    ];
    let count = probe("instance_count_by_health", &json!({ "asg_names": ["web"] }), &json!(3));
    let ran = account.ran(&experiment(&[whole(&["web"]), count], &method, &[]), &["--json"]).await;
    let json = ran.with_code(0).json();
    assert_eq!(account.mutations(), ["TerminateInstances"]);
    let run = &json["journal"];
    let output = &run["run"][0]["output"];
    assert_eq!(output[0]["AutoScalingGroupName"], "web", "{json:#}");
    assert_eq!(output[0]["TerminatingInstances"].as_array().unwrap().len(), 1, "{json:#}");
}

#[tokio::test]
async fn of_two_groups_of_which_the_second_is_too_small_nobody_is_hit() {
    let group = |name: &str, size: u32| json!({ "name": name, "region": "eu-west-1", "size": size });
    let Some(account) = Account::with(json!([group("large", 3), group("small", 1)])) else { return };
    let asked = json!({ "asg_names": ["large", "small"], "instance_count": 2 });
    for name in ["terminate_random_instances", "stop_random_instances"] {
        let ran =
            account.ran(&experiment(&[whole(&["large", "small"])], &[action(name, &asked)], &[]), &[]).await;
        let ran = ran.with_code(5);
        let why =
            "nobody was hit: 2 of aws-asg:123456789012/eu-west-1/small were asked for, and 1 can be hit";
        assert!(ran.stdout.contains(why), "{ran:#?}");
    }
    assert!(account.mutations().is_empty());
    // As far as Chaos Toolkit can tell, a percentage of nobody is no error.
    let asked = json!({ "asg_names": ["large"], "instance_percent": 20 });
    let action = action("terminate_random_instances", &asked);
    let ran = account.ran(&experiment(&[], &[action], &[]), &[]).await.with_code(5);
    assert!(
        ran.stdout.contains("20 % of the 3 in service in") && ran.stdout.contains("is nobody"),
        "{ran:#?}"
    );
    assert!(account.mutations().is_empty());
}

/// What is stopped stays so until the method is over, and is back before the rollbacks.
#[tokio::test]
async fn a_stop_lasts_as_long_as_the_method() {
    let Some(account) = Account::with_web(4) else { return };
    account.cloud.page("POST", "healing", Some(json!({ "milliseconds": null })));
    let state = |name: &str, kind: &str, state: &str| {
        let filters = json!([{ "Name": "instance-state-name", "Values": [state] }]);
        let mut probe =
            function(kind, "chaosaws.ec2.probes", "count_instances", &json!({ "filters": filters }));
        probe["name"] = name.into();
        probe
    };
    let mut stopped = state("stopped", "probe", "stopped");
    stopped["tolerance"] = json!(1);
    stopped["until"] = json!({ "every": 0.2, "within": 30 });
    let method = [
        action(
            "stop_random_instances",
            &json!({ "tags": [{ "Key": "team", "Value": "shop" }], "az": "eu-west-1b", "instance_count": 1 }),
        ),
        stopped,
    ];
    let rollbacks = [state("running again", "probe", "running")];
    let world = json!([
        { "name": "tagged", "region": "eu-west-1", "size": 4, "tags": { "team": "shop" } },
    ]);
    account.cloud.add(world);
    let ran = account.ran(&experiment(&[], &method, &rollbacks), &["--json"]).await.with_code(0);
    let json = ran.json();
    let run = &json["journal"];
    assert_eq!(run["rollbacks"][0]["output"], 8, "{json:#}");
    assert_eq!(account.mutations(), ["StopInstances", "StartInstances"]);
}

#[tokio::test]
async fn after_a_kill_what_was_stopped_is_started_by_recover() {
    let Some(account) = Account::with_web(3) else { return };
    account.cloud.page("POST", "healing", Some(json!({ "milliseconds": null })));
    let stop = action("stop_random_instances", &json!({ "asg_names": ["web"], "instance_count": 1 }));
    let place = account.place.path();
    let stays = account.stays("stopped");
    let run = Watched::of(account.run(&experiment(&[], &[stop, stays], &[]), &[]));
    account.is_at("stopped").await;
    run.signal(Signal::KILL);
    assert!(run.end().await.was_killed());
    assert_eq!(account.mutations(), ["StopInstances"]);
    let journal = place.join("experiments.journal");
    let recover = account.program(CHAOS, &["recover", "--journal", text(&journal)]).spawn().unwrap();
    end(recover).await.with_code(0);
    assert_eq!(account.mutations(), ["StopInstances", "StartInstances"]);
    assert!(pending(&journal).await.is_empty());
}

/// Named instances are stopped all or none, and the rollback of the file finds them running.
#[tokio::test]
async fn named_instances_are_members_of_groups() {
    let Some(account) = Account::with(json!([])) else { return };
    account.cloud.page("POST", "healing", Some(json!({ "milliseconds": null })));
    let world = account.cloud.add(json!([{ "name": "web", "region": "eu-west-1", "size": 3 }]));
    let members = world["groups"][0]["instances"].as_array().unwrap();
    let ids: Vec<&str> = members.iter().map(|member| member["id"].as_str().unwrap()).collect();
    let ec2 = |name: &str, ids: &[&str]| {
        function("action", "chaosaws.ec2.actions", name, &json!({ "instance_ids": ids }))
    };
    let both = [ids[0], ids[1]];
    let file = experiment(&[], &[ec2("stop_instances", &both)], &[ec2("start_instances", &both)]);
    account.ran(&file, &[]).await.with_code(0);
    assert_eq!(account.mutations().iter().filter(|call| *call == "StartInstances").count(), 2);
    account.cloud.forget_calls();

    let restart = experiment(&[], &[ec2("restart_instances", &both)], &[]);
    account.ran(&restart, &[]).await.with_code(0);
    assert_eq!(account.mutations(), ["RebootInstances", "RebootInstances"]);
    account.cloud.forget_calls();

    let unknown = experiment(&[], &[ec2("stop_instances", &[both[0], "i-0123456789abcdef0"])], &[]);
    let ran = account.ran(&unknown, &[]).await.with_code(5);
    assert!(ran.stdout.contains("i-0123456789abcdef0"), "{ran:#?}");
    assert!(account.mutations().is_empty());
}

#[tokio::test]
async fn what_makes_no_sense_is_told_before_anything_runs() {
    let Some(account) = Account::with_web(2) else { return };
    let method = [
        action("terminate_random_instances", &json!({ "asg_names": ["web"] })),
        action(
            "terminate_random_instances",
            &json!({ "asg_names": ["web"], "instance_cuont": 1, "az": "a" }),
        ),
        action("stop_random_instances", &json!({ "asg_names": [], "instance_count": 0 })),
        action("stop_random_instances", &json!({ "asg_names": ["web"], "az": "a", "force": true })),
        action("suspend_processes", &json!({ "asg_names": ["web"] })),
        function(
            "probe",
            "chaosaws.asg.actions",
            "terminate_random_instances",
            &json!({ "tags": "a", "az": "a" }),
        ),
    ];
    let rollback = action("terminate_random_instances", &json!({ "asg_names": ["web"], "az": "a" }));
    let ran = account.ran(&experiment(&[], &method, &[rollback]), &["--check"]).await.with_code(2);
    for expected in [
        "method[0].provider.arguments: {\"asg_names\":[\"web\"]}; expected at least one of instance_count, \
         instance_percent, az",
        "method[1].provider.arguments.instance_cuont: 1; expected an argument of terminate_random_instances",
        "did you mean \"instance_count\"?",
        "method[2].provider.arguments.asg_names: []; expected a list of texts, with at least one",
        "method[2].provider.arguments.instance_count: 0; expected a whole number above 0",
        "method[3].provider.arguments.force: true; expected false: an instance is stopped in order here",
        "method[4].provider.func: chaosaws.asg.actions.suspend_processes; expected a function of chaosaws that is \
         carried out here, or --python PROGRAM",
        "method[5].type: probe; expected action: the function changes something",
        "method[5].provider.arguments.tags: \"a\"; expected a list of tags, each a mapping with Key and Value",
        "rollbacks[0].provider.func: chaosaws.asg.actions.terminate_random_instances; expected what only looks or \
         undoes",
    ] {
        assert!(ran.stderr.contains(expected), "{expected}\n{ran:#?}");
    }
    assert!(account.mutations().is_empty());
}

#[tokio::test]
async fn who_has_opted_out_is_spared() {
    let opted_out =
        json!([{ "name": "web", "region": "eu-west-1", "size": 3, "tags": { "chaos:enabled": "false" } }]);
    let Some(account) = Account::with(opted_out) else { return };
    let asked = json!({ "asg_names": ["web"], "instance_count": 1 });
    let ran = account.ran(&experiment(&[], &[action("terminate_random_instances", &asked)], &[]), &[]).await;
    let ran = ran.with_code(5);
    assert!(ran.stdout.contains("chaos:enabled"), "{ran:#?}");
    assert!(account.mutations().is_empty());
}

/// The number of an alarm and of a metric, and no number where there is no data.
#[tokio::test]
async fn probes_ask_cloudwatch() {
    let Some(account) = Account::with_web(1) else { return };
    account.made_by_boto3(METRICS).await;
    let metric = |name: &str, arguments: Value, tolerance: Value| {
        let mut arguments = arguments;
        arguments["namespace"] = "Shop".into();
        arguments["dimension_name"] = "tier".into();
        arguments["dimension_value"] = "web".into();
        let mut probe = function("probe", "chaosaws.cloudwatch.probes", name, &arguments);
        probe["tolerance"] = tolerance;
        probe
    };
    let alarm = json!({ "alarm_name": "shop-5xx" });
    let mut alarm = function("probe", "chaosaws.cloudwatch.probes", "get_alarm_state_value", &alarm);
    alarm["tolerance"] = json!("OK");
    let latency =
        |statistic: &str| json!({ "metric_name": "latency", "statistic": statistic, "duration": 600 });
    let probes = [
        alarm,
        metric("get_metric_data", latency("Maximum"), json!([3, 3])),
        metric("get_metric_data", latency("Average"), json!([2, 2])),
        metric("get_metric_statistics", latency("Sum"), json!([4, 4])),
    ];
    account.ran(&experiment(&probes, &[], &[]), &[]).await.with_code(0);
    let nothing = json!({ "metric_name": "latencies", "statistic": "Sum" });
    let probe = metric("get_metric_data", nothing, json!(0));
    let ran = account.ran(&experiment(&[probe], &[], &[]), &[]).await.with_code(3);
    assert!(ran.stdout.contains("the metric has no data in the span"), "{ran:#?}");
}

const METRICS: &str = "
import boto3, datetime
watch = boto3.client('cloudwatch')
now = datetime.datetime.now(datetime.timezone.utc)
watch.put_metric_data(Namespace='Shop', MetricData=[{
    'MetricName': 'latency', 'Value': value, 'Dimensions': [{'Name': 'tier', 'Value': 'web'}],
    'Timestamp': now - datetime.timedelta(seconds=ago),
} for value, ago in ((1, 120), (3, 60))])
watch.put_metric_alarm(AlarmName='shop-5xx', Namespace='Shop', MetricName='latency', Period=60, EvaluationPeriods=1,
                       Threshold=9, ComparisonOperator='GreaterThanThreshold', Statistic='Maximum')
watch.set_alarm_state(AlarmName='shop-5xx', StateValue='OK', StateReason='a test')
";

/// A key of the secrets is used, and is seen nowhere.
#[tokio::test]
async fn a_key_of_the_secrets_signs_the_calls() {
    let Some(account) = Account::with_web(2) else { return };
    let mut file = experiment(&[whole(&["web"])], &[], &[]);
    file["secrets"] = json!({ "aws": {
        "aws_access_key_id": "AKIDOFTHEFILE", "aws_secret_access_key": "the-key-of-the-file",
    } });
    file["steady-state-hypothesis"]["probes"][0]["provider"]["secrets"] = json!(["aws"]);
    let mut run = account.run(&file, &["--json"]);
    run.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    let ran = end(run.spawn().unwrap()).await.with_code(0);
    assert!(!ran.stdout.contains("the-key-of-the-file") && !ran.stdout.contains("AKIDOFTHEFILE"), "{ran:#?}");

    file["steady-state-hypothesis"]["probes"][0]["provider"]["secrets"] = json!([]);
    let mut run = account.run(&file, &[]);
    run.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    let ran = end(run.spawn().unwrap()).await.with_code(3);
    assert!(ran.stdout.contains("no AWS credentials"), "{ran:#?}");
}

/// What an earlier run has left stopped is started before anything else begins.
#[tokio::test]
async fn the_next_run_recovers_what_a_killed_one_has_stopped() {
    let Some(account) = Account::with_web(3) else { return };
    account.cloud.page("POST", "healing", Some(json!({ "milliseconds": null })));
    let stop = action("stop_random_instances", &json!({ "asg_names": ["web"], "instance_count": 1 }));
    let stays = account.stays("stopped");
    let run = Watched::of(account.run(&experiment(&[], &[stop, stays], &[]), &[]));
    account.is_at("stopped").await;
    run.signal(Signal::KILL);
    assert!(run.end().await.was_killed());
    let rollback =
        json!({ "type": "action", "name": "none", "provider": { "type": "process", "path": "true" } });
    let next = account.ran(&experiment(&[whole(&["web"])], &[], &[rollback]), &[]).await.with_code(0);
    assert!(next.stdout.contains("an earlier run, aws-asg:"), "{next:#?}");
    assert_eq!(account.mutations(), ["StopInstances", "StartInstances"]);
}

/// A written name that stands for nothing is a doubt, and no wider blast radius.
#[tokio::test]
async fn a_count_that_stands_for_nothing_is_no_whole_zone() {
    let Some(account) = Account::with_web(4) else { return };
    let asked = json!({ "asg_names": ["web"], "az": "eu-west-1a", "instance_count": "${count}" });
    let mut file = experiment(&[], &[action("terminate_random_instances", &asked)], &[]);
    file["configuration"]["count"] = json!(null);
    let ran = account.ran(&file, &[]).await.with_code(2);
    assert!(
        ran.stderr.contains("instance_count: \"${count}\"; expected a value: the name stands for null"),
        "{ran:#?}"
    );
    // Only known when it runs.
    let shell = json!({ "type": "process", "path": "sh", "arguments": ["-c", "exit 3"] });
    file["configuration"]["count"] = json!({ "type": "probe", "name": "count", "provider": shell });
    let ran = account.ran(&file, &[]).await.with_code(5);
    assert!(ran.stdout.contains("the argument instance_count holds a name without a value"), "{ran:#?}");
    assert!(account.mutations().is_empty());
}

/// One that waits too long does not keep the others from being played.
#[tokio::test]
async fn a_function_has_the_limit_of_its_provider() {
    let Some(account) = Account::with_web(2) else { return };
    let wait = json!({ "tags": [{ "Key": "team", "Value": "shop" }], "timeout": 100_000 });
    account
        .cloud
        .add(json!([{ "name": "shop", "region": "eu-west-1", "size": 1, "tags": { "team": "shop" } }]));
    let mut hangs = function("probe", "chaosaws.asg.probes", "wait_desired_not_equals_healthy_tags", &wait);
    hangs["provider"]["timeout"] = json!(1);
    let last = json!({
        "type": "action", "name": "last", "provider": { "type": "process", "path": "touch", "arguments": ["played"] },
    });
    let ran = account.ran(&experiment(&[], &[], &[hangs, last]), &[]).await.with_code(4);
    assert!(ran.stdout.contains("took longer than 1s"), "{ran:#?}");
    assert!(account.place.path().join("played").exists(), "the other rollback is played");
}
