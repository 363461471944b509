//! Which versions of its API each resource provider serves.

use super::answer::Answer;

/// Of `Microsoft.Compute`: the newest that the fake serves, and the one that its comparisons use.
pub const COMPUTE_VERSION: &str = "2024-07-01";

/// Of `Microsoft.Network`.
pub const NETWORK_VERSION: &str = "2024-05-01";

/// Of `Microsoft.Chaos`.
pub const CHAOS_VERSION: &str = "2025-01-01";

const COMPUTE: &[&str] = &["2023-09-01", "2024-03-01", COMPUTE_VERSION];
const NETWORK: &[&str] = &["2018-10-01", "2023-11-01", "2024-01-01", "2024-03-01", NETWORK_VERSION];
const CHAOS: &[&str] = &["2024-01-01", CHAOS_VERSION];

/// Refuses what real providers do not know; `namespace` and `kind` in lower case.
pub(crate) fn check(namespace: &str, kind: &str, version: &str) -> Result<(), Answer> {
    let known = match namespace {
        "microsoft.compute" => COMPUTE,
        "microsoft.network" => NETWORK,
        "microsoft.chaos" => CHAOS,
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
