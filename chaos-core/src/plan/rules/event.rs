use crate::{capability::CapabilitySet, event::ChaosEvent, group::Group, plan::Reason};

/// An event must suit the group. The error is the reason why it does not, with the name of the event.
pub(crate) fn suits(event: &dyn ChaosEvent, group: &Group) -> Result<(), String> {
    event.suits(group).map_err(|why| format!("{}: {why}", event.name()))
}

/// A target must offer what an event requires.
pub(crate) fn offers(offered: CapabilitySet, requires: CapabilitySet) -> Result<(), Reason> {
    let missing = requires.missing_from(offered);
    if missing.is_empty() { Ok(()) } else { Err(Reason::LacksCapability { missing }) }
}
