/// The beginning of every program of a host fault.
const COMMON: &str = concat!(
    include_str!("common.sh"),
    include_str!("clock.sh"),
    include_str!("vantage.sh"),
    include_str!("processes.sh")
);

/// The script of one kind of host fault.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HostScript {
    /// The name of the event, for errors.
    pub(crate) event: &'static str,
    /// The part after the common beginning.
    pub(crate) program: &'static str,
}

impl HostScript {
    /// The complete program for a target.
    pub(super) fn whole(&self) -> String {
        [COMMON, self.program].concat()
    }
}
