//! The API versions that each resource provider serves.

use super::answer::Answer;

/// The version of `Microsoft.Compute` that `azure_mgmt_compute` 0.21 and `azure-mgmt-compute` 33.0 use.
pub const COMPUTE_VERSION: &str = "2024-07-01";

/// The version of `Microsoft.Network` that `azure-mgmt-network` 28.1 uses.
pub const NETWORK_VERSION: &str = "2024-05-01";

/// The version of `Microsoft.Chaos` that `azure-mgmt-chaos` 2.0 uses.
pub const CHAOS_VERSION: &str = "2025-01-01";

/// The version for the interfaces of instances, which differs from that of other interfaces.
pub const INSTANCE_INTERFACES_VERSION: &str = "2018-10-01";

/// The version of `Microsoft.Insights/autoscaleSettings` that `azure-mgmt-monitor` 7.0 uses.
pub const AUTOSCALE_VERSION: &str = "2022-10-01";

/// The version of `Microsoft.Insights/metrics` that `azure-mgmt-monitor` 7.0 uses.
pub const METRICS_VERSION: &str = "2024-02-01";

/// The version of `Microsoft.Authorization/permissions` that `azure-mgmt-authorization` 4.0 uses.
pub const AUTHORIZATION_VERSION: &str = "2022-04-01";

/// The version of `Microsoft.ResourceGraph` that `azure-mgmt-resourcegraph` 8.0 uses.
pub const RESOURCE_GRAPH_VERSION: &str = "2021-03-01";

const COMPUTE: &[&str] = &["2023-09-01", "2024-03-01", COMPUTE_VERSION];
const NETWORK: &[&str] = &["2023-11-01", "2024-01-01", "2024-03-01", NETWORK_VERSION];
const AUTOSCALE: &[&str] = &["2015-04-01", AUTOSCALE_VERSION];
const METRICS: &[&str] = &["2018-01-01", "2023-10-01", METRICS_VERSION];
const CHAOS: &[&str] = &["2024-01-01", CHAOS_VERSION];
const INSTANCE_INTERFACES: &[&str] = &["2017-03-30", INSTANCE_INTERFACES_VERSION];

/// Refuses versions that real providers do not know. All arguments but `version` are in lower case; `rest` is the path
/// below `kind`.
pub(crate) fn check(namespace: &str, kind: &str, rest: &[&str], version: &str) -> Result<(), Answer> {
    let known = match namespace {
        "microsoft.compute" if rest.contains(&"networkinterfaces") => INSTANCE_INTERFACES,
        "microsoft.compute" => COMPUTE,
        "microsoft.network" => NETWORK,
        "microsoft.chaos" => CHAOS,
        "microsoft.insights" if kind == "metrics" => METRICS,
        "microsoft.insights" => AUTOSCALE,
        "microsoft.authorization" => &[AUTHORIZATION_VERSION],
        "microsoft.resourcegraph" => &[RESOURCE_GRAPH_VERSION],
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
