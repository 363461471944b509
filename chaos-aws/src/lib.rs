//! Auto-scaling groups as chaos targets.
//!
//! [`AutoScaling`] finds the groups of an account in any number of regions, and their instances: what can be terminated, stopped,
//! started and rebooted, cut off by its security groups, and told to run scripts. Every event of the library works on them.
//!
//! # What may be chosen
//!
//! Members that are in service and healthy, for the group and for EC2. Every other is listed with the reason why it is left
//! alone: protected from scale-in ([unless asked](AutoScalingBuilder::include_protected)), in the warm pool, in standby, at a
//! lifecycle hook, a spot instance about to be interrupted, opted out by the tag [`ENABLED_TAG`] or
//! [not opted in](AutoScalingBuilder::require_opt_in). A group one of whose processes `HealthCheck`, `Launch`, `ReplaceUnhealthy`
//! or `Terminate` is suspended replaces nobody, and says so.
//!
//! A listing that cannot be read to its end is an error, in every region, and never a shorter list.
//!
//! # What happens to an instance
//!
//! - *Terminate* goes through EC2, past the group, its hooks and its protection from scale-in: that is what a failure looks like.
//!   The group finds out by its health checks and replaces the instance, which takes it a minute or more. An instance with
//!   termination protection refuses.
//! - *Stop* shuts the system down in an orderly way. A group whose health checks run takes a member that is stopped for unhealthy:
//!   it terminates it and launches another, often before the fault would end. Then the recovery is the replacement, and not the
//!   start; the record of the fault says so before anything is stopped. Nothing at AWS starts an instance again by itself: where
//!   every monkey is gone, the journal brings it back, or its group has replaced it.
//! - *Start* of an instance that is still stopping is a conflict that passes, and may be tried again.
//! - *Reboot* is an order that EC2 passes on; when the instance has gone down cannot be seen from outside, so that it shows
//!   healthy throughout. Its group does not notice.
//! - *Isolation* moves every network interface to a security group of the fault's own, without rules, and back. **Connections that
//!   security groups track survive it**: only new ones are cut off. The group is called `chaos-isolation-<fault>`, bears the tag
//!   [`ISOLATION_TAG`] and is removed in the end.
//!
//! # Scripts
//!
//! The shell of an instance is Run Command of Systems Manager, with the document `AWS-RunShellScript`: `/bin/sh` as root, in `/`,
//! with no input and an environment of its parameters, `LC_ALL=C` and a `PATH` with the usual places. It needs the agent, an instance
//! profile that lets it reach the service, and Linux; whether they are there is asked before the first script, and an instance without
//! is not injected into.
//!
//! - *Time limit.* In whole seconds, rounded up, and up to half a minute more until the agent has fetched the script. What a script has
//!   put in a session of its own (`setsid`) outlives it, so that nothing depends on the service while a fault lasts.
//! - *Output* of 24,000 characters or more, or 8,000 on standard error, is an error: the service keeps no more.
//! - *Exit status.* It comes back as it was, by the last line of both outputs; the console shows 1 for every script that failed.
//! - *Once.* A command that changes something is sent again only where the service has refused it. The service takes no idempotency
//!   token; the comment of each command holds the fault's id.
//! - *Network.* All of it is the target's. What the agent reaches the service through is found out on the instance before it is cut off,
//!   and let through: the addresses that the names of the endpoints mean there, and those that the agent is connected with. Where
//!   its connection comes to an end nevertheless, a fault that is held ends at its deadline.
//!
//! # Errors
//!
//! Throttled calls and those that fail in passing are tried again by the SDK, in its adaptive mode, five times at most and at a rate
//! that is shared with nothing else in the process; then they are [`Throttled`](chaos_core::ErrorKind::Throttled),
//! [`Unavailable`](chaos_core::ErrorKind::Unavailable) or [`Timeout`](chaos_core::ErrorKind::Timeout), and retryable.
//! [`Denied`](chaos_core::ErrorKind::Denied) names the action and the resource that a policy must allow, or says that the credentials
//! are missing, expired or not valid.
//!
//! What the credentials must be allowed is in `docs/aws-iam.json` of the repository, action by action justified in the README of this
//! crate.
//!
//! # One account
//!
//! The ids of targets hold no account. Whoever replays a journal does it with credentials of the account that it was written for; with
//! others, a target whose group is unknown too is an error and not taken for gone.

mod auto_scaling;
mod builder;
mod command_text;
mod consent;
mod error;
mod group_path;
mod invocation;
mod isolation;
mod isolation_group;
mod lifecycle;
mod lifeline;
mod listing;
mod machine;
mod machines;
mod member;
mod pages;
mod pattern;
mod regions;
mod selection;
mod shell;
mod target;

pub use auto_scaling::AutoScaling;
pub use builder::AutoScalingBuilder;
pub use consent::ENABLED_TAG;
pub use isolation_group::ISOLATION_TAG;
pub use machine::AVAILABILITY_ZONE_LABEL;
pub use member::{MAX_SIZE_LABEL, MIN_SIZE_LABEL};
