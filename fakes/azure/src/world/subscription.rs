//! A subscription to be.

use serde::{Deserialize, Serialize};

use super::defaults;

/// Another subscription.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct NewSubscription {
    /// Its id.
    pub id: String,
    /// The tenant that it belongs to; the fake's own where left out.
    #[serde(default = "defaults::own_tenant")]
    pub tenant: String,
}

impl NewSubscription {
    /// One of the fake's own tenant.
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), tenant: defaults::own_tenant() }
    }

    /// One of another tenant, for which the fake's tokens are not good.
    #[must_use]
    pub fn of_tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = tenant.into();
        self
    }
}
