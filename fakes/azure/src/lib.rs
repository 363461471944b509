//! A stateful fake of Azure Resource Manager, for tests without Azure. Unix only.
//!
//! [`FakeArm`] serves HTTP on a port of this machine: availability sets, virtual machines, scale sets, Run Command that
//! runs scripts for real, network interfaces, security groups and their rules, experiments of Chaos Studio, tokens.
//! Microsoft's own SDK keeps it honest. It drives the fake in the tests of this crate ([`MicrosoftSdk`]): no reply has
//! a field that the models of the SDK do not know. The same SDK shows the requests that your own client should send:
//! [`assert_same_requests`].
//!
//! ```
//! use fake_azure::{FakeArm, NewAvailabilitySet, PowerState, Trouble};
//!
//! let fake = FakeArm::start()?;
//! fake.add(NewAvailabilitySet::new("shop", "web").machines(3));
//! fake.trouble(Trouble::throttle(1).on("POST", "*/powerOff"));
//! // The code under test talks to `fake.endpoint()` with the token `FakeArm::TOKEN`.
//! let web = format!(
//!     "/subscriptions/{}/resourceGroups/shop/providers/Microsoft.Compute/virtualMachines/web-0",
//!     FakeArm::SUBSCRIPTION
//! );
//! assert_eq!(fake.power_state(&web), Some(PowerState::Running));
//! assert!(fake.requests().is_empty());
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # Supported requests
//!
//! | resource | requests |
//! |---|---|
//! | `subscriptions`, `resourceGroups` | `GET`, one or all |
//! | `availabilitySets` | `GET`, one or all (`$expand=virtualMachines/$ref`) |
//! | `virtualMachines` | `GET`, one or all (`statusOnly`, `$filter` by scale set, `$expand=instanceView`), `instanceView`, `powerOff`, `start`, `restart`, `redeploy`, `deallocate`, `runCommand`, `DELETE` |
//! | `virtualMachineScaleSets` | `GET`, one or all, `instanceView`, `PATCH` of `sku.capacity`, `poweroff` and the like and `delete` for `instanceIds` or all, `networkInterfaces` |
//! | their `virtualMachines` | as virtual machines, and `PUT` of the `protectionPolicy`, `networkInterfaces` |
//! | `networkInterfaces` | `GET`, one or all, `PUT` |
//! | `networkSecurityGroups` | `GET`, one or all, `PUT`, `DELETE`, and the same of their `securityRules` |
//! | `virtualNetworks/subnets` | `GET` |
//! | `Microsoft.Insights/autoscaleSettings` | `GET` of all, one for each scale set that is held at a number |
//! | `RESOURCE/providers/Microsoft.Insights/metrics` | `GET` of one metric by the minute, as [`FakeArm::set_metric`] has set it |
//! | `SCOPE/providers/Microsoft.Authorization/permissions` | `GET`: the rights that the role has at a subscription, a group or a resource |
//! | `Microsoft.Chaos/experiments` | `GET`, one or all, `start`, `cancel`, `executions`, `getExecutionDetails` |
//! | `/providers/Microsoft.ResourceGraph/resources` | `POST` of a query of the table `Resources` with `where`, `take`, `limit`, `sample`, `project` and `order by`, as objects or as a table |
//! | `/TENANT/oauth2/v2.0/token`, `/msi/token` | tokens for a client's secret or assertion, and for a managed identity (`IDENTITY_ENDPOINT`, `IDENTITY_HEADER`) |
//!
//! Any other request gets 404 `NotFound`, with a message that the fake does not serve it. The fake serves the API
//! versions [`COMPUTE_VERSION`], [`NETWORK_VERSION`], [`CHAOS_VERSION`], [`AUTOSCALE_VERSION`], [`METRICS_VERSION`],
//! [`AUTHORIZATION_VERSION`] and [`RESOURCE_GRAPH_VERSION`], and a few older ones. Others get 400
//! `NoRegisteredProviderFound`.
//!
//! # Azure's behaviour
//!
//! - **Listings** come in pages with `nextLink`. A listing of a whole subscription, and the references of an
//!   availability set, write the names of groups and machines in capitals: ids may be in either case, everywhere. With
//!   `statusOnly`, a listing has names and instance views, and neither tags nor models.
//! - **Operations** are accepted with 202 (201 or 200 for a `PUT`), `Azure-AsyncOperation`, `Location` and
//!   `Retry-After`, and end as [`Settings::pace`] says. A newer order for a machine, including Run Command, takes over
//!   from an older one, which ends `Canceled` with `OperationPreempted`. A machine that is being deleted takes no
//!   orders.
//! - **Scale sets replace nothing by themselves**: a deleted instance lowers the capacity.
//!   [`NewScaleSet::automatic_repairs`] replaces instances that do not run. [`NewScaleSet::held_at`] adds missing
//!   instances. Ids are never used twice.
//! - **A `PUT` replaces the whole resource**; `If-Match` guards against that (412). The changes of an operation are in
//!   force when it has ended: [`FakeArm::lets_through`]. Only one operation at a time changes a group (409
//!   `AnotherOperationInProgress`). Two rules of one direction must differ in priority (400 `SecurityRuleConflict`).
//!   Rules apply to new connections only: in Azure, open connections continue. Attaching a group needs the right to
//!   join the group and the subnet (403 `LinkedAuthorizationFailed`).
//! - **Run Command**: the script runs as a program in a directory of its own, by bash unless it says otherwise. Only
//!   one runs at a time on a machine (409 `Conflict`), and none if the machine does not run (409
//!   `OperationNotAllowed`). It ends with its shell, even if the shell leaves processes behind. The reply has the last
//!   4,096 bytes of each output and **no exit status**: every script has "succeeded". After [90
//!   minutes](Settings::script_limit_milliseconds), the fake no longer waits for the script: the operation and the
//!   machine's provisioning are `Failed`, and the script continues. Meanwhile, the machine is `Updating`. Without the
//!   agent, or the way back, no result arrives.
//! - **Resource Graph** sees only resources that the caller may read, and writes kinds and resource groups in lower
//!   case. A query in which the fake does not know a word gets 400 `BadRequest` with `InvalidQuery` in its details.
//!   Pages have a `$skipToken`, except for a query with `take`, `limit` or `sample`, which has one page and counts as
//!   truncated. `sample` yields the last ones.
//! - **Roles**: [`FakeArm::assign`] limits the caller to a role definition. [`Recorded::action`] has the action that a
//!   request needed.
//!
//! If sources are silent, the fake guesses, and a client should not rely on that: the statuses of executions between
//! `PreProcessing` and their end, the refusals of `start` and `cancel` of an experiment, the form of a failed operation
//! at `Location`, the state `Updating` of a machine while Run Command is in progress, and that a power off takes over
//! from Run Command. `powerOff` ends the processes of a machine abruptly, with or without `skipShutdown`.
//!
//! # Machines
//!
//! From its first script on, a machine is a directory. As root, it also has namespaces, so a script affects only the
//! processes, the mounts and the network of that machine. Its `eth0` leads to a bridge in a namespace that stands for
//! Azure and nothing beyond: the machines of the fake, [`FakeArm::PEER`] (port 80), the metadata service
//! (169.254.169.254:80) and the channel of the agent (168.63.129.16:80 and 32526). **The agent goes through that
//! network**: while a machine cannot connect to 168.63.129.16:32526, scripts wait and their results are not known. So a
//! blackhole must let that address through, as in Azure. Stopping, restarting, redeploying and deallocating a machine
//! ends its processes, and its network with all rules in it. Its files are removed when it is deleted. Security groups
//! are evaluated, not enforced there.
//!
//! Everything ends with the fake. After a `kill -9` of the test, a janitor process cleans up instead.
//!
//! # As a process
//!
//! `fake-arm`, a program of this crate, prints `{"endpoint": ...}` and ends when its standard input does. The methods
//! of [`FakeArm`] are pages there (and in a test), with JSON for bodies and answers. A body that is not understood gets
//! 400:
//!
//! | page | does |
//! |---|---|
//! | `POST /_fake/world` | adds a list of [`New`]: `[{"availability_set": {"resource_group": "shop", "name": "web", "machines": 3}}]` |
//! | `POST`, `DELETE /_fake/trouble` | adds a list of [`Trouble`]: `[{"effect": {"throttle": {"retry_after_seconds": 1}}, "method": "POST", "path": "*/start", "nth": 1, "times": 2}]`; ends all |
//! | `GET`, `PUT /_fake/settings` | [`Settings`] |
//! | `PUT /_fake/role` | [`Role`] |
//! | `GET`, `DELETE /_fake/requests` | a list of [`Recorded`]; forgets them |
//! | `GET /_fake/machines` | `id`, `power_state`, `provisioning_state`, `boots`, `directory`, `namespace`, `processes` of each |

#![cfg(unix)]

mod access;
mod answer;
mod autoscale;
mod build;
mod call;
mod carry_out;
mod chaos_studio;
mod cloud;
mod compute;
mod directory;
mod errors;
mod fake_arm;
mod guest;
mod machine;
mod metric;
mod metrics;
mod microsoft_sdk;
mod network;
mod operation;
mod pages;
mod paging;
mod recorded;
mod resource_graph;
mod resource_id;
mod ring;
mod route;
mod scale_set;
mod server;
mod settings;
mod shared;
mod timer;
mod trouble;
mod versions;
mod work;
mod world;

pub use access::Role;
pub use fake_arm::FakeArm;
pub use machine::{OperatingSystem, PowerState};
pub use microsoft_sdk::{MicrosoftSdk, SdkAnswer, SdkError};
pub use network::Direction;
pub use operation::Pace;
pub use recorded::{Recorded, assert_same_requests};
pub use settings::Settings;
pub use trouble::{Effect, Trouble};
pub use versions::{
    AUTHORIZATION_VERSION, AUTOSCALE_VERSION, CHAOS_VERSION, COMPUTE_VERSION, INSTANCE_INTERFACES_VERSION,
    METRICS_VERSION, NETWORK_VERSION, RESOURCE_GRAPH_VERSION,
};
pub use world::{
    New, NewAvailabilitySet, NewExperiment, NewScaleSet, NewSubscription, Orchestration, SecurityGroups,
};
