use std::{sync::Arc, time::Duration};

use chaos_core::{Error, ErrorKind, Result};

use crate::{
    ClientBuilder,
    capability::{
        reach::Reach,
        start::{FOLLOWED_FOR, keep_start, needs_start},
    },
    client::{arm::Wanted, azure::Azure, compute::Order, within::within},
    model::{
        machine::{Machine, Power},
        place::Place,
        resource_id::ResourceId,
    },
};

/// The first and the longest pause between two looks.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The time-out of the first look if the limit is shorter.
const LAST_LOOK: Duration = Duration::from_secs(1);

/// Machines outside of faults, by their ids in ARM: virtual machines, in a set or alone, and instances of scale sets.
///
/// A fault does not need this: its own recovery starts its machine. This is for machines that something else has
/// stopped, such as the rollback of an experiment of Chaos Toolkit. **It knows no journal**, so it also starts a
/// machine that a fault in progress has stopped. Clones share their connection.
///
/// ```no_run
/// use std::time::Duration;
///
/// use chaos_azure::{Machines, StartOutcome};
///
/// # async fn example() -> chaos_core::Result<()> {
/// let machines = Machines::builder().managed_identity().build()?;
/// let web = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/shop/providers/\
///            Microsoft.Compute/virtualMachines/web-0";
/// let outcome = machines.start(web, Duration::from_secs(600)).await?;
/// assert!(matches!(outcome, StartOutcome::Started | StartOutcome::AlreadyRunning));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Machines {
    azure: Arc<Azure>,
}

/// What a start has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StartOutcome {
    /// The machine was down or on its way up, and has been seen running since.
    Started,
    /// The first look saw the machine running, so no order was given.
    AlreadyRunning,
}

impl Machines {
    /// Starts with the credentials of the environment, and with Azure's public cloud.
    pub fn builder() -> ClientBuilder<Self> {
        ClientBuilder::new()
    }

    /// Starts a machine that is stopped or deallocated, and waits until it is seen running, for at most `limit`.
    ///
    /// It looks first: a machine that runs is left alone, and one that is starting is waited for. An order that fails
    /// is given again. So is every call that is denied, throttled or unanswered, until the limit is over: as with a
    /// recovery, a useless wait costs only time. Azure takes from seconds to minutes for a start, and longer for a
    /// deallocated machine.
    ///
    /// A role must allow `Microsoft.Compute/virtualMachines/read` and `.../start/action`, or the same of
    /// `Microsoft.Compute/virtualMachineScaleSets/virtualMachines`.
    ///
    /// # Errors
    /// `InvalidInput` if the id is not that of a virtual machine or an instance. `NotFound` if the machine does not
    /// exist. `Timeout` if it was not seen running within the limit; the cause is the last error, if there was one.
    ///
    /// # Cancel safety
    /// If its future is dropped, an order that was given continues, and no other one is given. You can call it again.
    pub async fn start(&self, resource_id: &str, limit: Duration) -> Result<StartOutcome> {
        let place = Place::of_resource(&ResourceId::parse(resource_id)?)?;
        let reach = Reach { azure: Arc::clone(&self.azure), place: Arc::new(place) };
        let clock = self.azure.clock.as_ref();
        let end = clock.monotonic().saturating_add(limit);
        let left = || end.saturating_sub(clock.monotonic());
        let late = "Azure did not answer in time about a machine";
        let (mut pause, mut was_down, mut last) = (FIRST_PAUSE, false, None);
        loop {
            let looked = within(clock, left().max(LAST_LOOK), late, reach.find()).await.flatten();
            let done = match looked {
                Ok(machine) if runs(&machine) => {
                    self.azure.starts.forget(&reach.place);
                    return Ok(if was_down { StartOutcome::Started } else { StartOutcome::AlreadyRunning });
                }
                Ok(machine) => {
                    was_down = true;
                    within(clock, left().max(LAST_LOOK), late, order(&reach, &machine)).await.flatten()
                }
                Err(error) => Err(error),
            };
            match done {
                Err(error) if is_final(&error) => return Err(error),
                Err(error) => last = Some(error),
                Ok(()) => {}
            }
            if left().is_zero() {
                return Err(not_seen(&reach, limit, last));
            }
            clock.sleep(pause.min(left())).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

impl ClientBuilder<Machines> {
    /// Checks the settings. This makes no call; credentials are first requested by the first look.
    ///
    /// # Errors
    /// `InvalidInput` for an invalid endpoint, and for invalid credentials.
    pub fn build(self) -> Result<Machines> {
        let (arm, clock) = self.open()?;
        Ok(Machines { azure: Arc::new(Azure::new(arm, clock)?) })
    }
}

fn runs(machine: &Machine) -> bool {
    machine.view.power == Some(Power::Running) && !machine.is_changing()
}

/// Orders a start, unless one is in progress.
async fn order(reach: &Reach, machine: &Machine) -> Result<()> {
    if !needs_start(reach, machine).await? {
        return Ok(());
    }
    let arm = &reach.azure.arm;
    let ordered = async {
        let accepted = reach.azure.compute.order(&reach.place, Order::Start).await?;
        let progress = arm.follow(accepted.clone(), Wanted::End, arm.after(FOLLOWED_FOR)).await?;
        Ok((accepted, progress))
    };
    let (accepted, progress) = ordered.await.map_err(|error: Error| reach.named(error))?;
    keep_start(reach, accepted, &progress);
    Ok(())
}

/// Whether no later look can have another outcome.
fn is_final(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidInput | ErrorKind::Unsupported)
}

fn not_seen(reach: &Reach, limit: Duration, last: Option<Error>) -> Error {
    let what =
        "the machine was not seen running in time: look at its state, and start it by hand if it is down";
    let error = reach
        .named(Error::new(ErrorKind::Timeout, what))
        .with("limit", format_args!("{limit:?}"))
        .with("by_hand", reach.place.command_to_start());
    match last {
        Some(last) => error.caused_by(last),
        None => error,
    }
}
