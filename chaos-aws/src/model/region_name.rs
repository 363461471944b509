//! Facts about a region that follow from its name.

use chaos_core::{Error, Result};

/// The regions that every account has. Any other must be enabled, or belongs to another partition with other accounts.
/// Until it is enabled, it knows no credentials of the account.
///
/// Source: <https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html>.
const OF_EVERY_ACCOUNT: [&str; 17] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// Whether an account may lack this region.
pub(crate) fn may_be_missing(region: &str) -> bool {
    !OF_EVERY_ACCOUNT.contains(&region)
}

/// A region's name becomes part of the host name that receives signed calls.
pub(crate) fn validate_region(name: &str) -> Result<()> {
    let is_right = name.len() <= 40
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.ends_with(|last: char| last.is_ascii_digit())
        && name.contains('-')
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if is_right { Ok(()) } else { Err(Error::invalid("region", format!("{name:?}"), "one like eu-west-1")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_no_host() {
        for name in ["eu-west-1", "us-gov-east-1", "ap-southeast-10", "us-iso-east-1"] {
            validate_region(name).unwrap();
        }
        for name in ["", "eu-west", "EU-WEST-1", "a.example-1", "a/b-1", "1-1", "eu-west-1 ", "evil.com#-1"] {
            let error = validate_region(name).expect_err(name).to_string();
            assert!(error.starts_with("invalid region: "), "{error}");
        }
    }
}
