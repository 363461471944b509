//! Events that happen by themselves, some time later.

/// An event in the future. Resources are named by their keys.
#[derive(Debug)]
pub(crate) enum Timer {
    /// A new instance has booted.
    Boot { machine: String },
    /// Automatic instance repairs replace a machine that still does not run.
    Repair { machine: String },
    /// An autoscale setting adds the missing instances of a scale set.
    Autoscale { scale_set: String },
    /// An execution of an experiment proceeds to its next state.
    Execution { experiment: String, execution: String },
}
