//! Which versions of its API each resource provider serves.

use super::answer::Answer;

/// Of `Microsoft.Compute`: the one that `azure_mgmt_compute` 0.21 and `azure-mgmt-compute` 33.0 speak.
pub const COMPUTE_VERSION: &str = "2024-07-01";

/// Of `Microsoft.Network`: the one that `azure-mgmt-network` 28.1 speaks.
pub const NETWORK_VERSION: &str = "2024-05-01";

/// Of `Microsoft.Chaos`: the one that `azure-mgmt-chaos` 2.0 speaks.
pub const CHAOS_VERSION: &str = "2025-01-01";

/// In which the interfaces of instances are told, whatever the others are told in.
pub const INSTANCE_INTERFACES_VERSION: &str = "2018-10-01";

/// Of `Microsoft.Insights/autoscaleSettings`: the one that `azure-mgmt-monitor` 7.0 speaks.
pub const AUTOSCALE_VERSION: &str = "2022-10-01";

/// Of `Microsoft.Authorization/permissions`: the one that `azure-mgmt-authorization` 4.0 speaks.
pub const AUTHORIZATION_VERSION: &str = "2022-04-01";

const COMPUTE: &[&str] = &["2023-09-01", "2024-03-01", COMPUTE_VERSION];
const NETWORK: &[&str] = &["2023-11-01", "2024-01-01", "2024-03-01", NETWORK_VERSION];
const AUTOSCALE: &[&str] = &["2015-04-01", AUTOSCALE_VERSION];
const CHAOS: &[&str] = &["2024-01-01", CHAOS_VERSION];
const INSTANCE_INTERFACES: &[&str] = &["2017-03-30", INSTANCE_INTERFACES_VERSION];

/// Refuses what real providers do not know. All but `version` in lower case; `rest` is the path below `kind`.
pub(crate) fn check(namespace: &str, kind: &str, rest: &[&str], version: &str) -> Result<(), Answer> {
    let known = match namespace {
        "microsoft.compute" if rest.contains(&"networkinterfaces") => INSTANCE_INTERFACES,
        "microsoft.compute" => COMPUTE,
        "microsoft.network" => NETWORK,
        "microsoft.chaos" => CHAOS,
        "microsoft.insights" => AUTOSCALE,
        "microsoft.authorization" => &[AUTHORIZATION_VERSION],
        _ => {
            let message = format!("The resource namespace '{namespace}' is invalid.");
            return Err(Answer::error(404, "InvalidResourceNamespace", message));
        }
    };
    if known.contains(&version) {
        return Ok(());
    }
    Err(Answer::bad_request(
        "NoRegisteredProviderFound",
        format!(
            "No registered resource provider found for location 'westeurope' and API version '{version}' for type \
             '{kind}'. The supported api-versions are '{}'. The supported locations are 'westeurope, northeurope'.",
            known.join(", ")
        ),
    ))
}
