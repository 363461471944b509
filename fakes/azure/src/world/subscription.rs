//! A subscription to be added.

use serde::{Deserialize, Serialize};

use super::defaults;

/// Another subscription.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct NewSubscription {
    /// Its id.
    pub id: String,
    /// The tenant that it belongs to. Default: the fake's own.
    #[serde(default = "defaults::own_tenant")]
    pub tenant: String,
}

impl NewSubscription {
    /// A subscription of the fake's own tenant.
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), tenant: defaults::own_tenant() }
    }

    /// A subscription of another tenant, for which the fake's tokens are not valid.
    #[must_use]
    pub fn of_tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = tenant.into();
        self
    }
}
