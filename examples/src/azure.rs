//! Where the programs find Azure.

use std::env;

use chaos_azure::AzureBuilder;

/// The URL of another Resource Manager than Azure's public one: a sovereign cloud's, or an emulator's.
const ENDPOINT: &str = "AZURE_RESOURCE_MANAGER_ENDPOINT";

/// At the Resource Manager that the environment names, if it names one.
pub(crate) fn at_endpoint<P>(builder: AzureBuilder<P>) -> AzureBuilder<P> {
    match env::var(ENDPOINT) {
        Ok(url) if !url.is_empty() => builder.endpoint(url),
        _ => builder,
    }
}
