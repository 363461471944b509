use aws_sdk_ec2::config::retry::RetryPartition;

/// Retries and a rate of its own: otherwise all clients of a service in a process share them, those of the program that
/// this is part of too. Neither is to slow down the other.
pub(crate) fn retries(service: &str, region: &str) -> RetryPartition {
    RetryPartition::custom(format!("chaos-{service}-{region}")).build()
}
