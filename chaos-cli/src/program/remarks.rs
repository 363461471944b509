use chaos_core::{error::Failure, fault::FaultRecord};

/// All special facts about a fault besides its state, with this failure.
pub fn remarks(fault: &FaultRecord, failure: Option<&Failure>) -> Vec<String> {
    let cut_short = fault.cut_short.map(|why| format!("cut short: {why}"));
    let no_effect = fault.no_effect.as_ref().map(|why| format!("no effect: {why}"));
    let late = fault.late_by().map(|late| format!("its recovery began {late:.1?} after the deadline"));
    let failure = failure.map(|failure| failure.message.clone());
    [cut_short, no_effect, late, failure, fault.note.clone()].into_iter().flatten().collect()
}
