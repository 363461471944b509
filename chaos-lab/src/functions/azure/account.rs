use std::sync::Arc;

use chaos_azure::{AvailabilitySets, AzureBuilder, Cloud, Machines, ResourceGraph, ScaleSets};
use chaos_core::{Error, Result};
use serde_json::Value;

use crate::functions::call::Call;

pub(super) const MACHINES: &str = "Microsoft.Compute/virtualMachines";
pub(super) const SCALE_SETS: &str = "Microsoft.Compute/virtualMachineScaleSets";

/// The cloud and the credentials: those of the secrets, otherwise those of the environment.
macro_rules! identified {
    ($call:expr, $builder:expr) => {{
        let call = $call;
        let mut builder = $builder.clock(Arc::clone(&call.clock)).endpoint_of_environment();
        if let Some(cloud) = call.secret("azure_cloud") {
            builder = builder.cloud(cloud.parse::<Cloud>()?);
        }
        let service = ["tenant_id", "client_id", "client_secret"].map(|name| call.secret(name));
        match (call.secret("access_token"), service) {
            (Some(token), _) => builder.access_token(token),
            (None, [Some(tenant), Some(client), Some(secret)]) => {
                builder.client_secret(tenant, client, secret)
            }
            (None, [None, None, None]) => builder,
            _ => {
                let expected = "tenant_id, client_id and client_secret together, or access_token";
                return Err(Error::invalid("secrets", "a part of the credentials for Azure", expected));
            }
        }
    }};
}

impl Call {
    pub(super) fn graph(&self) -> Result<ResourceGraph> {
        let builder = identified!(self, ResourceGraph::builder());
        match self.subscription() {
            Some(id) => builder.subscription(id).build(),
            None => builder.build(),
        }
    }

    pub(super) fn machines(&self) -> Result<Machines> {
        identified!(self, Machines::builder()).build()
    }

    pub(super) fn availability_sets(&self) -> Result<AzureBuilder<AvailabilitySets>> {
        let builder = identified!(self, AvailabilitySets::builder());
        Ok(self.subscription().into_iter().fold(builder, AzureBuilder::subscription))
    }

    pub(super) fn scale_sets(&self) -> Result<AzureBuilder<ScaleSets>> {
        let builder = identified!(self, ScaleSets::builder());
        Ok(self.subscription().into_iter().fold(builder, AzureBuilder::subscription))
    }

    /// The resources of a kind that pass the filter of the function.
    pub(super) async fn found(&self, kind: &str) -> Result<Vec<Value>> {
        self.graph()?.resources_of_type(kind, self.text("filter")).await
    }

    fn secret(&self, name: &str) -> Option<&str> {
        self.secrets.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// Also where files for older versions of the extension have it.
    fn subscription(&self) -> Option<&str> {
        let older = || self.configuration.get("azure")?.get("subscription_id")?.as_str();
        self.setting("azure_subscription_id").or_else(older).filter(|id| !id.is_empty())
    }
}

/// The ids of resources, in lower case: ARM does not spell them consistently.
pub(super) fn ids(resources: &[Value]) -> impl Iterator<Item = String> {
    resources.iter().filter_map(|resource| resource["id"].as_str()).map(str::to_lowercase)
}
