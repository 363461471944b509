//! A program without the SDK of AWS, which takes minutes to build.

use chaos_core::{Error, plan::FailureDomain};

use super::AwsArguments;
use crate::{
    drill::cloud::{Cloud, CloudArguments},
    program::ProgramError,
};

pub(in super::super) async fn auto_scaling_groups(
    _: &AwsArguments,
    _: &CloudArguments,
    _: Option<&str>,
) -> Result<Cloud, ProgramError> {
    let expected = "a provider in this program; it was built without the feature aws";
    let error = Error::invalid("--provider", "aws", expected);
    Err(ProgramError::from(error).hint("`cargo aws-drill` builds one with it"))
}

pub(in super::super) fn failure_domain(_: &CloudArguments) -> Option<FailureDomain> {
    None
}
