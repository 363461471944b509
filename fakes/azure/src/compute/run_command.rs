//! `runCommand` on a virtual machine or an instance of a scale set.
//!
//! This is the *action* Run Command. A managed one, a `runCommands` resource, stays on the machine until somebody
//! deletes it. It is not served here.

use serde_json::Value;

use crate::{
    answer::{Answer, Answered},
    call::Call,
    cloud::Cloud,
    machine::{Machine, OperatingSystem, PowerState},
    operation::Provider,
    work::Work,
};

/// The longest script, encoded in base64.
const MAX_SCRIPT: usize = 256 * 1024;

pub(super) fn answer(cloud: &mut Cloud, call: &Call, machine: &Machine) -> Answered {
    let command = call.json().get("commandId").and_then(Value::as_str).unwrap_or_default();
    let fits = match machine.system {
        OperatingSystem::Linux => command.eq_ignore_ascii_case("RunShellScript"),
        OperatingSystem::Windows => command.eq_ignore_ascii_case("RunPowerShellScript"),
    };
    if !fits {
        return Err(Answer::bad_request(
            "InvalidParameter",
            format!(
                "The command '{command}' is not available for the operating system of the VM '{}'.",
                machine.name
            ),
        ));
    }
    let lines = call.json().get("script").and_then(Value::as_array);
    let Some(lines) = lines.map(|lines| lines.iter().filter_map(Value::as_str).collect::<Vec<_>>()) else {
        return Err(Answer::bad_request("InvalidParameter", "The value of parameter script is invalid."));
    };
    let text = lines.join("\n") + "\n";
    if text.len() * 4 / 3 > MAX_SCRIPT {
        return Err(Answer::bad_request(
            "InvalidParameter",
            format!(
                "The script's length ({}) exceeded the maximum allowed length of {MAX_SCRIPT}!",
                text.len()
            ),
        ));
    }
    if machine.power != PowerState::Running {
        return Err(Answer::conflict(
            "OperationNotAllowed",
            "Cannot modify extensions in the VM when the VM is not running.",
        ));
    }
    let key = machine.id.key();
    let is_under_way = cloud.operations.values().any(|operation| {
        matches!(&operation.work, Some(Work::Script { machine, .. }) if *machine == key)
            && !operation.is_over()
    });
    if is_under_way {
        return Err(Answer::conflict(
            "Conflict",
            "Run command extension execution is in progress. Please wait for completion before invoking a run command.",
        ));
    }
    if machine.system == OperatingSystem::Windows {
        return Err(Answer::no_route("RunPowerShellScript"));
    }
    let location = machine.location.clone();
    Ok(cloud.accept(call, Provider::Compute, &location, Work::Script { machine: key, text, script: None }))
}
