//! What faults leave on a machine, measured past the library.

use std::fs;

use chaos_core::FaultRecord;

/// Where faults are injected, and how it was before the first.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// This machine as it is.
    Machine,
}

/// What is left. Empty when nothing is.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Traces {
    /// Those that bear the mark of a fault.
    pub(crate) processes: Vec<u32>,
    /// Files without a name that somebody still holds open.
    pub(crate) deleted_files: Vec<String>,
}

impl Traces {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Place {
    /// Everything that this thread starts from now on is in this place.
    pub(crate) fn enter(&self) {
        match self {
            Self::Machine => {}
        }
    }

    pub(crate) fn traces(&self, faults: &[FaultRecord]) -> Traces {
        let (mut processes, mut deleted_files) = (Vec::new(), Vec::new());
        for fault in faults {
            processes.extend(marked(fault));
            deleted_files.extend(deleted_files_of(fault));
        }
        Traces { processes, deleted_files }
    }

    /// Whether this one fault is held.
    pub(crate) fn is_held(&self, fault: &FaultRecord) -> bool {
        !marked(fault).is_empty()
    }
}

fn processes() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok())
}

fn marked(fault: &FaultRecord) -> Vec<u32> {
    let mark = format!("CHAOS_FAULT={}", fault.id);
    let is_marked = |pid: &u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
    };
    processes().filter(is_marked).collect()
}

fn deleted_files_of(fault: &FaultRecord) -> Vec<String> {
    let descriptors =
        processes().flat_map(|pid| fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten());
    let targets = descriptors.filter_map(|descriptor| fs::read_link(descriptor.ok()?.path()).ok());
    let name = fault.id.to_string();
    let paths = targets.map(|target| target.to_string_lossy().into_owned());
    paths.filter(|path| path.contains(&name) && path.ends_with(" (deleted)")).collect()
}
