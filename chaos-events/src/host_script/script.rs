/// What every program of a host fault begins with.
const COMMON: &str = concat!(
    include_str!("common.sh"),
    include_str!("clock.sh"),
    include_str!("vantage.sh"),
    include_str!("processes.sh")
);

/// The script of one kind of host fault.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HostScript {
    /// For errors: the name of the event.
    pub(crate) event: &'static str,
    /// What comes after what all of them share.
    pub(crate) program: &'static str,
}

impl HostScript {
    /// All that runs on a target.
    pub(super) fn whole(&self) -> String {
        [COMMON, self.program].concat()
    }
}
