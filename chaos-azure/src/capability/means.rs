use std::sync::Arc;

use crate::{
    client::azure::Azure,
    model::{
        modes::{RebootMode, StopMode},
        own_machine::OwnMachine,
    },
};

/// The shared parts of every target of a provider.
#[derive(Clone, Debug)]
pub(crate) struct Means {
    pub(crate) azure: Arc<Azure>,
    pub(crate) stop: StopMode,
    pub(crate) reboot: RebootMode,
    pub(crate) has_shell: bool,
    pub(crate) has_engine: bool,
    /// Whether a machine can be terminated, as in a scale set.
    pub(crate) may_terminate: bool,
    /// The unique id of the machine on which this program runs, unless it may be a target too.
    pub(crate) own_machine: Option<OwnMachine>,
}
