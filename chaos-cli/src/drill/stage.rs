use std::{collections::BTreeSet, error::Error as _, net::SocketAddr, path::PathBuf, sync::Arc};

use chaos_core::{
    Error, ErrorKind, Group, GroupId, MemoryJournal, Provider, Result,
    catalogue::Opened,
    clock::{Clock, SystemClock},
    plan::{FailureDomain, Plan},
    provider::GroupFilter,
};
use chaos_journal::SqlJournal;
use chaos_local::{AttachedFleet, Fleet};
use futures_util::TryStreamExt;
use tempfile::TempDir;

use super::{
    live::Live,
    order::{Bounds, Order},
    report::After,
    summary::since,
};
use crate::{
    catalogue::Catalogue,
    journal,
    program::{ProgramError, recover_command},
    service,
};

/// The name of the drill's own fleet.
const OWN: &str = "drill";
const OWN_REPLICAS: usize = 5;

/// The groups that a drill takes place on.
#[derive(Debug)]
pub(super) enum Stage {
    Own(Fleet),
    Attached(AttachedFleet),
    /// Machines that exist before the drill and after it.
    Elsewhere(Opened),
}

/// The journal of a drill.
#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) journal: Arc<dyn chaos_core::Journal>,
    /// The path by which a later process finds it.
    pub(super) path: Option<PathBuf>,
    /// The arguments of the identity for that process.
    pub(super) identity: String,
    /// The temporary directory, which is removed together with this value.
    _temporary: Option<TempDir>,
}

impl Stage {
    /// Starts the drill's own fleet, or finds the existing groups. Refuses invalid arguments before anything starts.
    pub(super) async fn set(order: &Order, live: &Live, catalogue: &Catalogue) -> Result<Self, ProgramError> {
        if !order.provider.is_local() {
            return Ok(Self::Elsewhere(order.provider.open(&order.settings, catalogue).await?));
        }
        if let Some(directory) = &order.attach {
            let fleet = Fleet::attach(directory).map_err(|error| {
                let value = format!("{:?}", directory.display().to_string());
                let error = Error::invalid("--attach", value, "the state directory of a running fleet")
                    .caused_by(beneath(&error));
                ProgramError::from(error).hint("start one with `cargo fleet --state DIR`")
            })?;
            return Ok(Self::Attached(fleet));
        }
        Bounds::of_sizes([OWN_REPLICAS]).check(order.count())?;
        order.filter(&[(format!("local:{OWN}"), OWN.to_owned())])?;
        if let Some(path) = &order.journal {
            journal::check(path).await?;
        }
        let began = SystemClock::default().now();
        let phase = live.begin("fleet", format!("starting {OWN_REPLICAS} replicas"));
        let fleet = service::fleet_of_services()?.replicas(OWN_REPLICAS).name(OWN);
        let fleet = match order.base_port {
            Some(port) => fleet.ports_from(port).start().await.map_err(|error| {
                let expected = format!("the first of {OWN_REPLICAS} free ports of 127.0.0.1");
                match error.kind() {
                    ErrorKind::InvalidInput => Error::invalid("--base-port", port, expected).caused_by(error),
                    _ => error,
                }
            })?,
            None => fleet.start().await?,
        };
        phase.done(format!("{OWN_REPLICAS} replicas healthy after {}", since(began)));
        Ok(Self::Own(fleet))
    }

    pub(super) fn is_own(&self) -> bool {
        matches!(self, Self::Own(_))
    }

    pub(super) fn providers(&self) -> Vec<Arc<dyn Provider>> {
        match self {
            Self::Own(fleet) => vec![Arc::new(fleet.clone())],
            Self::Attached(fleet) => vec![Arc::new(fleet.clone())],
            Self::Elsewhere(opened) => opened.providers.clone(),
        }
    }

    /// The failure domain that all victims must be in.
    pub(super) fn domain(&self) -> Option<FailureDomain> {
        match self {
            Self::Elsewhere(opened) => opened.domain.clone(),
            Self::Own(_) | Self::Attached(_) => None,
        }
    }

    /// The addresses of the replicas, if this stage has clients.
    pub(super) fn endpoints(&self) -> Result<Option<Vec<SocketAddr>>> {
        match self {
            Self::Own(fleet) => Ok(Some(fleet.endpoints())),
            Self::Attached(fleet) => fleet.endpoints().map(Some),
            Self::Elsewhere(_) => Ok(None),
        }
    }

    /// A filter that passes only the groups that the order is about.
    pub(super) async fn filter(&self, order: &Order) -> Result<GroupFilter> {
        if let Self::Elsewhere(opened) = self {
            return Ok(opened.filter.clone());
        }
        let groups = self.groups(&GroupFilter::all()).await?;
        let names: Vec<_> = groups
            .iter()
            .map(|group| (group.id.to_string(), group.labels.get("fleet").cloned().unwrap_or_default()))
            .collect();
        order.filter(&names)
    }

    /// The limits for the number of targets.
    ///
    /// If the order is for one target in a cloud and nobody is asked for the number, there are none here: the plan
    /// applies the same rules, and a listing is saved.
    pub(super) async fn bounds(&self, order: &Order, filter: &GroupFilter) -> Result<Bounds> {
        if matches!(self, Self::Elsewhere(_)) && order.count() == 1 && (order.yes || order.dry_run) {
            return Ok(Bounds::default());
        }
        let groups = match self.groups(filter).await {
            Ok(groups) => groups,
            // The plan tells which groups could not be listed, and keeps to the rules without knowing the total.
            Err(error) if error.kind() != ErrorKind::InvalidInput && (order.yes || order.dry_run) => {
                return Ok(Bounds::default());
            }
            Err(error) => return Err(error),
        };
        if groups.is_empty() {
            return Err(order.without_groups());
        }
        let bounds = Bounds::of_groups(&groups);
        bounds.check(order.count())?;
        Ok(bounds)
    }

    /// A fresh listing of the groups.
    pub(super) async fn groups(&self, filter: &GroupFilter) -> Result<Vec<Group>> {
        let mut groups: Vec<Group> = Vec::new();
        for provider in self.providers() {
            let mut listed: Vec<Group> = provider.groups(filter).try_collect().await?;
            groups.append(&mut listed);
        }
        Ok(groups)
    }

    /// The groups of `plan` as they are now. Those of `hit` are looked at again; the others count as unchanged.
    pub(super) async fn after(&self, plan: &Plan, hit: &BTreeSet<&GroupId>) -> Result<After> {
        let mut after = After::default();
        for group in &plan.groups {
            let provider =
                self.providers().into_iter().find(|provider| provider.scheme() == group.id.scheme());
            let (healthy, desired) = match provider.filter(|_| hit.contains(&group.id)) {
                None => (group.healthy, group.desired),
                Some(provider) => match provider.group(&group.id).await {
                    Ok(group) => (group.healthy(), group.desired),
                    Err(error) if error.kind() == ErrorKind::NotFound => {
                        after.gone.push(group.id.clone());
                        (0, 0)
                    }
                    Err(error) => return Err(error),
                },
            };
            after.healthy += healthy;
            after.desired += desired;
        }
        Ok(after)
    }

    /// The journal of a drill on this stage. A dry run creates no file.
    pub(super) async fn ledger(&self, order: &Order) -> Result<Ledger> {
        let own_place = match self {
            Self::Own(_) => None,
            Self::Attached(fleet) => Some(journal::of_fleet(&fleet.state_directory())),
            Self::Elsewhere(_) if order.journal.is_none() => Some(journal::of_user("drill.journal")?),
            Self::Elsewhere(_) => None,
        };
        let path = order.journal.clone().or(own_place);
        if order.dry_run {
            return Ledger::to_look_at(path).await;
        }
        let (path, temporary) = match path {
            Some(path) => (path, None),
            None => {
                let directory =
                    tempfile::Builder::new().prefix("chaos-drill-").tempdir().map_err(|error| {
                        Error::new(ErrorKind::Journal, "no directory can be made for a temporary journal")
                            .caused_by(error)
                    })?;
                (directory.path().join("chaos.journal"), Some(directory))
            }
        };
        let journal = journal::open(&path).await?;
        let path = temporary.is_none().then(|| journal.path().to_owned());
        let journal: Arc<dyn chaos_core::Journal> = match (order.crash_at, order.pause_at) {
            (Some(point), _) => point.journal(journal),
            (None, Some(point)) => point.pausing_journal(journal),
            (None, None) => Arc::new(journal),
        };
        Ok(Ledger { journal, path, identity: order.identity.clone(), _temporary: temporary })
    }

    /// Ends the drill's own fleet. Leaves other fleets alone.
    pub(super) async fn strike(self) -> Result<()> {
        match self {
            Self::Own(fleet) => fleet.stop().await,
            Self::Attached(_) | Self::Elsewhere(_) => Ok(()),
        }
    }
}

/// The problem, without the library's name for the argument.
fn beneath(error: &Error) -> String {
    match (error.kind(), error.source()) {
        (ErrorKind::InvalidInput, Some(source)) => source.to_string(),
        _ => error.chain(),
    }
}

impl Ledger {
    /// The command line by which a later process recovers the remaining faults.
    pub(super) fn recover_command(&self) -> Option<String> {
        self.path.as_ref().map(|path| format!("{}{}", recover_command(path), self.identity))
    }

    async fn to_look_at(path: Option<PathBuf>) -> Result<Self> {
        let journal: Arc<dyn chaos_core::Journal> = match &path {
            Some(path) if path.exists() => Arc::<SqlJournal>::new(journal::open_existing(path).await?),
            _ => Arc::new(MemoryJournal::new()),
        };
        Ok(Self { journal, path, identity: String::new(), _temporary: None })
    }
}
