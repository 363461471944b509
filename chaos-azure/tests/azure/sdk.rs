//! Compares the requests of this crate with those of Microsoft's own SDK for the same operations.

use std::collections::{BTreeMap, BTreeSet};

use fake_azure::{MicrosoftSdk, Recorded};
use serde_json::{Map, Value, json};

use crate::{
    isolation::get,
    sweep::{sweep, world},
};

const NETWORK: &str =
    "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/shop/providers/Microsoft.Network";
const FLEX: &str = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/shop/providers/\
                    Microsoft.Compute/virtualMachineScaleSets/flex";

/// The operation of the SDK that sends such a request, and its arguments. Names and scripts are those of the request;
/// all other values are written down here.
fn operation(request: &Recorded, interface: &Value) -> Option<(&'static str, Value)> {
    let path: Vec<&str> = request.path.split('/').skip(1).collect();
    let mut arguments = Map::new();
    let mut of = |pairs: &[(&str, &str)]| {
        arguments.extend(pairs.iter().map(|(key, value)| ((*key).to_owned(), json!(value))));
    };
    let body = || expected_body(request, interface);
    let method = request.method.as_str();
    let path: Vec<String> = path.iter().map(|segment| segment.to_lowercase()).collect();
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let (resource_group, rest) = match path.as_slice() {
        [.., "providers", "microsoft.insights", "metrics"] => {
            let resource = request.path.split("/providers/Microsoft.Insights/").next()?;
            // The span of time is that of the request.
            let asked = request.query.iter().find(|(key, _)| key == "timespan")?;
            let arguments = json!({
                "resource_uri": resource.trim_start_matches('/'),
                "metricnames": "Percentage CPU", "aggregation": "Average", "interval": "PT1M", "timespan": asked.1,
            });
            return Some(("monitor.metrics.list", arguments));
        }
        ["subscriptions", _, "providers", rest @ ..] => (None, rest),
        ["subscriptions", _, "resourcegroups", group, "providers", rest @ ..] => (Some(*group), rest),
        _ => return None,
    };
    if let Some(group) = resource_group {
        of(&[("resource_group_name", group)]);
    }
    let operation = match (method, resource_group.is_some(), rest) {
        ("GET", false, ["microsoft.compute", "availabilitysets"]) => {
            "compute.availability_sets.list_by_subscription"
        }
        ("GET", true, ["microsoft.compute", "availabilitysets", name]) => {
            of(&[("availability_set_name", name)]);
            "compute.availability_sets.get"
        }
        ("GET", false, ["microsoft.compute", "virtualmachines"]) => "compute.virtual_machines.list_all",
        ("GET", true, ["microsoft.compute", "virtualmachines"]) => "compute.virtual_machines.list",
        (_, true, ["microsoft.compute", "virtualmachines", name, order @ ..]) => {
            of(&[("vm_name", name)]);
            match (method, order) {
                ("GET", []) => "compute.virtual_machines.get",
                ("DELETE", []) => "compute.virtual_machines.begin_delete",
                ("POST", ["poweroff"]) => "compute.virtual_machines.begin_power_off",
                ("POST", ["deallocate"]) => "compute.virtual_machines.begin_deallocate",
                ("POST", ["start"]) => "compute.virtual_machines.begin_start",
                ("POST", ["restart"]) => "compute.virtual_machines.begin_restart",
                ("POST", ["redeploy"]) => "compute.virtual_machines.begin_redeploy",
                ("POST", ["runcommand"]) => {
                    arguments.insert("parameters".to_owned(), body());
                    "compute.virtual_machines.begin_run_command"
                }
                _ => return None,
            }
        }
        (_, true, ["microsoft.chaos", "experiments", name, order @ ..]) => {
            of(&[("experiment_name", name)]);
            match (method, order) {
                ("GET", []) => "chaos.experiments.get",
                ("GET", ["executions"]) => "chaos.experiments.list_all_executions",
                ("POST", ["start"]) => "chaos.experiments.begin_start",
                ("POST", ["cancel"]) => "chaos.experiments.begin_cancel",
                _ => return None,
            }
        }
        ("GET", false, ["microsoft.insights", "autoscalesettings"]) => {
            "monitor.autoscale_settings.list_by_subscription"
        }
        ("GET", false, ["microsoft.compute", "virtualmachinescalesets"]) => {
            "compute.virtual_machine_scale_sets.list_all"
        }
        ("GET", true, ["microsoft.compute", "virtualmachinescalesets", name]) => {
            of(&[("vm_scale_set_name", name)]);
            "compute.virtual_machine_scale_sets.get"
        }
        ("GET", true, ["microsoft.compute", "virtualmachinescalesets", name, "virtualmachines"]) => {
            of(&[("virtual_machine_scale_set_name", name)]);
            "compute.virtual_machine_scale_set_vms.list"
        }
        (
            "GET",
            true,
            [
                "microsoft.compute",
                "virtualmachinescalesets",
                set,
                "virtualmachines",
                number,
                "networkinterfaces",
                name,
            ],
        ) => {
            of(&[
                ("virtual_machine_scale_set_name", set),
                ("virtualmachine_index", number),
                ("network_interface_name", name),
            ]);
            "network.network_interfaces.get_virtual_machine_scale_set_network_interface"
        }
        (
            _,
            true,
            ["microsoft.compute", "virtualmachinescalesets", set, "virtualmachines", number, order @ ..],
        ) => {
            of(&[("vm_scale_set_name", set), ("instance_id", number)]);
            match (method, order) {
                ("GET", []) => "compute.virtual_machine_scale_set_vms.get",
                ("DELETE", []) => "compute.virtual_machine_scale_set_vms.begin_delete",
                ("POST", ["poweroff"]) => "compute.virtual_machine_scale_set_vms.begin_power_off",
                ("POST", ["deallocate"]) => "compute.virtual_machine_scale_set_vms.begin_deallocate",
                ("POST", ["start"]) => "compute.virtual_machine_scale_set_vms.begin_start",
                ("POST", ["restart"]) => "compute.virtual_machine_scale_set_vms.begin_restart",
                ("POST", ["redeploy"]) => "compute.virtual_machine_scale_set_vms.begin_redeploy",
                ("POST", ["runcommand"]) => {
                    arguments.insert("parameters".to_owned(), body());
                    "compute.virtual_machine_scale_set_vms.begin_run_command"
                }
                _ => return None,
            }
        }
        (_, true, ["microsoft.network", "networkinterfaces", name]) => {
            of(&[("network_interface_name", name)]);
            match method {
                "GET" => "network.network_interfaces.get",
                "PUT" => {
                    arguments.insert("parameters".to_owned(), body());
                    "network.network_interfaces.begin_create_or_update"
                }
                _ => return None,
            }
        }
        (_, true, ["microsoft.network", "networksecuritygroups", name]) => {
            of(&[("network_security_group_name", name)]);
            match method {
                "GET" => "network.network_security_groups.get",
                "PUT" => {
                    arguments.insert("parameters".to_owned(), body());
                    "network.network_security_groups.begin_create_or_update"
                }
                "DELETE" => "network.network_security_groups.begin_delete",
                _ => return None,
            }
        }
        (_, true, ["microsoft.network", "networksecuritygroups", group, "securityrules", name]) => {
            of(&[("network_security_group_name", group), ("security_rule_name", name)]);
            match method {
                "PUT" => {
                    arguments.insert("security_rule_parameters".to_owned(), body());
                    "network.security_rules.begin_create_or_update"
                }
                "DELETE" => "network.security_rules.begin_delete",
                _ => return None,
            }
        }
        _ => return None,
    };
    for (key, value) in &request.query {
        let (name, value) = match key.as_str() {
            "api-version" => continue,
            "statusOnly" => ("status_only", json!("true")),
            "$filter" => ("filter", json!(format!("'virtualMachineScaleSet/id' eq '{FLEX}'"))),
            "$expand" => ("expand", json!("instanceView")),
            "skipShutdown" => ("skip_shutdown", json!(value == "true")),
            _ => return None,
        };
        arguments.insert(name.to_owned(), value);
    }
    Some((operation, Value::Object(arguments)))
}

/// The expected body, in the form of the REST API. `interface` is one without a security group.
fn expected_body(request: &Recorded, interface: &Value) -> Value {
    let name = request.path.rsplit('/').next().unwrap_or_default();
    let rule = |name: &str, addresses: Option<Value>| {
        let (direction, here, there) = if name.contains("-in") {
            ("Inbound", "destination", "source")
        } else {
            ("Outbound", "source", "destination")
        };
        let mut properties = json!({
            "description": "Isolates a machine for a chaos fault, which removes it in the end",
            "priority": 100, "direction": direction, "access": "Deny", "protocol": "*",
            "sourcePortRange": "*", "destinationPortRange": "*",
        });
        properties[format!("{there}AddressPrefix")] = json!("*");
        match addresses {
            Some(addresses) => properties[format!("{here}AddressPrefixes")] = addresses,
            None => properties[format!("{here}AddressPrefix")] = json!("*"),
        }
        properties
    };
    let sent = request.body.clone().unwrap_or_default();
    if request.path.ends_with("/runCommand") {
        return json!({ "commandId": "RunShellScript", "script": sent["script"] });
    }
    if request.path.contains("/securityRules/") {
        let here = if name.contains("-in") { "destination" } else { "source" };
        let addresses = sent["properties"][format!("{here}AddressPrefixes")].clone();
        return json!({ "properties": rule(name, Some(addresses)) });
    }
    if request.path.contains("/networkSecurityGroups/") {
        let rules: Vec<Value> = ["-in", "-out"]
            .iter()
            .map(|way| json!({ "name": format!("{name}{way}"), "properties": rule(way, None) }))
            .collect();
        let fault = name.trim_start_matches("chaos-isolation-");
        return json!({
            "location": "westeurope",
            "tags": { "chaos:isolation": fault },
            "properties": { "securityRules": rules },
        });
    }
    let mut document = interface.clone();
    if let Some(group) = sent["properties"].get("networkSecurityGroup") {
        document["properties"]["networkSecurityGroup"] = group.clone();
    }
    document
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_is_the_one_of_microsofts_sdk() {
    let Some(mut sdk) = MicrosoftSdk::start().unwrap() else { return };
    let ours = sweep(&world()).await;
    let fake = world();
    let interface = get(&fake, &format!("{NETWORK}/networkInterfaces/bare-0-nic")).await;
    let mut distinct = BTreeMap::new();
    // The packages of the SDK that are installed have no client for the permissions API.
    let compared =
        ours.into_iter().filter(|request| !request.path.ends_with("/Microsoft.Authorization/permissions"));
    for request in compared {
        let (operation, arguments) = operation(&request, &interface)
            .unwrap_or_else(|| panic!("no operation is known that sends {request:?}"));
        distinct.entry((operation, without_ids(&arguments.to_string()))).or_insert((request, arguments));
    }
    let mut told = Vec::new();
    let mut operations = BTreeSet::new();
    for ((operation, _), (mut ours, arguments)) in distinct {
        operations.insert(operation);
        let theirs = sdk.call(&fake, operation, arguments).unwrap();
        let mut theirs = theirs.requests.into_iter().next().expect(operation);
        // ARM ignores case in paths. The SDK's spelling is that of ids, except for this one word.
        for request in [&mut ours, &mut theirs] {
            request.path = request.path.replace("/microsoft.Compute/", "/Microsoft.Compute/");
        }
        if let Some(difference) = ours.difference(&theirs) {
            told.push(format!("{operation}: {} {}\n{difference}", ours.method, ours.path));
        }
    }
    assert!(told.is_empty(), "{}", told.join("\n"));
    assert_eq!(operations.len(), 37, "each operation that the crate uses is compared: {operations:#?}");
}

/// Faults differ only by their ids.
fn without_ids(text: &str) -> String {
    let mut parts = text.split("chaos-isolation-");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |told, part| told + "chaos-isolation-" + part.get(16..).unwrap_or(part))
}
