use std::{env, marker::PhantomData, sync::Arc};

use azure_core::{
    credentials::{Secret, TokenCredential},
    http::HttpClient,
};
use chaos_core::{
    Error, Result,
    clock::{Clock, SystemClock},
};

use crate::{
    client::{
        arm::Arm,
        connection::{Connection, settings_of_connections},
        credentials::Credentials,
    },
    model::{cloud::Cloud, resource_id::is_subscription},
};

/// The connection and the credentials of a client that lists no groups; made by
/// [`ResourceGraph::builder`](crate::ResourceGraph::builder) and [`Machines::builder`](crate::Machines::builder).
#[derive(Debug)]
#[must_use = "nothing is asked before the client is built"]
pub struct ClientBuilder<C> {
    pub(crate) subscription: Option<String>,
    connection: Connection,
    clock: Arc<dyn Clock>,
    builds: PhantomData<fn() -> C>,
}

impl<C> ClientBuilder<C> {
    pub(crate) fn new() -> Self {
        Self {
            subscription: None,
            connection: Connection::default(),
            clock: Arc::new(SystemClock::default()),
            builds: PhantomData,
        }
    }

    settings_of_connections!();

    /// Sets the clock of waits. Default: [`SystemClock`].
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    pub(crate) fn open(self) -> Result<(Arm, Arc<dyn Clock>)> {
        self.connection.validate()?;
        Ok((self.connection.open(Arc::clone(&self.clock))?, self.clock))
    }

    /// In lower case.
    pub(crate) fn chosen_subscription(&self) -> Result<String> {
        let chosen = self.subscription.clone().or_else(|| env::var("AZURE_SUBSCRIPTION_ID").ok());
        let Some(id) = chosen else {
            let expected = "the id of a subscription: name one, or set AZURE_SUBSCRIPTION_ID";
            return Err(Error::invalid("subscription", "none", expected));
        };
        if !is_subscription(&id) {
            let expected = "an id like 11111111-1111-4111-8111-111111111111, not its name";
            return Err(Error::invalid("subscription", format!("{id:?}"), expected));
        }
        Ok(id.to_lowercase())
    }
}
