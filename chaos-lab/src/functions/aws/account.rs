use std::sync::Arc;

use chaos_aws::{Api, AutoScaling, AutoScalingBuilder};
use chaos_core::Result;

use crate::functions::call::Call;

impl Call {
    /// The account: region, profile and role of the configuration, an access key of the secrets, and otherwise what the
    /// environment says.
    pub(super) fn account(&self) -> AutoScalingBuilder {
        let mut builder = AutoScaling::builder().clock(Arc::clone(&self.clock));
        let of_environment = || {
            let region = ["AWS_REGION", "AWS_DEFAULT_REGION"].into_iter().find_map(std::env::var_os);
            region.and_then(|region| region.into_string().ok()).filter(|region| !region.is_empty())
        };
        if let Some(region) = self.setting("aws_region").map(str::to_owned).or_else(of_environment) {
            builder = builder.region(region);
        }
        if let Some(profile) = self.setting("aws_profile_name") {
            builder = builder.profile(profile);
        }
        if let Some(role) = self.setting("aws_assume_role_arn") {
            builder = builder.assume_role(role);
        }
        if let (Some(id), Some(secret)) =
            (self.setting("aws_access_key_id"), self.setting("aws_secret_access_key"))
        {
            let token = self.setting("aws_session_token").map(str::to_owned);
            builder = builder.access_key(id, secret, token);
        }
        builder
    }

    pub(super) async fn api(&self) -> Result<Api> {
        self.account().build().await?.api()
    }
}
