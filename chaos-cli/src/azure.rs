//! The Azure endpoint of the programs.

use std::env;

use chaos_azure::{AzureBuilder, Cloud};

/// The URL of a Resource Manager other than Azure's public one, such as a sovereign cloud's or an emulator's.
const ENDPOINT: &str = "AZURE_RESOURCE_MANAGER_ENDPOINT";

/// Uses the Resource Manager of the environment, if it names one, and the identities of its cloud, if it belongs to
/// one.
pub(crate) fn at_endpoint<P>(builder: AzureBuilder<P>) -> AzureBuilder<P> {
    let Some(url) = env::var(ENDPOINT).ok().filter(|url| !url.is_empty()) else { return builder };
    match cloud_at(&url) {
        Some(cloud) => builder.cloud(cloud),
        None => builder.endpoint(url),
    }
}

fn cloud_at(url: &str) -> Option<Cloud> {
    match url.trim_end_matches('/').to_ascii_lowercase().as_str() {
        "https://management.azure.com" => Some(Cloud::Public),
        "https://management.usgovcloudapi.net" => Some(Cloud::UsGovernment),
        "https://management.chinacloudapi.cn" => Some(Cloud::China),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoint_of_a_cloud_brings_its_identities() {
        assert_eq!(cloud_at("https://management.usgovcloudapi.net/"), Some(Cloud::UsGovernment));
        assert_eq!(cloud_at("https://management.chinacloudapi.cn"), Some(Cloud::China));
        assert_eq!(cloud_at("http://127.0.0.1:8080"), None);
    }
}
