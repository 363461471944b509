//! What happens by itself, some time later.

/// Something that is to happen. Resources go by their keys.
#[derive(Debug)]
pub(crate) enum Timer {
    /// A new instance has booted.
    Boot { machine: String },
    /// Automatic instance repairs replace a machine that still does not run.
    Repair { machine: String },
    /// An autoscale setting adds what a scale set lacks.
    Autoscale { scale_set: String },
    /// An execution of an experiment goes on to what comes next.
    Execution { experiment: String, execution: String },
}
