//! The known data of sets and their machines, without the SDK's models.

use chaos_core::group::Labels;

use crate::model::{machine::Machine, resource_id::ResourceId, set_path::SetPath};

/// An availability set, as it is listed.
#[derive(Clone, Debug)]
pub(crate) struct AvailabilitySet {
    pub(crate) path: SetPath,
    pub(crate) tags: Labels,
    /// The required field that the answer lacks, if any.
    pub(crate) doubt: Option<String>,
}

/// An availability set, as described by itself.
#[derive(Clone, Debug)]
pub(crate) struct FoundSet {
    pub(crate) set: AvailabilitySet,
    /// The names of its machines, if the answer has them.
    pub(crate) machines: Option<Vec<String>>,
}

/// An entry in a listing of sets.
#[derive(Clone, Debug)]
pub(crate) enum Listed<T> {
    Read(T),
    /// A set whose id cannot be used.
    Unreadable(String),
}

/// An entry in a listing of machines, as far as it concerns availability sets.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    Machine(Box<Machine>),
    /// A machine of this set that lacks a required field.
    Unreadable {
        set: SetPath,
        why: String,
    },
    OfNone,
}

/// A scale set, as it is listed.
#[derive(Clone, Debug)]
pub(crate) struct ScaleSet {
    pub(crate) path: SetPath,
    pub(crate) id: ResourceId,
    pub(crate) tags: Labels,
    pub(crate) orchestration: Orchestration,
    /// The desired number of instances.
    pub(crate) capacity: usize,
    pub(crate) is_being_deleted: bool,
    /// Whether its instances are spot ones.
    pub(crate) is_spot: bool,
    /// Whether automatic repairs replace an unhealthy instance.
    pub(crate) replaces_the_unwell: bool,
    /// The required field that the answer lacks, if any.
    pub(crate) doubt: Option<String>,
}

/// The orchestration mode of a scale set, which manages its machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Orchestration {
    /// The machines exist below the scale set.
    Uniform,
    /// The machines are independent virtual machines that name the scale set.
    Flexible,
}
