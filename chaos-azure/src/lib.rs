//! Availability sets and virtual machine scale sets as chaos targets.
//!
//! [`AvailabilitySets`] and [`ScaleSets`] find the sets of any number of subscriptions through Azure Resource Manager
//! (ARM), and their machines: what can be powered off and on, restarted, deleted, cut off by network security groups,
//! and told to run scripts. Every event of the library works on them, as far as it suits.
//!
//! # What may be chosen
//!
//! Machines that run and are provisioned. Every other is listed with the reason why it is left alone: deallocated or
//! stopped, with an operation under way on it or one that has failed, in a standby pool, protected from scale-in or
//! from scale-set actions ([unless asked](AzureBuilder::include_protected)), opted out by the tag [`ENABLED_TAG`] of
//! the set or the machine, or [not opted in](AzureBuilder::require_opt_in). One whose application is unwell, by the
//! health extension or the probe of a load balancer, is not healthy.
//!
//! A listing that cannot be read to its end is an error, in every subscription, and never a shorter list; so is any
//! answer that is no whole document. A set of which a field is missing that decides, or whose id cannot be read, is
//! listed with that as the reason why it is left alone. Azure lists what a machine is apart from whether it runs: both
//! are read, side by side, a call for each page and none for a machine. A look at one availability set asks for its
//! machines one by one, where these are no more than 32. All calls go to one endpoint; an address elsewhere in an
//! answer is an error and not sent the token.
//!
//! [`FAULT_DOMAIN_LABEL`], [`UPDATE_DOMAIN_LABEL`] and [`AVAILABILITY_ZONE_LABEL`] keep a run within one rack, one
//! update domain or one zone: the drill of a rack that fails. A group that would be left with no other sound one is
//! left alone.
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
//! # What happens to a machine
//!
//! - *Stop* powers the machine off: it keeps its host, its addresses and its temporary disk, and is paid for.
//!   [`StopMode`] has an abrupt way, as when the power fails, and one that gives the host up. Nothing at Azure starts a
//!   machine again by itself: where every monkey is gone, the journal brings it back. Automatic instance repairs of a
//!   scale set take a stopped instance for unwell and may put another in its place, ten minutes later at the earliest;
//!   then that is the recovery, and the record of the fault says so before anything is stopped.
//! - *Reboot* restarts it where it is, or [moves](RebootMode::Redeploy) it to another host.
//! - *Terminate* deletes an instance of a scale set; see [`ScaleSets`] for what replaces it, which is nothing by
//!   itself. A machine of an availability set cannot be terminated.
//! - *Isolation* adds a pair of rules to the network security group of each network interface that let nothing in and
//!   nothing out. They name the addresses of this machine alone, so that others in the same group notice nothing, are
//!   called `chaos-isolation-<fault>-in` and `-out`, and are removed by these names. Their priority is 100, or the next
//!   one that is free; where a rule that allows something would decide before them, nothing is injected, and the error
//!   names it. An interface without a group is given one of the fault's own and taken out of it after, each time only
//!   if nobody has changed the interface meanwhile; the group bears the tag [`ISOLATION_TAG`] and is removed in the
//!   end. Under a lock that forbids to delete, the rules go all the same, and a group of the fault's own stays, without
//!   any. An instance of a uniform scale set has no group but that of its scale set. **Connections that are open
//!   survive it**: Azure judges new ones only. The platform's own addresses, 168.63.129.16 and 169.254.169.254, stay
//!   within reach, and with them the agent and Run Command. So does what a load balancer sends with a floating IP, to
//!   its own address and not the machine's.
//!
//! **Stop and isolation have no end of their own**: where every process of the monkey is gone, they last until the
//! journal is replayed.
//!
//! Orders take Azure from seconds to minutes. One that injects is followed for an eighth of its fault's time, and for
//! ten seconds at most, so that one that fails soon is told as that; a start for two seconds. After that, and where
//! nobody tells how an order stands, it counts as under way, and only the machine is looked at: at the recovery's own
//! pace, while the order is asked about at the pace that Azure has asked for. **Give a stop a few minutes**: a shutdown
//! in an orderly way counts towards them.
//!
//! **The undo is proven before the fault**: whether a role allows what ends it is asked of the permissions API before
//! an injection and in a plan. Where it does not, or where that cannot be told, nothing is injected. Which experiment
//! is to be cancelled is known when it is looked up, and asked then. Tokens are renewed by their credential, and have
//! no end that is known.
//!
//! A machine is known by its `vmId`: one that was made anew under the name of another is not the target of the other's
//! fault, and is neither started nor touched.
//!
//! # Scripts
//!
//! The shell of a machine is the action Run Command with `RunShellScript`: `/bin/sh` as root, in `/`, with no input and
//! an environment of its parameters, `LC_ALL=C` and a `PATH` with the usual places. It needs Azure's agent and the
//! program `timeout`; whether the agent is ready is asked before the first script, and a machine without is not
//! injected into. A machine that runs Windows offers no shell: the scripts are for `sh`.
//!
//! - *Time.* Reaching a machine takes Run Command tens of seconds, each time, and looks are left three minutes: a fault
//!   that scripts begin, measure and end should last some minutes. What a script has put in a session of its own
//!   (`setsid`) outlives it, and ends at its deadline without the service.
//! - *Time limit.* In whole seconds, rounded up, kept on the machine by `timeout`: the service itself waits for 90
//!   minutes.
//! - *Output* of more than about 4,000 bytes is an error: the service keeps no more.
//! - *Exit status.* It comes back as it was, by the last line of both outputs; the service knows none. 137 counts as
//!   killed.
//! - *One at a time.* While somebody else runs a command on the machine, a script waits for a minute and a half.
//! - *Once.* A command that changes something is sent again only where the service has refused it. It takes no
//!   idempotency token.
//! - *Network.* All of it is the target's. A blackhole lets 168.63.129.16 through, where the agent gets its orders. One
//!   that lets nothing through at all cuts off the agent, and with it the end of the fault by command; it then ends at
//!   its deadline.
//!
//! # Chaos Studio
//!
//! [`ChaosStudioExperiment`] is an experiment of Azure's own engine, for `RunExperiment`: its definition is read before
//! it is started, how long it lasts and whom it hits; the recovery cancels it and waits for its end. Chaos Studio has
//! no place for a fault's id: a run that was not there when the experiment was looked at counts as the fault's. Its
//! experiments must be of the subscription of the target.
//!
//! # Errors
//!
//! Throttled calls are tried again as ARM asks, five times at most, and so is what only looks and fails in passing, or
//! is answered in part. Whoever would have to wait for more than 15 seconds is told how long, and whoever asks next
//! waits for as much of it. Then they are [`Throttled`](chaos_core::ErrorKind::Throttled),
//! [`Unavailable`](chaos_core::ErrorKind::Unavailable) or [`Timeout`](chaos_core::ErrorKind::Timeout), and retryable.
//! An order whose answer was lost is never sent again: it is taken to have happened.
//! [`Denied`](chaos_core::ErrorKind::Denied) names the action and the scope that a role must allow, or says that the
//! credentials are missing, of another tenant, expired or not valid. The role is `docs/azure-role.json`; the README of
//! this crate justifies it.
//!
//! # Ids
//!
//! The ids of targets hold their subscription. Azure tells upper from lower case nowhere in names and spells them
//! differently from one answer to the next: ids are in lower case, and one that is not is refused.

mod arm;
mod autoscale;
mod availability_sets;
mod azure;
mod builder;
mod cloud;
mod command_text;
mod compute;
mod credentials;
mod error;
mod fleet;
mod isolation;
mod isolation_rules;
mod lifecycle;
mod machine;
mod means;
mod member;
mod modes;
mod network;
mod own_machine;
mod permissions;
mod place;
mod reach;
mod resource_id;
mod scale_sets;
mod selection;
mod set_machines;
mod set_path;
mod shell;
mod starts;
mod studio;
mod target;
mod within;

pub use availability_sets::AvailabilitySets;
pub use builder::AzureBuilder;
pub use chaos_core::listing::ENABLED_TAG;
pub use cloud::Cloud;
pub use isolation_rules::ISOLATION_TAG;
pub use machine::{AVAILABILITY_ZONE_LABEL, FAULT_DOMAIN_LABEL, UPDATE_DOMAIN_LABEL};
pub use modes::{RebootMode, StopMode};
pub use scale_sets::ScaleSets;
pub use studio::ChaosStudioExperiment;
