//! The connection to Azure: its cloud, its endpoint and the credentials.

use std::{env, sync::Arc};

use azure_core::http::{HttpClient, Url, new_http_client};
use chaos_core::{Error, Result, clock::Clock};

use crate::{
    client::{
        arm::{Arm, Tokens},
        credentials::{Credentials, Way},
    },
    model::cloud::Cloud,
};

/// The connection settings of a builder or a probe. The default takes the credentials from the environment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connection {
    pub(crate) cloud: Cloud,
    pub(crate) endpoint: Option<String>,
    pub(crate) authority: Option<String>,
    pub(crate) audience: Option<String>,
    pub(crate) credentials: Credentials,
    pub(crate) http: Option<Arc<dyn HttpClient>>,
}

/// The URL of a Resource Manager other than Azure's public one: a sovereign cloud's, or an emulator's.
const ENDPOINT: &str = "AZURE_RESOURCE_MANAGER_ENDPOINT";

impl Connection {
    pub(crate) fn take_endpoint_of_environment(&mut self) {
        if let Some(url) = env::var(ENDPOINT).ok().filter(|url| !url.is_empty()) {
            match cloud_at(&url) {
                Some(cloud) => self.cloud = cloud,
                None => self.endpoint = Some(url),
            }
        }
    }

    /// # Errors
    /// `InvalidInput` for an invalid authority or audience.
    pub(crate) fn validate(&self) -> Result<()> {
        for (what, url) in [("authority", &self.authority), ("audience", &self.audience)] {
            if let Some(url) = url
                && !Url::parse(url).is_ok_and(|url| url.scheme() == "https" && url.has_host())
            {
                return Err(Error::invalid(what, format!("{url:?}"), "a URL of https"));
            }
        }
        Ok(())
    }

    /// Makes no request yet.
    ///
    /// # Errors
    /// `InvalidInput` for an invalid endpoint, and for an invalid configuration of the credentials.
    pub(crate) fn open(self, clock: Arc<dyn Clock>) -> Result<Arm> {
        let endpoint = endpoint(self.endpoint.as_deref().unwrap_or(self.cloud.endpoint()))?;
        let audience = self.audience.as_deref().unwrap_or(self.cloud.endpoint());
        let http = self.http.unwrap_or_else(|| new_http_client(None));
        let way = Way { cloud: self.cloud.identities(self.authority.as_deref()), http: Arc::clone(&http) };
        let credentials = self.credentials;
        let tokens = Tokens::new(move || credentials.find(&way), audience, Arc::clone(&clock))?;
        Ok(Arm::new(http, tokens, endpoint, clock))
    }
}

/// Every call carries the token, so the connection must be encrypted or must not leave this machine.
fn endpoint(text: &str) -> Result<Url> {
    let wrong = || {
        let expected =
            "a URL of https without a path, or, for this machine, one of http like http://127.0.0.1:8080";
        Error::invalid("endpoint", format!("{text:?}"), expected)
    };
    let url = Url::parse(text).map_err(|error| wrong().caused_by(error))?;
    let is_here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let is_plain = url.path() == "/" && url.query().is_none() && url.username().is_empty();
    let is_right = url.scheme() == "https" || (url.scheme() == "http" && is_here);
    if is_right && is_plain && url.has_host() { Ok(url) } else { Err(wrong()) }
}

fn cloud_at(url: &str) -> Option<Cloud> {
    match url.trim_end_matches('/').to_ascii_lowercase().as_str() {
        "https://management.azure.com" => Some(Cloud::Public),
        "https://management.usgovcloudapi.net" => Some(Cloud::UsGovernment),
        "https://management.chinacloudapi.cn" => Some(Cloud::China),
        _ => None,
    }
}

/// The methods of a builder or a probe that has a `connection`.
macro_rules! settings_of_connections {
    () => {
        /// Chooses a cloud other than Azure's public one, with its endpoint, its identities and its audience.
        pub fn cloud(mut self, cloud: Cloud) -> Self {
            self.connection.cloud = cloud;
            self
        }

        /// Sends every call to this URL: an emulator, or a Resource Manager of your own. Default: that of the
        /// [cloud](Self::cloud).
        pub fn endpoint(mut self, url: impl Into<String>) -> Self {
            self.connection.endpoint = Some(url.into());
            self
        }

        /// Sends every call to the Resource Manager that `AZURE_RESOURCE_MANAGER_ENDPOINT` names, if it is set. If that
        /// belongs to one of Azure's clouds, the identities of that cloud are used.
        pub fn endpoint_of_environment(mut self) -> Self {
            self.connection.take_endpoint_of_environment();
            self
        }

        /// Asks for tokens at this URL, which must be one of https. Default: that of the [cloud](Self::cloud).
        pub fn authority(mut self, url: impl Into<String>) -> Self {
            self.connection.authority = Some(url.into());
            self
        }

        /// Asks for tokens for this resource. Default: the endpoint of the [cloud](Self::cloud).
        pub fn audience(mut self, url: impl Into<String>) -> Self {
            self.connection.audience = Some(url.into());
            self
        }

        /// Uses the secret of an application: a service principal.
        pub fn client_secret(
            mut self,
            tenant: impl Into<String>,
            client: impl Into<String>,
            secret: impl Into<String>,
        ) -> Self {
            let (tenant, client, secret) = (tenant.into(), client.into(), Secret::new(secret.into()));
            self.connection.credentials = Credentials::ClientSecret { tenant, client, secret };
            self
        }

        /// Uses this token, which somebody else has fetched, as `az account get-access-token` prints it. After its
        /// expiry, which is an hour away at most in general, every call is denied: nothing renews it. So a fault that
        /// lasts longer could not be recovered; choose another credential for it.
        pub fn access_token(mut self, token: impl Into<String>) -> Self {
            self.connection.credentials = Credentials::Token(Secret::new(token.into()));
            self
        }

        /// Uses the system-assigned managed identity of this machine or service.
        pub fn managed_identity(mut self) -> Self {
            self.connection.credentials = Credentials::ManagedIdentity { client: None };
            self
        }

        /// Uses the user-assigned managed identity with this client id.
        pub fn managed_identity_of(mut self, client: impl Into<String>) -> Self {
            self.connection.credentials = Credentials::ManagedIdentity { client: Some(client.into()) };
            self
        }

        /// Uses the workload identity of a pod: `AZURE_TENANT_ID`, `AZURE_CLIENT_ID` and `AZURE_FEDERATED_TOKEN_FILE`.
        pub fn workload_identity(mut self) -> Self {
            self.connection.credentials = Credentials::WorkloadIdentity;
            self
        }

        /// Uses the login of the Azure CLI.
        pub fn azure_cli(mut self) -> Self {
            self.connection.credentials = Credentials::AzureCli { tenant: None };
            self
        }

        /// As [`azure_cli`](Self::azure_cli), in this tenant instead of the one that the CLI would choose.
        pub fn azure_cli_in(mut self, tenant: impl Into<String>) -> Self {
            self.connection.credentials = Credentials::AzureCli { tenant: Some(tenant.into()) };
            self
        }

        /// Uses a credential made with `azure_identity` 1, or one of your own.
        ///
        /// After a token is refused, credentials that this library makes are made again, because they cache their
        /// tokens. A credential of your own is asked again, and should request a new token then.
        ///
        /// Use this for a client certificate: that part of `azure_identity` needs OpenSSL, and is its feature
        /// `client_certificate`.
        pub fn credential(mut self, credential: Arc<dyn TokenCredential>) -> Self {
            self.connection.credentials = Credentials::Given(credential);
            self
        }

        /// Sends through an HTTP client of your own, for a proxy or for certificates. Default: the client of
        /// `azure_core`, which uses `HTTPS_PROXY` and the trusted certificates of this machine.
        pub fn http_client(mut self, client: Arc<dyn HttpClient>) -> Self {
            self.connection.http = Some(client);
            self
        }
    };
}

pub(crate) use settings_of_connections;

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
