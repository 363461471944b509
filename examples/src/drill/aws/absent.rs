//! A program without the SDK of AWS, which takes minutes to build.

use chaos_core::{Error, FailureDomain};

use super::AwsArguments;
use crate::{drill::cloud::Cloud, program::ProgramError};

pub(in super::super) async fn auto_scaling_groups(
    _: &AwsArguments,
    _: Option<&str>,
) -> Result<Cloud, ProgramError> {
    let error = Error::invalid("--provider", "aws", "local: this program was built without the feature aws");
    Err(ProgramError::from(error).hint("`cargo aws-drill` builds one with it"))
}

pub(in super::super) fn failure_domain(_: &AwsArguments) -> Option<FailureDomain> {
    None
}
