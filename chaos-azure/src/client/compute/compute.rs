use std::sync::Arc;

use azure_core_legacy::Pageable;
use azure_mgmt_compute::package_2024_07_01::{Client, models};
use chaos_core::{
    Error, ErrorKind, Result,
    listing::{Page, pages},
};
use futures_util::{Stream, StreamExt};
use serde::de::DeserializeOwned;

use super::{
    adapter::{answer, client, told},
    order::Order,
    read,
    sets::{AvailabilitySet, Entry, FoundSet, Listed, Orchestration, ScaleSet},
};
use crate::{
    client::{
        arm::{Accepted, Arm},
        error::unless_gone,
    },
    model::{
        machine::{Machine, View},
        place::Place,
        resource_id::ResourceId,
        set_path::SetPath,
    },
};

/// The requests of `Microsoft.Compute` that this crate makes.
#[derive(Clone)]
pub(crate) struct Compute {
    arm: Arc<Arm>,
    client: Client,
}

impl Compute {
    pub(crate) fn new(arm: Arc<Arm>) -> Result<Self> {
        Ok(Self { client: client(&arm)?, arm })
    }

    /// The availability sets of a subscription, page by page.
    pub(crate) fn availability_sets(
        &self,
        subscription: &str,
    ) -> impl Stream<Item = Result<Vec<Listed<AvailabilitySet>>>> + Send + use<> {
        let listing = self.client.availability_sets_client().list_by_subscription(subscription);
        self.read(move || listing.clone().into_stream(), read::listed_availability_set)
    }

    /// `None` if it does not exist.
    pub(crate) async fn availability_set(&self, path: &SetPath) -> Result<Option<FoundSet>> {
        let SetPath { subscription, resource_group, name } = path;
        let call = self.client.availability_sets_client().get(resource_group, name, subscription);
        let found = call.send().await.map_err(told);
        let Some(found) = unless_gone(found)? else { return Ok(None) };
        let answer = answer(found.into_raw_response()).await?;
        let document: serde_json::Value = answer.read()?;
        let set = read::availability_set(answer.read()?)?;
        // The SDK reads a missing list as an empty one.
        let machines = document["properties"]["virtualMachines"].as_array().and_then(|machines| {
            let ids = machines.iter().map(|machine| ResourceId::parse(machine["id"].as_str()?).ok());
            ids.map(|id| Some(SetPath::of(&id?).name)).collect()
        });
        Ok(Some(FoundSet { set, machines }))
    }

    /// The virtual machines of a subscription, page by page, without their instance views.
    pub(crate) fn machines(
        &self,
        subscription: &str,
    ) -> impl Stream<Item = Result<Vec<Entry>>> + Send + use<> {
        let listing = self.client.virtual_machines_client().list_all(subscription);
        self.read(move || listing.clone().into_stream(), read::entry)
    }

    /// As [`machines`](Self::machines), of one resource group.
    pub(crate) fn machines_in(&self, set: &SetPath) -> impl Stream<Item = Result<Vec<Entry>>> + Send + use<> {
        let listing = self.client.virtual_machines_client().list(&set.resource_group, &set.subscription);
        self.read(move || listing.clone().into_stream(), read::entry)
    }

    /// The instance views of the virtual machines of a subscription, page by page. The listing contains nothing else.
    pub(crate) fn views(
        &self,
        subscription: &str,
    ) -> impl Stream<Item = Result<Vec<Option<(SetPath, View)>>>> + Send + use<> {
        let listing = self.client.virtual_machines_client().list_all(subscription).status_only("true");
        self.read(move || listing.clone().into_stream(), read::status)
    }

    /// The scale sets of a subscription, page by page.
    pub(crate) fn scale_sets(
        &self,
        subscription: &str,
    ) -> impl Stream<Item = Result<Vec<Listed<ScaleSet>>>> + Send + use<> {
        let listing = self.client.virtual_machine_scale_sets_client().list_all(subscription);
        self.read(move || listing.clone().into_stream(), read::listed_scale_set)
    }

    /// `None` if it does not exist.
    pub(crate) async fn scale_set(&self, path: &SetPath) -> Result<Option<ScaleSet>> {
        let SetPath { subscription, resource_group, name } = path;
        let call = self.client.virtual_machine_scale_sets_client().get(resource_group, name, subscription);
        let found = call.send().await.map_err(told);
        match unless_gone(found)? {
            Some(found) => read::scale_set(found.into_body().await.map_err(told)?).map(Some),
            None => Ok(None),
        }
    }

    /// The machines of a scale set with their instance views, page by page.
    pub(crate) fn members(&self, set: &ScaleSet) -> impl Stream<Item = Result<Vec<Machine>>> + Send + use<> {
        let SetPath { subscription, resource_group, name } = set.path.clone();
        match set.orchestration {
            Orchestration::Uniform => {
                let listing = self
                    .client
                    .virtual_machine_scale_set_v_ms_client()
                    .list(resource_group, name, subscription)
                    .expand("instanceView");
                let path = set.path.clone();
                self.read(move || listing.clone().into_stream(), move |found| read::instance(&path, found))
                    .left_stream()
            }
            Orchestration::Flexible => {
                let listing = self
                    .client
                    .virtual_machines_client()
                    .list(resource_group, subscription)
                    .filter(format!("'virtualMachineScaleSet/id' eq '{}'", set.id.as_str()))
                    .expand("instanceView");
                self.read(move || listing.clone().into_stream(), read::machine).right_stream()
            }
        }
    }

    /// A machine with its instance view; `None` if it does not exist.
    ///
    /// # Errors
    /// Also if the answer lacks a required field.
    pub(crate) async fn machine(&self, place: &Place) -> Result<Option<Machine>> {
        let found = self.ask_for(place).await?;
        match found.as_ref().and_then(|machine| machine.doubt.as_deref()) {
            Some(why) => Err(Error::new(ErrorKind::Unavailable, format!("of a machine, {why}"))),
            None => Ok(found),
        }
    }

    async fn ask_for(&self, place: &Place) -> Result<Option<Machine>> {
        match place {
            Place::Machine { subscription, resource_group, name } => {
                let machines = self.client.virtual_machines_client();
                let call = machines.get(resource_group, name, subscription).expand("instanceView");
                match unless_gone(call.send().await.map_err(told))? {
                    Some(found) => read::machine(found.into_body().await.map_err(told)?).map(Some),
                    None => Ok(None),
                }
            }
            Place::Instance { set, number } => {
                let instances = self.client.virtual_machine_scale_set_v_ms_client();
                let call = instances
                    .get(&set.resource_group, &set.name, number, &set.subscription)
                    .expand("instanceView");
                match unless_gone(call.send().await.map_err(told))? {
                    Some(found) => read::instance(set, found.into_body().await.map_err(told)?).map(Some),
                    None => Ok(None),
                }
            }
        }
    }

    pub(crate) async fn order(&self, place: &Place, order: Order) -> Result<Accepted> {
        order.send(&self.client, place).await
    }

    /// Lets a machine run these lines with `sh`, as root.
    pub(crate) async fn run_shell_script(&self, place: &Place, lines: Vec<String>) -> Result<Accepted> {
        let input = models::RunCommandInput {
            command_id: "RunShellScript".to_owned(),
            script: lines,
            parameters: Vec::new(),
        };
        let (kind, sent) = match place {
            Place::Machine { subscription, resource_group, name } => {
                let machines = self.client.virtual_machines_client();
                let call = machines.run_command(resource_group, name, input, subscription);
                ("virtualMachines", call.send().await.map(|sent| sent.into_raw_response()))
            }
            Place::Instance { set, number } => {
                let instances = self.client.virtual_machine_scale_set_v_ms_client();
                let call =
                    instances.run_command(&set.resource_group, &set.name, number, input, &set.subscription);
                let sent = call.send().await.map(|sent| sent.into_raw_response());
                ("virtualMachineScaleSets/virtualMachines", sent)
            }
        };
        let answer = answer(sent.map_err(told)?).await?;
        let action = format!("Microsoft.Compute/{kind}/runCommand/action");
        Ok(Accepted { action, resource: None, answer })
    }

    /// Every page of a listing. The first is the SDK's request; the others are at the addresses in ARM's answers, which
    /// the SDK would follow anywhere, and endlessly.
    fn read<P, T, F, R>(
        &self,
        first: F,
        read: R,
    ) -> impl Stream<Item = Result<Vec<T>>> + Send + use<P, T, F, R>
    where
        P: ListResult,
        T: Send,
        F: Fn() -> Pageable<P, azure_core_legacy::error::Error> + Send + Sync + 'static,
        R: Fn(P::Item) -> Result<T> + Send + Sync + 'static,
    {
        let arm = Arc::clone(&self.arm);
        let (first, read) = (Arc::new(first), Arc::new(read));
        pages(move |next: Option<String>| {
            let (arm, first, read) = (Arc::clone(&arm), Arc::clone(&first), Arc::clone(&read));
            page(arm, move || first(), next, move |item| read(item))
        })
    }
}

async fn page<P, T>(
    arm: Arc<Arm>,
    first: impl FnOnce() -> Pageable<P, azure_core_legacy::error::Error> + Send,
    next: Option<String>,
    read: impl Fn(P::Item) -> Result<T> + Send,
) -> Result<Page<Vec<T>>>
where
    P: ListResult,
    T: Send,
{
    let page: P = match next {
        Some(address) => arm.get(arm.given(&address)?).await?.read()?,
        None => match first().next().await {
            Some(page) => page.map_err(told)?,
            None => return Err(Error::new(ErrorKind::Unavailable, "a listing without any page")),
        },
    };
    let (items, next) = page.parts();
    Ok((items.into_iter().map(read).collect::<Result<_>>()?, next))
}

/// A page of a listing, for which the SDK has many types.
trait ListResult: DeserializeOwned + Send + 'static {
    type Item: Send;

    fn parts(self) -> (Vec<Self::Item>, Option<String>);
}

macro_rules! listed {
    ($($page:ident of $item:ident),+ $(,)?) => {
        $(impl ListResult for models::$page {
            type Item = models::$item;

            fn parts(self) -> (Vec<Self::Item>, Option<String>) {
                (self.value, self.next_link)
            }
        })+
    };
}

listed!(
    AvailabilitySetListResult of AvailabilitySet,
    VirtualMachineListResult of VirtualMachine,
    VirtualMachineScaleSetListWithLinkResult of VirtualMachineScaleSet,
    VirtualMachineScaleSetVmListResult of VirtualMachineScaleSetVm,
);

impl std::fmt::Debug for Compute {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compute").field("arm", &self.arm).finish_non_exhaustive()
    }
}
