use chaos_core::{FaultRecord, escaped};

/// How a person brings the target of a fault back without any program, in the words of the recovery that the journal holds. An error
/// says who could tell.
pub fn by_hand(fault: &FaultRecord) -> Result<String, String> {
    match chaos_events::registry().read(&fault.recovery) {
        Ok(recovery) => Ok(recovery.by_hand(&fault.target, fault.id)),
        // An event of somebody else's.
        Err(_) => Err(format!(
            "Run the program that injected it, over this journal: what undoes it is {}, which is not known here.",
            escaped(&fault.recovery.kind)
        )),
    }
}
