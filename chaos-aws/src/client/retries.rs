use aws_sdk_ec2::config::retry::RetryPartition;

/// A retry partition of its own. Otherwise all clients of a service in a process share retries and rates, including
/// those of the embedding program, and each could slow down the other.
pub(crate) fn retries(service: &str, region: &str) -> RetryPartition {
    RetryPartition::custom(format!("chaos-{service}-{region}")).build()
}
