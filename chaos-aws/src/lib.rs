//! Auto-scaling groups as chaos targets.
//!
//! [`AutoScaling`] finds the groups of an account in any number of regions, and their instances: what can be
//! terminated, stopped, started and rebooted, cut off by its security groups, and told to run scripts. Every event of
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
//! # What may be chosen
//!
//! Members that are in service and healthy, for the group and for EC2. Every other is listed with the reason why it is
//! left alone: protected from scale-in ([unless asked](AutoScalingBuilder::include_protected)), in the warm pool, in
//! standby, at a lifecycle hook, a spot instance about to be interrupted, opted out by the tag [`ENABLED_TAG`] or [not
//! opted in](AutoScalingBuilder::require_opt_in). A group one of whose processes `HealthCheck`, `Launch`,
//! `ReplaceUnhealthy` or `Terminate` is suspended replaces nobody, and says so.
//!
//! A listing that cannot be read to its end is an error, in every region, and never a shorter list. Nor is anything
//! made of what an answer leaves out: one that ends early, is empty or is a web page is asked for again, and then
//! `Unavailable`, and so is one without a field that decides. Nothing is kept: whoever looks gets an answer from after
//! the question, which those share who ask for the same group at the same moment.
//!
//! [`AvailabilityZone`] keeps a run within one zone: the drill of a zone that fails. A group that would be left with no
//! other sound zone is left alone.
//!
//! # What happens to an instance
//!
//! - *Terminate* goes through EC2, past the group, its hooks and its protection from scale-in: that is what a failure
//!   looks like. The group finds out by its health checks and replaces the instance, which takes it a minute or more.
//!   An instance with termination protection refuses.
//! - *Stop* shuts the system down in an orderly way. A group whose health checks run takes a member that is stopped for
//!   unhealthy: it terminates it and launches another, often before the fault would end. Then the recovery is the
//!   replacement, and not the start; the record of the fault says so before anything is stopped. Nothing at AWS starts
//!   an instance again by itself: where every monkey is gone, the journal brings it back, or its group has replaced it.
//! - *Start* of an instance that is still stopping is a conflict that passes, and may be tried again.
//! - *Reboot* is an order that EC2 passes on; when the instance has gone down cannot be seen from outside, so that it
//!   shows healthy throughout. Its group does not notice.
//! - *Isolation* moves every network interface to a security group of the fault's own, without rules, and back.
//!   **Connections that security groups track survive it**: only new ones are cut off. The group is called
//!   `chaos-isolation-<fault>`, bears the tag [`ISOLATION_TAG`] and is removed in the end.
//!
//! # Scripts
//!
//! The shell of an instance is Run Command of Systems Manager, with the document `AWS-RunShellScript`: `/bin/sh` as
//! root, in `/`, with no input and an environment of its parameters, `LC_ALL=C` and a `PATH` with the usual places. It
//! needs the agent, an instance profile that lets it reach the service, and Linux; whether they are there is asked
//! before the first script, and an instance without is not injected into.
//!
//! - *Time limit.* In whole seconds, rounded up, and up to half a minute more until the agent has fetched the script.
//!   What a script has put in a session of its own (`setsid`) outlives it, so that nothing depends on the service while
//!   a fault lasts.
//! - *Output* of 24,000 characters or more, or 8,000 on standard error, is an error: the service keeps no more.
//! - *Exit status.* It comes back as it was, by the last line of both outputs; the console shows 1 for every script
//!   that failed.
//! - *Once.* A command that changes something is sent again only where the service has refused it. The service takes no
//!   idempotency token; the comment of each command holds the fault's id.
//! - *Network.* All of it is the target's. What the agent reaches the service through is found out on the instance
//!   before it is cut off, and let through: the addresses that the names of the endpoints mean there, and those that
//!   the agent is connected with. Where its connection comes to an end nevertheless, a fault that is held ends at its
//!   deadline.
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
//! use chaos_events::RunExperiment;
//!
//! // Ten minutes of the template, and one for the service to begin and to undo them.
//! let template = FisExperiment::template("EXT1a2b3c4d5e6f7")?;
//! let event = RunExperiment::of(template).lasting(Duration::from_secs(11 * 60))?;
//! # let _ = event;
//! # Ok(())
//! # }
//! ```
//!
//! - **The service chooses what it hits**, whatever target the plan shows. Where every target of the template is an
//!   instance by the ARN of a member, instances by the tag `aws:autoscaling:groupName` of the group, or the group
//!   itself, it keeps to the group, and so many members are hit as its selection modes allow together. One is what is
//!   allowed unless you say otherwise, because that is what a plan shows. Everything else is beyond the group: other
//!   tags, other kinds of resources, other accounts, automation documents.
//! - **It goes on by itself**, so that a template is read before: the longest way through its actions, by their
//!   parameters and the `DurationSeconds` of a document. An action that does not say how long it takes and is not
//!   known to be momentary is a doubt, and nothing is started.
//! - *What its end does not undo* is told: instances that are terminated, stopped without being started again, or
//!   interrupted; documents other than those of the service. The group must replace its members then. A group whose
//!   health checks run terminates what is stopped, and an action that means to start it again fails unless it has
//!   `completeIfInstancesTerminated`.
//! - *Found again* is an experiment by its tag `chaos:fault`, with the fault's id, and so without any answer that was
//!   lost. Its token is made of the same id, so that it is started once.
//! - *The recovery* is `StopExperiment`, and waiting until the service says that the experiment is stopped, its post
//!   actions included, and the group is as healthy as it was.
//! - *Permissions:* `fis:GetExperimentTemplate`, `fis:ListExperiments`, `fis:StartExperiment`, `fis:TagResource` and
//!   `fis:StopExperiment`, and for the first experiment of an account `iam:CreateServiceLinkedRole`. What an experiment
//!   does is done by the role of its template.
//!
//! # Notifications
//!
//! With the feature `notify`, `SnsNotifier` and `SesNotifier` are observers that tell people. Before an injection: what
//! is about to be hit, by what, why, until when, and how it is undone by hand. Afterwards: when the target was back,
//! how long the recovery took and what it saw, or that nothing came of it. A recovery that failed goes before
//! everything else, with the commands that bring an instance back. Runs that inject nothing are told where it is asked
//! for.
//!
//! - *Required.* One that is `required` stops an injection whose announcement is not accepted by the service. The
//!   others stop nothing.
//! - *Beside everything else.* All other messages wait in a queue, and are sent by a task that nobody waits for. Of
//!   more than 256 the least important are left out, with a warning. Messages about one fault keep their order.
//! - *At least once.* What fails in passing is sent again by the SDK, for at most a minute; what is given up is an
//!   event of `tracing`, and counted. A message whose answer was lost arrives twice, but in topics of type FIFO.
//! - *At the end.* `flush` waits for the last messages; what waits in a process that ends is lost.
//!
//! # Errors
//!
//! Throttled calls and those that fail in passing are tried again by the SDK, in its adaptive mode, five times at most
//! and at a rate that is shared with nothing else in the process; then they are
//! [`Throttled`](chaos_core::ErrorKind::Throttled), [`Unavailable`](chaos_core::ErrorKind::Unavailable) or
//! [`Timeout`](chaos_core::ErrorKind::Timeout), and retryable. [`Denied`](chaos_core::ErrorKind::Denied) names the
//! action and the resource that a policy must allow, or says that the credentials are missing, expired or not valid.
//!
//! Nothing that AWS answers ends a recovery before its budget: rights spread unevenly, and sessions are renewed. What
//! would be denied in the end is asked for before a fault, without any effect: `StartInstances` and
//! `ModifyNetworkInterfaceAttribute` as dry runs, and whether the credentials last, where their end is known.
//!
//! What the credentials must be allowed is in `docs/aws-iam.json` of the repository, action by action justified in the
//! README of this crate.
//!
//! # One account
//!
//! The ids of targets hold the account. Whoever replays a journal does it with credentials of the account that it was
//! written for: with others, nothing is taken for gone, and the fault waits on.

mod auto_scaling;
mod builder;
mod capability;
mod client;
mod discovery;
mod model;
#[cfg(feature = "notify")]
mod notify;

pub use auto_scaling::AutoScaling;
pub use builder::AutoScalingBuilder;
#[cfg(feature = "fis")]
pub use capability::fis::{FAULT_TAG, FisExperiment};
pub use capability::isolation_group::ISOLATION_TAG;
pub use chaos_core::listing::ENABLED_TAG;
pub use discovery::member::{MAX_SIZE_LABEL, MIN_SIZE_LABEL};
pub use model::availability_zone::{AVAILABILITY_ZONE_LABEL, AvailabilityZone};
#[cfg(feature = "notify")]
pub use notify::{Deliveries, SesNotifier, SesNotifierBuilder, SnsNotifier, SnsNotifierBuilder};
