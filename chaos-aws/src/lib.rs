//! Auto-scaling groups as chaos targets.
//!
//! [`AutoScaling`] finds the groups of an account in any number of regions, and their instances, which can be
//! terminated, stopped, started and rebooted, cut off by their security groups, and told to run scripts. Every event of
//! the library works on them.
//!
//! ```no_run
//! use chaos_aws::{AutoScaling, AvailabilityZone};
//! use chaos_core::{BlastRadius, BusinessHours, MemoryJournal, Monkey, plan::Percent};
//! use chaos_events::Terminate;
//!
//! # async fn example() -> chaos_core::Result<()> {
//! let monkey = Monkey::builder()
//!     .provider(AutoScaling::builder().region("eu-west-1").tag("team", "shop").build().await?)
//!     .event(Terminate::default())
//!     .blast_radius(BlastRadius::default().within(AvailabilityZone::any()).min_healthy(Percent(66)))
//!     .calendar(BusinessHours::new("Europe/Dublin")?.hours(9, 15))
//!     // A journal that outlives this process is `SqlJournal`, of the crate `chaos-journal`.
//!     .unleash(MemoryJournal::new(), chaos_events::registry())
//!     .build()?;
//! println!("{}", monkey.run_once().await?);
//! # Ok(())
//! # }
//! ```
//!
//! # Selection
//!
//! Members that are in service and healthy, according to the group and to EC2, may be chosen. Every other member is
//! listed with the reason why it is left alone: it is protected from scale-in ([unless you allow
//! it](AutoScalingBuilder::include_protected)), in the warm pool, in standby, at a lifecycle hook, a spot instance
//! about to be interrupted, opted out by the tag [`ENABLED_TAG`], or [not opted
//! in](AutoScalingBuilder::require_opt_in). If one of the processes `HealthCheck`, `Launch`, `ReplaceUnhealthy` or
//! `Terminate` of a group is suspended, the group counts as not replacing its members.
//!
//! A listing that cannot be read to its end is an error, in every region, and never a shorter list. An incomplete
//! answer is never used either: if an answer is truncated, empty or a web page, or lacks a required field, the call is
//! retried, and then fails with `Unavailable`. Nothing is cached: every look gets an answer that is newer than its
//! question. Concurrent looks at the same group share an answer.
//!
//! [`AvailabilityZone`] keeps a run within one zone, for instance for a drill of the failure of a zone. A group without
//! another sound zone is left alone.
//!
//! # Effects on an instance
//!
//! - *Terminate* goes through EC2, bypassing the group, its hooks and its protection from scale-in, like a real
//!   failure. The group detects it by its health checks and replaces the instance, which takes a minute or more. An
//!   instance with termination protection refuses.
//! - *Stop* shuts the system down in an orderly way. If the health checks of its group are active, the group considers
//!   a stopped member unhealthy: it terminates it and launches another, often before the fault would end. Then the
//!   replacement is the recovery, not the start; the record of the fault says so before anything is stopped. AWS does
//!   not start an instance again by itself: if every monkey is gone, a replay of the journal brings it back, unless its
//!   group has replaced it.
//! - *Start* of an instance that is still stopping is a temporary conflict, and may be retried.
//! - *Reboot* is an order that EC2 passes on. It cannot be seen from outside when the instance goes down, so it appears
//!   healthy throughout. Its group does not notice.
//! - *Isolation* moves every network interface to a security group of the fault without rules, and back. **Connections
//!   that security groups track survive it**: only new ones are cut off. The group has the name
//!   `chaos-isolation-<fault>` and the tag [`ISOLATION_TAG`], and is removed at the end.
//!
//! # Scripts
//!
//! The shell of an instance is Run Command of Systems Manager, with the document `AWS-RunShellScript`: `/bin/sh` as
//! root, in `/`, with no input and an environment of its parameters, `LC_ALL=C` and a `PATH` with the usual places. It
//! needs the agent, an instance profile that lets it reach the service, and Linux. They are checked before the first
//! script. If one is missing, nothing is injected into the instance.
//!
//! - *Time limit.* In whole seconds, rounded up, and up to half a minute more until the agent has fetched the script.
//!   Processes that a script has put in a session of their own (`setsid`) outlive it, so nothing depends on the service
//!   during a fault.
//! - *Output* of 24,000 characters or more, or 8,000 on standard error, is an error, because the service keeps no more.
//! - *Exit status.* The last line of both outputs contains it; the console shows 1 for every script that failed.
//! - *Once.* A command that changes something is sent again only if the service has refused it. The service has no
//!   idempotency token; the comment of each command contains the fault's id.
//! - *Network.* All of it belongs to the target. Before the instance is cut off, the agent's connection to the service
//!   is determined there. It is let through: the addresses to which the names of the endpoints resolve there, and those
//!   of the agent's open connections. If the connection breaks nevertheless, a fault with a hold ends at its deadline.
//!
//! # Experiments
//!
//! With the feature `fis`, every instance reaches the Fault Injection Service of its region, AWS's own engine, for
//! fleets that are too large for one process. The event that runs experiments takes one of its templates:
//!
//! ```
//! # #[cfg(feature = "fis")]
//! # fn example() -> chaos_core::Result<()> {
//! use std::time::Duration;
//! use chaos_aws::FisExperiment;
//! use chaos_events::RunEngineExperiment;
//!
//! // Ten minutes of the template, and one for the service to begin and to undo them.
//! let template = FisExperiment::template("EXT1a2b3c4d5e6f7")?;
//! let event = RunEngineExperiment::of(template).lasting(Duration::from_secs(11 * 60))?;
//! # let _ = event;
//! # Ok(())
//! # }
//! ```
//!
//! - **The service chooses what it hits**, regardless of the target that the plan shows. An experiment keeps to the
//!   group if every target of the template is an instance by the ARN of a member, instances by the tag
//!   `aws:autoscaling:groupName` of the group, or the group itself. The number of hit members is then the sum of its
//!   selection modes. One member is allowed unless you say otherwise, because that is what a plan shows. Everything
//!   else is beyond the group: other tags, other kinds of resources, other accounts, automation documents.
//! - **It continues by itself**, so the template is read first, to find the longest path through its actions by their
//!   parameters and the `DurationSeconds` of a document. If an action does not state its duration and is not known to
//!   be momentary, that is a doubt, and nothing is started.
//! - *Lasting effects* are reported: instances that are terminated, stopped without a start, or interrupted; documents
//!   other than those of the service. Then the group must replace its members. If the health checks of a group are
//!   active, it terminates a stopped instance, and an action that is to start it again fails unless it has
//!   `completeIfInstancesTerminated`.
//! - *Tag.* An experiment is found again by its tag `chaos:fault` with the fault's id, even if an answer was lost. Its
//!   idempotency token derives from the same id, so it is started once.
//! - *The recovery* is `StopEngineExperiment`. It waits until the service says that the experiment is stopped, with its
//!   post actions, and the group is as healthy as before.
//! - *Permissions:* `fis:GetExperimentTemplate`, `fis:ListExperiments`, `fis:StartExperiment`, `fis:TagResource` and
//!   `fis:StopExperiment`, and for the first experiment of an account `iam:CreateServiceLinkedRole`. An experiment acts
//!   with the role of its template.
//!
//! # Notifications
//!
//! With the feature `notify`, `SnsNotifier` and `SesNotifier` are observers that notify people. Before an injection,
//! they name the target, the event, the reason, the deadline, and how to undo the fault by hand. Afterwards, they say
//! when the target was back, how long the recovery took and what it saw, or that nothing came of the injection. A
//! failed recovery is sent before everything else, with the commands that bring an instance back. Runs that inject
//! nothing are reported only if you ask for them.
//!
//! - *Required.* A notifier that is `required` stops an injection if the service does not accept its announcement. The
//!   others stop nothing.
//! - *In the background.* All other messages wait in a queue, and are sent by a task that nothing waits for. If more
//!   than 256 wait, the least important are left out, with a warning. Messages about one fault keep their order.
//! - *At least once.* The SDK retries temporary failures for at most a minute. A message that is given up is an event
//!   of `tracing`, and is counted. A message whose answer was lost arrives twice, except in topics of type FIFO.
//! - *At the end.* `flush` waits for the last messages. Messages that still wait when the process ends are lost.
//!
//! # Steady state
//!
//! With the feature `cloudwatch`, `CloudWatch` makes probes of a [steady state](chaos_core::steady_state): the state of
//! an alarm, which can be a metric alarm or a composite one, and the newest number of a metric. A fault then ends when
//! an alarm fires, as with a stop condition of the Fault Injection Service, or has to make one fire:
//!
//! ```
//! # #[cfg(feature = "cloudwatch")]
//! # fn example() {
//! use std::time::Duration;
//! use chaos_aws::CloudWatch;
//! use chaos_core::SteadyState;
//!
//! let steady = SteadyState::new("If one instance is gone, then customers notice nothing, and the on-call does")
//!     .stop_condition("customers", CloudWatch::alarm("shop-5xx"), "OK")
//!     .must_tell("the on-call", CloudWatch::alarm("too-few-instances"), "ALARM", Duration::from_secs(300))
//!     .every(Duration::from_secs(10));
//! # drop(steady);
//! # }
//! ```
//!
//! - *One look is one call*, and is never retried: AWS charges for calls, and limits them.
//! - *Doubts.* If there is no such alarm, if the alarm has insufficient data, if the metric has no number in its
//!   window, and if CloudWatch denies or throttles the call or stays silent, nobody knows how the system is. That is a
//!   doubt, not a violation: nothing is injected, or the hold is cut short.
//! - *Permissions:* `cloudwatch:DescribeAlarms` and `cloudwatch:GetMetricData`.
//!
//! # Errors
//!
//! The SDK retries throttled calls and temporary failures in its adaptive mode, five times at most, at a rate that
//! nothing else in the process shares. Then they are [`Throttled`](chaos_core::ErrorKind::Throttled),
//! [`Unavailable`](chaos_core::ErrorKind::Unavailable) or [`Timeout`](chaos_core::ErrorKind::Timeout), and retryable.
//! [`Denied`](chaos_core::ErrorKind::Denied) names the action and the resource that a policy must allow, or says that
//! the credentials are missing, expired or not valid.
//!
//! No answer of AWS ends a recovery before its budget is spent, because permissions propagate unevenly, and sessions
//! are renewed. The permission to recover is checked before a fault, without any effect: `StartInstances` and
//! `ModifyNetworkInterfaceAttribute` as dry runs, and the expiry of the credentials, if it is known.
//!
//! The required permissions are in `docs/aws-iam.json` of the repository, and the README of this crate justifies each
//! action.
//!
//! # One account
//!
//! The ids of targets contain the account. Replay a journal with credentials of the account for which it was written:
//! with others, nothing is considered gone, and the fault stays pending.

#[cfg(feature = "api")]
mod api;
mod auto_scaling;
mod aws_provider;
mod builder;
mod capability;
mod client;
#[cfg(feature = "cloudwatch")]
mod cloudwatch;
mod discovery;
mod model;
#[cfg(feature = "notify")]
mod notify;

#[cfg(feature = "api")]
pub use api::{Api, MetricQuery};
pub use auto_scaling::AutoScaling;
pub use aws_provider::AwsProvider;
pub use builder::AutoScalingBuilder;
#[cfg(feature = "fis")]
pub use capability::fis::{FAULT_TAG, FisExperiment};
pub use capability::isolation_group::ISOLATION_TAG;
pub use chaos_core::listing::ENABLED_TAG;
#[cfg(feature = "cloudwatch")]
pub use cloudwatch::{CloudWatch, CloudWatchAlarm, CloudWatchMetric};
pub use discovery::member::{MAX_SIZE_LABEL, MIN_SIZE_LABEL};
pub use model::availability_zone::{AVAILABILITY_ZONE_LABEL, AvailabilityZone};
#[cfg(feature = "notify")]
pub use notify::{Deliveries, SesNotifier, SesNotifierBuilder, SnsNotifier, SnsNotifierBuilder};
