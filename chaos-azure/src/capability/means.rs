use std::sync::Arc;

use crate::{
    client::azure::Azure,
    model::{
        modes::{RebootMode, StopMode},
        own_machine::OwnMachine,
    },
};

/// What every target of a provider is given.
#[derive(Clone, Debug)]
pub(crate) struct Means {
    pub(crate) azure: Arc<Azure>,
    pub(crate) stop: StopMode,
    pub(crate) reboot: RebootMode,
    pub(crate) has_shell: bool,
    pub(crate) has_experiments: bool,
    /// Whether a machine can be ended for good: one of a scale set, which has a number of them.
    pub(crate) may_terminate: bool,
    /// The unique id of the machine that this program runs on, unless it may be a target too.
    pub(crate) own_machine: Option<OwnMachine>,
}
