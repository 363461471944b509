//! Availability sets and virtual machine scale sets as chaos targets.
//!
//! [`AvailabilitySets`] and [`ScaleSets`] find the sets of any number of subscriptions through Azure Resource Manager
//! (ARM), and their machines, which can be powered off and on, restarted, deleted, cut off by network security groups,
//! and told to run scripts. Every suitable event of the library works on them.
//!
//! # Selection
//!
//! Machines that run and are provisioned may be chosen. Every other machine is listed with the reason why it is left
//! alone: it is deallocated or stopped, has an operation in progress or a failed one, is in a standby pool, is
//! protected from scale-in or from scale-set actions ([unless you allow it](AzureBuilder::include_protected)), is opted
//! out by the tag [`ENABLED_TAG`] of the set or the machine, or is [not opted in](AzureBuilder::require_opt_in). A
//! machine is not healthy if its application is unhealthy by the health extension or the probe of a load balancer.
//!
//! A listing that cannot be read to its end is an error, in every subscription, and never a shorter list. So is any
//! answer that is not a complete document. If a set lacks a required field, or its id cannot be read, it is listed and
//! left alone, with that as the reason. Azure lists the properties of machines separately from their power states: both
//! are read concurrently, with one call for each page and none per machine. A look at one availability set asks for its
//! machines one by one if there are at most 32. All calls go to one endpoint. If an answer contains an address on
//! another host, that is an error, and the token is not sent there.
//!
//! [`FAULT_DOMAIN_LABEL`], [`UPDATE_DOMAIN_LABEL`] and [`AVAILABILITY_ZONE_LABEL`] keep a run within one rack, one
//! update domain or one zone, for instance for a drill of the failure of a rack. A group without another sound domain
//! is left alone.
//!
//! ```
//! use chaos_azure::FAULT_DOMAIN_LABEL;
//! use chaos_core::{
//!     BlastRadius, Quota,
//!     plan::{FailureDomain, Percent},
//! };
//!
//! let drill = BlastRadius::default()
//!     .within(FailureDomain::by_label(FAULT_DOMAIN_LABEL))
//!     .targets_per_group(Quota::ALL)
//!     .min_healthy(Percent(50));
//! # let _ = drill;
//! ```
//!
//! # Effects on a machine
//!
//! - *Stop* powers the machine off: it keeps its host, its addresses and its temporary disk, and is billed.
//!   [`StopMode`] also has an abrupt mode, like a power failure, and one that releases the host. Azure does not start a
//!   machine again by itself: if every monkey is gone, a replay of the journal brings it back. Automatic instance
//!   repairs of a scale set consider a stopped instance unhealthy and may replace it, after ten minutes at the
//!   earliest. Then the replacement is the recovery, and the record of the fault says so before anything is stopped.
//! - *Reboot* restarts it where it is, or [moves](RebootMode::Redeploy) it to another host.
//! - *Terminate* deletes an instance of a scale set, which does not replace it by itself; see [`ScaleSets`]. A machine
//!   of an availability set cannot be terminated.
//! - *Isolation* adds a pair of rules to the network security group of each network interface that block all traffic in
//!   and out. They contain the addresses of this machine alone, so others in the same group are not affected. They are
//!   removed by their names, `chaos-isolation-<fault>-in` and `-out`. Their priority is 100, or the next free one. If a
//!   rule that allows traffic would take precedence over them, nothing is injected, and the error names that rule. An
//!   interface without a group gets a group of the fault, and is taken out of it afterwards. Both happen only if nobody
//!   has changed the interface meanwhile. The group has the tag [`ISOLATION_TAG`] and is removed at the end. If a lock
//!   forbids deleting, the rules are still removed, and a group of the fault stays without rules. An instance of a
//!   uniform scale set has only the group of its scale set. **Open connections survive an isolation**: Azure checks
//!   only new ones. The platform's own addresses, 168.63.129.16 and 169.254.169.254, stay within reach, and with them
//!   the agent and Run Command. So does traffic that a load balancer sends with a floating IP, to its own address
//!   instead of the machine's.
//!
//! **Stop and isolation do not end by themselves**: if every process of the monkey is gone, they last until a replay of
//! the journal.
//!
//! Azure takes from seconds to minutes for an order. To report early failures, the status of an order that injects is
//! polled for an eighth of its fault's time, and for at most ten seconds. The status of a start is polled for two
//! seconds. After that, and if the status of an order is unknown, the order counts as in progress, and only the machine
//! is looked at. These looks follow the recovery's own pace, while the order is polled at the pace that Azure has asked
//! for. **Give a stop a few minutes**: an orderly shutdown counts towards them.
//!
//! **The permission to recover is checked before the fault.** The permissions API is asked before an injection and in a
//! plan whether the role allows the recovery. If it does not, or if the API cannot tell, nothing is injected. For an
//! experiment, the permission is checked when the experiment is looked up. Credentials renew their tokens, so tokens
//! have no known expiry.
//!
//! A machine is identified by its `vmId`. A machine that was created again under the name of another is not the target
//! of the other's fault, and is neither started nor touched.
//!
//! # Scripts
//!
//! The shell of a machine is the action Run Command with `RunShellScript`: `/bin/sh` as root, in `/`, with no input and
//! an environment of its parameters, `LC_ALL=C` and a `PATH` with the usual places. It needs Azure's agent and the
//! program `timeout`. The agent is checked before the first script. If it is not ready, nothing is injected into the
//! machine. A machine with Windows offers no shell, because the scripts are for `sh`.
//!
//! - *Time.* Run Command takes tens of seconds each time to reach a machine, and looks get three minutes. So a fault
//!   that uses scripts to begin, measure and end should last some minutes. Processes that a script has put in a session
//!   of their own (`setsid`) outlive it, and end at their deadline without the service.
//! - *Time limit.* In whole seconds, rounded up, enforced on the machine by `timeout`: the service itself waits for 90
//!   minutes.
//! - *Output* of more than about 4,000 bytes is an error, because the service keeps no more.
//! - *Exit status.* The service reports none, so the last line of both outputs contains it. 137 counts as killed.
//! - *One at a time.* While another command runs on the machine, a script waits for a minute and a half.
//! - *Once.* A command that changes something is sent again only if the service has refused it. The service has no
//!   idempotency token.
//! - *Network.* All of it belongs to the target. A blackhole lets 168.63.129.16 through, from which the agent gets its
//!   orders. A blackhole that lets nothing through cuts off the agent, so no command can end the fault; it then ends at
//!   its deadline.
//!
//! # Chaos Studio
//!
//! [`ChaosStudioExperiment`] is an experiment of Azure's own engine, for `RunEngineExperiment`. Its definition, with
//! its duration and its targets, is read before it is started. The recovery cancels it and waits for its end. Chaos
//! Studio has no place for a fault's id, so a run that did not exist when the experiment was looked at counts as the
//! fault's. The experiment must be in the subscription of the target.
//!
//! # Steady state
//!
//! [`AzureMetric`] is a probe of a [steady state](chaos_core::steady_state): the newest number of a metric of Azure
//! Monitor. If there is no number in its window, and if Azure denies or throttles the request or stays silent, nobody
//! knows how the system is. That is a doubt, not a violation: nothing is injected, or the hold is cut short.
//!
//! # Queries, and machines outside of faults
//!
//! [`ResourceGraph`] finds resources with queries of Azure Resource Graph. [`resource_id_of`] and
//! [`resource_id_of_group`] tell which of them a target or a group is. [`Machines`] starts machines that something
//! other than a fault has stopped.
//!
//! # Errors
//!
//! Throttled calls are retried as ARM asks, five times at most, and so are read-only calls that fail temporarily or get
//! a truncated answer. If a caller would have to wait for more than 15 seconds, the error says how long, and the next
//! caller waits for at most 15 seconds of it. Then they are [`Throttled`](chaos_core::ErrorKind::Throttled),
//! [`Unavailable`](chaos_core::ErrorKind::Unavailable) or [`Timeout`](chaos_core::ErrorKind::Timeout), and retryable.
//! An order whose answer was lost is never sent again: it is assumed to have happened.
//! [`Denied`](chaos_core::ErrorKind::Denied) names the action and the scope that a role must allow, or says that the
//! credentials are missing, of another tenant, expired or not valid. The role is `docs/azure-role.json`; the README of
//! this crate justifies it.
//!
//! # Ids
//!
//! The ids of targets contain their subscription. Azure ignores case in names, and its spelling differs from one answer
//! to the next. So ids are in lower case, and any other spelling is refused.

mod availability_sets;
mod azure_metric;
mod azure_provider;
mod builder;
mod capability;
mod client;
mod client_builder;
mod discovery;
mod machines;
mod model;
mod resource_graph;
mod resource_ids;
mod scale_sets;

pub use availability_sets::AvailabilitySets;
pub use azure_metric::AzureMetric;
pub use azure_provider::AzureProvider;
pub use builder::AzureBuilder;
pub use capability::isolation_rules::ISOLATION_TAG;
pub use capability::studio::ChaosStudioExperiment;
pub use chaos_core::listing::ENABLED_TAG;
pub use client_builder::ClientBuilder;
pub use machines::{Machines, StartOutcome};
pub use model::cloud::Cloud;
pub use model::machine::{AVAILABILITY_ZONE_LABEL, FAULT_DOMAIN_LABEL, UPDATE_DOMAIN_LABEL};
pub use model::modes::{RebootMode, StopMode};
pub use resource_graph::ResourceGraph;
pub use resource_ids::{resource_id_of, resource_id_of_group};
pub use scale_sets::ScaleSets;
