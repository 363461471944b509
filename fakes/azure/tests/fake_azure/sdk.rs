//! Microsoft's SDK against the fake: every operation that chaos-azure needs.

use chaos_core::clock::{Clock, SystemClock};
use fake_azure::{
    FakeArm, MicrosoftSdk, NewAvailabilitySet, NewExperiment, NewScaleSet, PowerState, SdkAnswer,
};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::client::{interface, machine, scale_set, security_group};

struct Bench {
    sdk: MicrosoftSdk,
    fake: FakeArm,
}

impl Bench {
    fn start() -> Option<Self> {
        let sdk = MicrosoftSdk::start().unwrap()?;
        let fake = FakeArm::start().unwrap();
        fake.add(NewAvailabilitySet::new("shop", "web").machines(3).tag("tier", "web"));
        fake.add(NewScaleSet::new("shop", "api").capacity(3));
        fake.add(NewScaleSet::new("shop", "flex").capacity(2).flexible());
        fake.add(NewExperiment::new("shop", "drill").lasting(std::time::Duration::from_secs(60)));
        Some(Self { sdk, fake })
    }

    /// Makes a call that must succeed, and checks that the replies have no field that Microsoft's models do not know.
    #[track_caller]
    fn call(&mut self, operation: &str, arguments: Value) -> (Value, SdkAnswer) {
        let answer = self.sdk.call(&self.fake, operation, arguments).unwrap();
        assert_eq!(answer.unknown_fields, [""; 0], "{operation}");
        let result = answer.outcome.clone().unwrap_or_else(|error| panic!("{operation}: {error:?}"));
        (result, answer)
    }

    #[track_caller]
    fn sent(&mut self, operation: &str, arguments: Value) -> (String, String, Value) {
        let (_, answer) = self.call(operation, arguments);
        let first = &answer.requests[0];
        (first.method.clone(), first.path.clone(), first.body.clone().unwrap_or_default())
    }
}

fn names(result: &Value) -> Vec<&str> {
    result.as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap()).collect()
}

fn of(group: &str, name: &str) -> Value {
    json!({ "resource_group_name": group, "vm_name": name })
}

#[test]
fn it_lists_sets_and_machines() {
    let Some(mut bench) = Bench::start() else { return };
    let (sets, _) = bench
        .call("compute.availability_sets.list_by_subscription", json!({ "expand": "virtualMachines/$ref" }));
    assert_eq!(names(&sets), ["web"]);
    assert_eq!(sets[0]["properties"]["virtualMachines"].as_array().unwrap().len(), 3);
    let (sets, _) = bench.call("compute.availability_sets.list", json!({ "resource_group_name": "shop" }));
    assert_eq!(sets[0]["properties"]["platformFaultDomainCount"], 2);
    bench.call(
        "compute.availability_sets.get",
        json!({ "resource_group_name": "shop", "availability_set_name": "web" }),
    );

    bench.fake.configure(|settings| settings.page_size = 2);
    let (machines, answer) =
        bench.call("compute.virtual_machines.list_all", json!({ "status_only": "true" }));
    assert_eq!((names(&machines).len(), answer.requests.len()), (5, 3));
    assert_eq!(machines[0]["properties"]["instanceView"]["statuses"][1]["code"], "PowerState/running");
    let (machines, _) = bench.call("compute.virtual_machines.list_all", json!({}));
    assert_eq!(machines[4]["tags"]["tier"], "web");
    let filter = format!("'virtualMachineScaleSet/id' eq '{}'", scale_set("shop", "flex"));
    let (machines, _) = bench.call(
        "compute.virtual_machines.list",
        json!({ "resource_group_name": "shop", "filter": filter, "expand": "instanceView" }),
    );
    assert_eq!(machines.as_array().unwrap().len(), 2);
    let (view, _) = bench.call("compute.virtual_machines.instance_view", of("shop", "web-1"));
    assert_eq!((&view["platformFaultDomain"], &view["platformUpdateDomain"]), (&json!(1), &json!(1)));
    let mut expanded = of("shop", "web-1");
    expanded["expand"] = json!("instanceView");
    bench.call("compute.virtual_machines.get", expanded);
}

#[test]
fn it_follows_what_it_does_to_machines() {
    let Some(mut bench) = Bench::start() else { return };
    let web = machine("shop", "web-0");
    for (operation, path, after, boots) in [
        ("power_off", "powerOff", PowerState::Stopped, 1),
        ("start", "start", PowerState::Running, 2),
        ("restart", "restart", PowerState::Running, 3),
        ("redeploy", "redeploy", PowerState::Running, 4),
        ("deallocate", "deallocate", PowerState::Deallocated, 4),
    ] {
        let call = format!("compute.virtual_machines.begin_{operation}");
        assert_eq!(
            bench.sent(&call, of("shop", "web-0")),
            ("POST".to_owned(), format!("{web}/{path}"), Value::Null)
        );
        assert_eq!(
            (bench.fake.power_state(&web), bench.fake.boots(&web)),
            (Some(after), Some(boots)),
            "{operation}"
        );
    }
    let mut abrupt = of("shop", "web-1");
    abrupt["skip_shutdown"] = json!(true);
    let (_, answer) = bench.call("compute.virtual_machines.begin_power_off", abrupt);
    assert!(answer.requests[0].query.contains(&("skipShutdown".to_owned(), "true".to_owned())));
    bench.call("compute.virtual_machines.begin_delete", of("shop", "web-2"));
    assert_eq!(bench.fake.power_state(&machine("shop", "web-2")), None);
}

#[test]
fn it_tells_metrics_by_the_minute() {
    let Some(mut bench) = Bench::start() else { return };
    let (web, other) = (machine("shop", "web-0"), machine("shop", "web-9"));
    bench.fake.set_metric(&web, "Percentage CPU", [Some(1.0), Some(2.5), None]);
    let now = SystemClock::default().now();
    let span = |minutes: i64| format!("{}/{now}", now - SignedDuration::from_mins(minutes));
    let asked = |resource: &str, metric: &str, minutes: i64| {
        json!({
            "resource_uri": resource.trim_start_matches('/'), "metricnames": metric, "aggregation": "Average",
            "interval": "PT1M", "timespan": span(minutes),
        })
    };
    let points = |bench: &mut Bench, minutes: i64| {
        let (told, _) = bench.call("monitor.metrics.list", asked(&web, "percentage cpu", minutes));
        let data = told["value"][0]["timeseries"][0]["data"].as_array().unwrap().clone();
        data.iter().map(|point| point["average"].as_f64()).collect::<Vec<_>>()
    };
    // Another minute may begin meanwhile.
    let all = [Some(1.0), Some(2.5), None];
    assert_eq!(points(&mut bench, 10), all);
    assert!(all.ends_with(&points(&mut bench, 1)));
    for (resource, metric, status, code) in
        [(&other, "Percentage CPU", 404, "ResourceNotFound"), (&web, "Happiness", 400, "BadRequest")]
    {
        let answer =
            bench.sdk.call(&bench.fake, "monitor.metrics.list", asked(resource, metric, 10)).unwrap();
        let refusal = answer.outcome.unwrap_err();
        assert_eq!((refusal.status, refusal.code.as_deref()), (Some(status), Some(code)), "{refusal:?}");
    }
}

#[test]
fn it_asks_for_resources_page_by_page_and_in_both_forms() {
    let Some(mut bench) = Bench::start() else { return };
    bench.fake.configure(|settings| settings.page_size = 2);
    let asked = |query: &str, options: Value| {
        json!({
            "query": { "subscriptions": [FakeArm::SUBSCRIPTION], "query": query, "options": options },
        })
    };
    let machines = "Resources | where type=~'Microsoft.Compute/virtualMachines'| where name startswith 'web'";
    let objects = json!({ "resultFormat": "objectArray" });
    let (first, answer) = bench.call("graph.resources", asked(machines, objects.clone()));
    assert_eq!((names(&first["data"]), &first["totalRecords"]), (vec!["web-0", "web-1"], &json!(3)));
    let sent = &answer.requests[0];
    assert_eq!(
        (sent.method.as_str(), sent.path.as_str()),
        ("POST", "/providers/Microsoft.ResourceGraph/resources")
    );
    let version = ("api-version".to_owned(), fake_azure::RESOURCE_GRAPH_VERSION.to_owned());
    assert_eq!(sent.query, [version]);
    let mut next = objects;
    next["$skipToken"] = first["$skipToken"].clone();
    let (last, _) = bench.call("graph.resources", asked(machines, next));
    assert_eq!((names(&last["data"]), last.get("$skipToken")), (vec!["web-2"], None));

    let sample = format!("{machines} | sample 2 | project name");
    let (table, _) = bench.call("graph.resources", asked(&sample, json!({ "resultFormat": "table" })));
    assert_eq!(table["data"]["columns"], json!([{ "name": "name", "type": "string" }]));
    assert_eq!(table["data"]["rows"].as_array().unwrap().len(), 2);

    let wrong = asked("Resources | explode 2", json!({ "resultFormat": "table" }));
    let refusal = bench.sdk.call(&bench.fake, "graph.resources", wrong).unwrap().outcome.unwrap_err();
    assert_eq!((refusal.status, refusal.code.as_deref()), (Some(400), Some("BadRequest")), "{refusal:?}");
    assert!(refusal.message.contains("InvalidQuery"), "{refusal:?}");
}

#[test]
fn it_knows_scale_sets_and_their_instances() {
    let Some(mut bench) = Bench::start() else { return };
    let (sets, _) = bench.call("compute.virtual_machine_scale_sets.list_all", json!({}));
    assert_eq!(names(&sets), ["api", "flex"]);
    let (sets, _) =
        bench.call("compute.virtual_machine_scale_sets.list", json!({ "resource_group_name": "shop" }));
    assert_eq!(sets[1]["properties"]["orchestrationMode"], "Flexible");
    let api = json!({ "resource_group_name": "shop", "vm_scale_set_name": "api" });
    let (view, _) = bench.call("compute.virtual_machine_scale_sets.get_instance_view", api.clone());
    assert_eq!(
        view["virtualMachine"]["statusesSummary"][1],
        json!({ "code": "PowerState/running", "count": 3 })
    );
    bench.call("compute.virtual_machine_scale_sets.get", api.clone());

    let mut all = json!({ "resource_group_name": "shop", "virtual_machine_scale_set_name": "api" });
    all["expand"] = json!("instanceView");
    let (instances, _) = bench.call("compute.virtual_machine_scale_set_vms.list", all);
    assert_eq!(names(&instances), ["api_0", "api_1", "api_2"]);
    let mut one = api.clone();
    one["instance_id"] = json!("0");
    bench.call("compute.virtual_machine_scale_set_vms.get", one.clone());
    bench.call("compute.virtual_machine_scale_set_vms.get_instance_view", one.clone());
    let instance = format!("{}/virtualMachines/0", scale_set("shop", "api"));
    for (operation, after) in [
        ("power_off", Some(PowerState::Stopped)),
        ("start", Some(PowerState::Running)),
        ("restart", Some(PowerState::Running)),
        ("redeploy", Some(PowerState::Running)),
        ("deallocate", Some(PowerState::Deallocated)),
        ("delete", None),
    ] {
        bench.call(&format!("compute.virtual_machine_scale_set_vms.begin_{operation}"), one.clone());
        assert_eq!(bench.fake.power_state(&instance), after, "{operation}");
    }
    assert_eq!(
        bench.fake.capacity(&scale_set("shop", "api")),
        Some(2),
        "a deleted instance lowers the capacity"
    );
    let mut several = api;
    several["vm_instance_i_ds"] = json!({ "instanceIds": ["1"] });
    let (_, _, body) = bench.sent("compute.virtual_machine_scale_sets.begin_delete_instances", several);
    assert_eq!(body, json!({ "instanceIds": ["1"] }));
    assert_eq!(bench.fake.capacity(&scale_set("shop", "api")), Some(1));
    let (interfaces, _) = bench.call(
        "network.network_interfaces.list_virtual_machine_scale_set_vm_network_interfaces",
        json!({ "resource_group_name": "shop", "virtual_machine_scale_set_name": "api", "virtualmachine_index": "2" }),
    );
    assert_eq!(names(&interfaces), ["api_2-nic"]);
    bench.call(
        "network.network_interfaces.get_virtual_machine_scale_set_network_interface",
        json!({ "resource_group_name": "shop", "virtual_machine_scale_set_name": "api", "virtualmachine_index": "2",
                "network_interface_name": "api_2-nic" }),
    );
}

#[test]
fn it_knows_who_is_held_at_a_number() {
    let Some(mut bench) = Bench::start() else { return };
    bench.fake.add(NewScaleSet::new("shop", "held").capacity(2).held_at(2));
    let (settings, _) = bench.call("monitor.autoscale_settings.list_by_subscription", json!({}));
    assert_eq!(names(&settings), ["held-autoscale"]);
    assert_eq!(settings[0]["properties"]["profiles"][0]["capacity"]["minimum"], "2");
}

#[test]
fn it_runs_commands() {
    let Some(mut bench) = Bench::start() else { return };
    let mut arguments = of("shop", "web-0");
    arguments["parameters"] =
        json!({ "commandId": "RunShellScript", "script": ["echo out", "echo err >&2", "exit 3"] });
    let (result, answer) = bench.call("compute.virtual_machines.begin_run_command", arguments);
    assert_eq!(
        result["value"][0]["message"], "Enable succeeded: \n[stdout]\nout\n\n[stderr]\nerr\n",
        "the exit status is not reported"
    );
    assert_eq!(answer.requests[0].body.as_ref().unwrap()["commandId"], "RunShellScript");
    let (result, _) = bench.call(
        "compute.virtual_machine_scale_set_vms.begin_run_command",
        json!({ "resource_group_name": "shop", "vm_scale_set_name": "api", "instance_id": "1",
                "parameters": { "commandId": "RunShellScript", "script": ["pwd"] } }),
    );
    assert!(result["value"][0]["message"].as_str().unwrap().contains("/run-command/download/0\n"));
}

#[test]
fn it_changes_the_network() {
    let Some(mut bench) = Bench::start() else { return };
    let nic = json!({ "resource_group_name": "shop", "network_interface_name": "web-0-nic" });
    let (mut document, _) = bench.call("network.network_interfaces.get", nic.clone());
    assert_eq!(document["properties"]["networkSecurityGroup"]["id"], security_group("shop", "web-0-nsg"));
    document["properties"].as_object_mut().unwrap().remove("networkSecurityGroup");
    let mut detached = nic.clone();
    detached["parameters"] = document.clone();
    bench.call("network.network_interfaces.begin_create_or_update", detached);
    assert_eq!(bench.fake.security_group(&machine("shop", "web-0")), None);
    document["properties"]["networkSecurityGroup"] = json!({ "id": security_group("shop", "web-0-nsg") });
    let mut attached = nic;
    attached["parameters"] = document;
    let (_, path, _) = bench.sent("network.network_interfaces.begin_create_or_update", attached);
    assert_eq!(path, interface("shop", "web-0-nic"));
    assert!(bench.fake.security_group(&machine("shop", "web-0")).is_some());
    bench.call("network.network_interfaces.list_all", json!({}));
    bench.call("network.network_interfaces.list", json!({ "resource_group_name": "shop" }));

    let group = json!({ "resource_group_name": "shop", "network_security_group_name": "web-0-nsg" });
    let (document, _) = bench.call("network.network_security_groups.get", group.clone());
    assert_eq!(document["properties"]["defaultSecurityRules"].as_array().unwrap().len(), 6);
    bench.call("network.network_security_groups.list", json!({ "resource_group_name": "shop" }));
    bench.call("network.network_security_groups.list_all", json!({}));
    let mut rule = group.clone();
    rule["security_rule_name"] = json!("chaos-deny");
    let mut put = rule.clone();
    put["security_rule_parameters"] = json!({ "properties": {
        "priority": 100, "direction": "Inbound", "access": "Deny", "protocol": "*",
        "sourceAddressPrefix": "*", "sourcePortRange": "*",
        "destinationAddressPrefix": "*", "destinationPortRange": "*",
    } });
    bench.call("network.security_rules.begin_create_or_update", put);
    bench.call("network.security_rules.get", rule.clone());
    let (rules, _) = bench.call("network.security_rules.list", group);
    assert_eq!(names(&rules), ["chaos-deny"]);
    bench.call("network.security_rules.begin_delete", rule);
    assert_eq!(bench.fake.security_rules(&security_group("shop", "web-0-nsg")), Some(Vec::new()));
    let created = json!({ "resource_group_name": "shop", "network_security_group_name": "own",
                          "parameters": { "location": "westeurope" } });
    bench.call("network.network_security_groups.begin_create_or_update", created);
    let deleted = json!({ "resource_group_name": "shop", "network_security_group_name": "own" });
    bench.call("network.network_security_groups.begin_delete", deleted);
    assert_eq!(bench.fake.security_rules(&security_group("shop", "own")), None);
    bench.call(
        "network.subnets.get",
        json!({ "resource_group_name": "shop", "virtual_network_name": "web-vnet", "subnet_name": "default" }),
    );
}

#[test]
fn it_drives_experiments() {
    let Some(mut bench) = Bench::start() else { return };
    let drill = json!({ "resource_group_name": "shop", "experiment_name": "drill" });
    bench.call("chaos.experiments.get", drill.clone());
    bench.call("chaos.experiments.list", json!({ "resource_group_name": "shop" }));
    bench.call("chaos.experiments.begin_start", drill.clone());
    let (executions, _) = bench.call("chaos.experiments.list_all_executions", drill.clone());
    let mut execution = drill.clone();
    execution["execution_id"] = executions[0]["name"].clone();
    let (document, _) = bench.call("chaos.experiments.get_execution", execution.clone());
    assert_eq!(document["properties"]["status"], "Running");
    bench.call("chaos.experiments.begin_cancel", drill);
    let (document, _) = bench.call("chaos.experiments.execution_details", execution);
    assert_eq!(document["properties"]["status"], "Cancelled");
}

#[test]
fn an_operation_that_never_ends_is_no_success() {
    use fake_azure::Trouble;
    let Some(mut bench) = Bench::start() else { return };
    bench.fake.trouble(Trouble::hang_operation().on("POST", "*/start"));
    let stuck =
        bench.sdk.call(&bench.fake, "compute.virtual_machines.begin_start", of("shop", "web-0")).unwrap();
    assert_eq!(stuck.outcome.unwrap_err().code.as_deref(), Some("StillRunning"));
}

#[test]
fn it_understands_refusals_and_operations_that_fail() {
    use fake_azure::Trouble;
    let Some(mut bench) = Bench::start() else { return };
    let mut error = |trouble: Option<Trouble>, operation: &str, arguments: Value| {
        trouble.into_iter().for_each(|trouble| bench.fake.trouble(trouble));
        let error = bench.sdk.call(&bench.fake, operation, arguments).unwrap().outcome.unwrap_err();
        (error.status.unwrap_or_default(), error.code.unwrap_or_default())
    };
    let stop = "compute.virtual_machines.begin_power_off";
    let web = of("shop", "web-0");
    let told = |status, code: &str| (status, code.to_owned());
    assert_eq!(error(None, stop, of("shop", "nobody")), told(404, "ResourceNotFound"));
    assert_eq!(error(None, stop, of("nowhere", "web-0")), told(404, "ResourceGroupNotFound"));
    assert_eq!(error(Some(Trouble::throttle(0)), stop, web.clone()), told(429, "TooManyRequests"));
    assert_eq!(error(Some(Trouble::forbid()), stop, web.clone()), told(403, "AuthorizationFailed"));
    let failing = Trouble::fail_operation("InternalExecutionError", "An internal execution error occurred.");
    assert_eq!(error(Some(failing), stop, web.clone()), told(200, "InternalExecutionError"));
    let old = json!({ "resource_group_name": "shop", "vm_name": "web-0", "api_version": "2015-01-01" });
    assert_eq!(error(None, "compute.virtual_machines.get", old), told(400, "NoRegisteredProviderFound"));
}
