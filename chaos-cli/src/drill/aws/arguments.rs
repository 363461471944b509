use clap::Args;

use super::super::given::Given;

/// Which auto-scaling groups, and as whom.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Auto-scaling groups, with --provider aws")]
pub(in super::super) struct AwsArguments {
    /// In these regions; by default AWS_REGION or the region of the profile
    #[arg(long, value_name = "REGIONS", value_delimiter = ',')]
    pub(in super::super) region: Vec<String>,
    /// Use this profile of the shared configuration
    #[arg(long, value_name = "NAME")]
    pub(in super::super) profile: Option<String>,
    /// Assume this role
    #[arg(long, value_name = "ARN")]
    pub(in super::super) assume_role: Option<String>,
}

impl AwsArguments {
    /// Those that say as whom, which whoever recovers needs as well.
    pub(in super::super) fn identity(&self) -> Vec<Given> {
        let profile = Given::some("--profile", self.profile.as_ref());
        profile.into_iter().chain(Given::some("--assume-role", self.assume_role.as_ref())).collect()
    }

    /// The arguments as they were given.
    pub(in super::super) fn given(&self) -> Vec<Given> {
        Given::list("--region", &self.region).into_iter().chain(self.identity()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drill::given::command_line;

    #[test]
    fn whoever_recovers_is_told_as_whom() {
        let arguments = AwsArguments {
            region: vec!["eu-west-1".to_owned()],
            profile: Some("prod".to_owned()),
            assume_role: Some("arn:aws:iam::123456789012:role/chaos".to_owned()),
        };
        let line = command_line(&arguments.identity());
        assert_eq!(line, " --profile prod --assume-role 'arn:aws:iam::123456789012:role/chaos'");
    }
}
