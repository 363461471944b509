//! The known data of sets and their machines, without the SDK's models.

use chaos_core::group::Labels;

use crate::model::{machine::Machine, resource_id::ResourceId, set_path::SetPath};

/// An availability set, as it is listed.
#[derive(Clone, Debug)]
pub(crate) struct AvailabilitySet {
    pub(crate) path: SetPath,
    pub(crate) tags: Labels,
    /// What the answer should hold and does not.
    pub(crate) doubt: Option<String>,
}

/// An availability set, as it tells of itself.
#[derive(Clone, Debug)]
pub(crate) struct FoundSet {
    pub(crate) set: AvailabilitySet,
    /// The names of its machines, where it tells them.
    pub(crate) machines: Option<Vec<String>>,
}

/// What a listing of sets holds.
#[derive(Clone, Debug)]
pub(crate) enum Listed<T> {
    Read(T),
    /// A set whose id cannot be used.
    Unreadable(String),
}

/// What a listing of machines holds, as far as it is about availability sets.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    Machine(Box<Machine>),
    /// One of this set of which what must be known is not.
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
    /// How many instances it is to have.
    pub(crate) capacity: usize,
    pub(crate) is_being_deleted: bool,
    /// Whether its instances are spot ones.
    pub(crate) is_spot: bool,
    /// Whether automatic repairs replace an unhealthy instance.
    pub(crate) replaces_the_unwell: bool,
    /// What the answer should hold and does not.
    pub(crate) doubt: Option<String>,
}

/// Who manages the machines of a scale set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Orchestration {
    /// The scale set: they exist below it.
    Uniform,
    /// They are virtual machines of their own, which name the scale set.
    Flexible,
}
