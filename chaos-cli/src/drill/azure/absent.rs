//! A program without the SDK of Azure, which takes minutes to build.

use chaos_core::{Error, plan::FailureDomain};

use super::AzureArguments;
use crate::{
    drill::cloud::{Cloud, CloudArguments},
    program::ProgramError,
};

pub(in super::super) fn sets(
    _: &AzureArguments,
    _: &CloudArguments,
    _: Option<&str>,
) -> Result<Cloud, ProgramError> {
    let expected = "a provider in this program; it was built without the feature azure";
    let error = Error::invalid("--provider", "azure", expected);
    Err(ProgramError::from(error).hint("`cargo azure-drill` builds one with it"))
}

pub(in super::super) fn failure_domain(_: &AzureArguments, _: &CloudArguments) -> Option<FailureDomain> {
    None
}
