//! The defaults of omitted fields.

use crate::directory::Directory;

pub(super) fn own_tenant() -> String {
    Directory::TENANT.to_owned()
}

pub(super) fn own_subscription() -> String {
    Directory::SUBSCRIPTION.to_owned()
}

pub(super) fn west_europe() -> String {
    "westeurope".to_owned()
}

pub(super) fn two() -> u32 {
    2
}

pub(super) fn five() -> u32 {
    5
}

pub(super) fn nothing() -> serde_json::Value {
    serde_json::json!([])
}
