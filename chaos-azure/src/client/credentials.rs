//! The credentials of `azure_identity`.

use std::{env, fmt, sync::Arc};

use async_trait::async_trait;
use azure_core::{
    cloud::CloudConfiguration,
    credentials::{AccessToken, Secret, TokenCredential, TokenRequestOptions},
    http::{ClientOptions, HttpClient, Transport},
    time::{Duration, OffsetDateTime},
};
use azure_identity::{
    AzureCliCredential, AzureCliCredentialOptions, ClientAssertionCredentialOptions, ClientSecretCredential,
    ClientSecretCredentialOptions, ManagedIdentityCredential, ManagedIdentityCredentialOptions,
    UserAssignedId, WorkloadIdentityCredential, WorkloadIdentityCredentialOptions,
};
use chaos_core::{Error, ErrorKind, Result};

const NOTHING_FOUND: &str = "the credential chain has no Azure credentials: set AZURE_TENANT_ID, AZURE_CLIENT_ID and \
    AZURE_CLIENT_SECRET, choose a managed identity, or log in with `az login`";
const NOT_FETCHED: &str = "the Azure credentials could not be fetched: check the tenant, the client and its secret, \
    or log in again";

/// The source of credentials.
#[derive(Clone, Default)]
pub(crate) enum Credentials {
    /// The credential chain: the environment, and the logins of a developer.
    #[default]
    Environment,
    ClientSecret {
        tenant: String,
        client: String,
        secret: Secret,
    },
    /// The managed identity of this machine or service; with a client id, one of several.
    ManagedIdentity {
        client: Option<String>,
    },
    WorkloadIdentity,
    AzureCli {
        tenant: Option<String>,
    },
    /// A token that somebody else has fetched.
    Token(Secret),
    Given(Arc<dyn TokenCredential>),
}

/// Gives one token, however long it is valid: Azure tells when it no longer is.
#[derive(Debug)]
struct FixedToken(Secret);

#[async_trait]
impl TokenCredential for FixedToken {
    async fn get_token(
        &self,
        _: &[&str],
        _: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        let never = OffsetDateTime::UNIX_EPOCH + Duration::days(365_000);
        Ok(AccessToken::new(self.0.clone(), never))
    }
}

/// A credential, and advice for a person if it gives no token.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) credential: Arc<dyn TokenCredential>,
    pub(crate) advice: &'static str,
}

/// The transport to the issuer of tokens.
#[derive(Debug)]
pub(crate) struct Way {
    pub(crate) cloud: CloudConfiguration,
    pub(crate) http: Arc<dyn HttpClient>,
}

impl Credentials {
    /// # Errors
    /// `InvalidInput` for an invalid configuration. No token is requested yet.
    pub(crate) fn find(&self, way: &Way) -> Result<Found> {
        self.check()?;
        let advice = match self {
            Self::Environment if named_in_environment().is_none() => NOTHING_FOUND,
            _ => NOT_FETCHED,
        };
        let chosen = match self {
            Self::Environment => named_in_environment().unwrap_or(Ok(Self::AzureCli { tenant: None }))?,
            chosen => chosen.clone(),
        };
        let credential = chosen.credential(way).map_err(|error| {
            Error::new(ErrorKind::InvalidInput, "the configuration of the Azure credentials is invalid")
                .caused_by(error)
        })?;
        Ok(Found { credential, advice })
    }

    /// Without the token in the error.
    fn check(&self) -> Result<()> {
        let Self::Token(token) = self else { return Ok(()) };
        let token = token.secret();
        let expected =
            "a token as `az account get-access-token` prints it, without `Bearer` and without blanks";
        if token.is_empty() {
            return Err(Error::invalid("access token", "an empty one", expected));
        }
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::invalid("access token", "one with other characters", expected));
        }
        Ok(())
    }

    fn credential(self, way: &Way) -> azure_core::Result<Arc<dyn TokenCredential>> {
        let client_options = ClientOptions {
            transport: Some(Transport::new(Arc::clone(&way.http))),
            cloud: Some(Arc::new(way.cloud.clone())),
            ..ClientOptions::default()
        };
        Ok(match self {
            Self::ClientSecret { tenant, client, secret } => {
                let options = ClientSecretCredentialOptions { client_options };
                ClientSecretCredential::new(&tenant, client, secret, Some(options))?
            }
            Self::ManagedIdentity { client } => {
                let user_assigned_id = client.map(UserAssignedId::ClientId);
                ManagedIdentityCredential::new(Some(ManagedIdentityCredentialOptions {
                    user_assigned_id,
                    client_options,
                }))?
            }
            Self::WorkloadIdentity => {
                WorkloadIdentityCredential::new(Some(WorkloadIdentityCredentialOptions {
                    credential_options: ClientAssertionCredentialOptions { client_options },
                    ..WorkloadIdentityCredentialOptions::default()
                }))?
            }
            Self::AzureCli { tenant } => AzureCliCredential::new(Some(AzureCliCredentialOptions {
                tenant_id: tenant,
                ..AzureCliCredentialOptions::default()
            }))?,
            Self::Environment => AzureCliCredential::new(None)?,
            Self::Token(token) => Arc::new(FixedToken(token)),
            Self::Given(credential) => credential,
        })
    }
}

/// The credential by the environment variables of Azure's other tools; `None` if they name none.
fn named_in_environment() -> Option<Result<Credentials>> {
    named_by(|name| env::var(name).ok())
}

fn named_by(variable: impl Fn(&str) -> Option<String>) -> Option<Result<Credentials>> {
    let named = |name| variable(name).filter(|value| !value.is_empty());
    if let Some(secret) = named("AZURE_CLIENT_SECRET") {
        return Some(match (named("AZURE_TENANT_ID"), named("AZURE_CLIENT_ID")) {
            (Some(tenant), Some(client)) => {
                Ok(Credentials::ClientSecret { tenant, client, secret: Secret::new(secret) })
            }
            _ => {
                let expected = "AZURE_TENANT_ID and AZURE_CLIENT_ID together with AZURE_CLIENT_SECRET";
                Err(Error::invalid("environment", "a client secret alone", expected))
            }
        });
    }
    if named("AZURE_CLIENT_CERTIFICATE_PATH").is_some() {
        // If it is named, no other identity must be used instead.
        let expected =
            "AZURE_CLIENT_SECRET, or a certificate that your program reads and passes to `credential`";
        return Some(Err(Error::invalid("environment", "AZURE_CLIENT_CERTIFICATE_PATH", expected)));
    }
    if named("AZURE_FEDERATED_TOKEN_FILE").is_some() {
        return Some(Ok(Credentials::WorkloadIdentity));
    }
    if named("IDENTITY_ENDPOINT").is_some() {
        return Some(Ok(Credentials::ManagedIdentity { client: named("AZURE_CLIENT_ID") }));
    }
    None
}

impl fmt::Debug for Credentials {
    /// Without any secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Environment => "Environment",
            Self::ClientSecret { .. } => "ClientSecret",
            Self::ManagedIdentity { .. } => "ManagedIdentity",
            Self::WorkloadIdentity => "WorkloadIdentity",
            Self::AzureCli { .. } => "AzureCli",
            Self::Token(_) => "Token",
            Self::Given(_) => "Given",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown() {
        let credentials = Credentials::ClientSecret {
            tenant: "t".to_owned(),
            client: "c".to_owned(),
            secret: Secret::new("hush"),
        };
        assert!(!format!("{credentials:?}").contains("hush"));
        let token = Credentials::Token(Secret::new("hush"));
        assert!(!format!("{token:?} {:?}", FixedToken(Secret::new("hush"))).contains("hush"));
        for (wrong, expected) in
            [("", "an empty one"), ("Bearer hush", "other characters"), ("hush\n", "other")]
        {
            let error = Credentials::Token(Secret::new(wrong)).check().unwrap_err().to_string();
            assert!(error.starts_with("invalid access token: ") && error.contains(expected), "{error}");
            assert!(!error.contains("hush"), "{error}");
        }
    }

    #[test]
    fn nobody_gets_another_identity_than_the_environment_names() {
        let named = |variables: &[(&str, &str)]| {
            let value = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
            named_by(|name| value(name).map(str::to_owned))
                .map(|found| found.map(|credentials| format!("{credentials:?}")))
        };
        assert!(named(&[("AZURE_CLIENT_SECRET", ""), ("AZURE_CLIENT_ID", "c")]).is_none());
        let (tenant, client) = (("AZURE_TENANT_ID", "t"), ("AZURE_CLIENT_ID", "c"));
        let secret = ("AZURE_CLIENT_SECRET", "hush");
        let token = ("AZURE_FEDERATED_TOKEN_FILE", "/token");
        let endpoint = ("IDENTITY_ENDPOINT", "http://127.0.0.1");
        for (variables, expected) in [
            (vec![tenant, client, secret, token, endpoint], "ClientSecret"),
            (vec![tenant, client, token, endpoint], "WorkloadIdentity"),
            (vec![client, endpoint], "ManagedIdentity"),
        ] {
            assert_eq!(named(&variables).unwrap().unwrap(), expected, "{variables:?}");
        }
        let certificate = ("AZURE_CLIENT_CERTIFICATE_PATH", "/certificate");
        for (variables, what) in [
            (vec![tenant, secret], "a client secret alone"),
            (vec![tenant, client, certificate, token, endpoint], "AZURE_CLIENT_CERTIFICATE_PATH"),
        ] {
            let error = named(&variables).unwrap().unwrap_err();
            assert!(error.to_string().contains(what) && !error.to_string().contains("hush"), "{error}");
        }
    }
}
