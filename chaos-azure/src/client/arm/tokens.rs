use std::{fmt, sync::Arc, time::Duration};

use azure_core::credentials::AccessToken;
use chaos_core::{Result, clock::Clock};
use futures_util::lock::Mutex;

use crate::client::{credentials::Found, error::without_credentials, within::within};

/// How long before its expiry a token is no longer used, in seconds.
const MARGIN: i64 = 300;

/// The time-out for getting a token.
const LIMIT: Duration = Duration::from_secs(60);

/// Makes a new credential like the first one.
type Make = dyn Fn() -> Result<Found> + Send + Sync;

/// Tokens for ARM. Each is requested once and used until it is about to expire, so a credential that runs a program is
/// not asked for every request.
pub(crate) struct Tokens {
    make: Box<Make>,
    scope: String,
    clock: Arc<dyn Clock>,
    held: Mutex<Held>,
}

struct Held {
    found: Found,
    token: Option<AccessToken>,
}

impl Tokens {
    /// `audience` is the recipient of the tokens: `https://management.azure.com`.
    ///
    /// # Errors
    /// Those of `make`.
    pub(crate) fn new(
        make: impl Fn() -> Result<Found> + Send + Sync + 'static,
        audience: &str,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let scope = format!("{}/.default", audience.trim_end_matches('/'));
        let held = Mutex::new(Held { found: make()?, token: None });
        Ok(Self { make: Box::new(make), scope, clock, held })
    }

    /// The value of an `Authorization` header.
    pub(crate) async fn authorization(&self) -> Result<String> {
        let mut held = self.held.lock().await;
        let now = self.clock.now().as_second();
        let kept = held.token.take().filter(|token| token.expires_on.unix_timestamp() - MARGIN > now);
        let token = match kept {
            Some(token) => token,
            None => {
                let scopes = [self.scope.as_str()];
                let asking = held.found.credential.get_token(&scopes, None);
                within(
                    self.clock.as_ref(),
                    LIMIT,
                    "the credential chain did not provide Azure credentials in time",
                    asking,
                )
                .await?
                .map_err(|error| without_credentials(held.found.advice, error))?
            }
        };
        let header = header(&token);
        held.token = Some(token);
        Ok(header)
    }

    /// Requests another token next time, from a new credential: this one was refused, and credentials cache their
    /// tokens.
    pub(crate) async fn forget(&self, refused: &str) {
        let mut held = self.held.lock().await;
        // If concurrent requests were refused, the first one does it.
        if held.token.as_ref().is_some_and(|token| header(token) != refused) {
            return;
        }
        held.token = None;
        if let Ok(found) = (self.make)() {
            held.found = found;
        }
    }
}

fn header(token: &AccessToken) -> String {
    format!("Bearer {}", token.token.secret())
}

impl fmt::Debug for Tokens {
    /// Without any token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("scope", &self.scope).finish_non_exhaustive()
    }
}
