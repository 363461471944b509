use std::{sync::Arc, time::Duration};

use azure_core::credentials::{AccessToken, TokenCredential};
use chaos_core::{Clock, Result};
use futures_util::lock::Mutex;

use crate::{error::without_credentials, within::within};

/// How long before its end a token is no longer used, in seconds.
const MARGIN: i64 = 300;

/// How long it may take to get one.
const LIMIT: Duration = Duration::from_secs(60);

/// Tokens for ARM, each asked for once and used until it is about to expire: a credential that asks a program for every token is
/// not asked for every request.
#[derive(Debug)]
pub(crate) struct Tokens {
    credential: Arc<dyn TokenCredential>,
    /// What a person can do where this credential gives none.
    advice: &'static str,
    scope: String,
    clock: Arc<dyn Clock>,
    kept: Mutex<Option<AccessToken>>,
}

impl Tokens {
    /// `audience` is whom the tokens are for: `https://management.azure.com`.
    pub(crate) fn new(
        credential: Arc<dyn TokenCredential>,
        advice: &'static str,
        audience: &str,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let scope = format!("{}/.default", audience.trim_end_matches('/'));
        Self { credential, advice, scope, clock, kept: Mutex::new(None) }
    }

    /// The value of an `Authorization` header.
    pub(crate) async fn authorization(&self) -> Result<String> {
        let mut kept = self.kept.lock().await;
        let now = self.clock.now().as_second();
        let token = match kept.take().filter(|token| token.expires_on.unix_timestamp() - MARGIN > now) {
            Some(token) => token,
            None => {
                let scopes = [self.scope.as_str()];
                let asking = self.credential.get_token(&scopes, None);
                within(self.clock.as_ref(), LIMIT, "the Azure credentials did not come in time", asking)
                    .await?
                    .map_err(|error| without_credentials(self.advice, error))?
            }
        };
        let header = format!("Bearer {}", token.token.secret());
        *kept = Some(token);
        Ok(header)
    }

    /// Asks for another one next time: this one was refused.
    pub(crate) async fn forget(&self) {
        *self.kept.lock().await = None;
    }
}
