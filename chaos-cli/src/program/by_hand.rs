use chaos_core::{fault::FaultRecord, text::escaped};

use crate::catalogue::Catalogue;

/// Instructions for a person to bring the target of a fault back without any program, from the recovery in the journal.
/// An error says that `recover` cannot do it, and which program can.
pub fn by_hand(fault: &FaultRecord, catalogue: &Catalogue) -> Result<String, String> {
    const ASK: &str = "Run the program that injected it, over this journal:";
    let Ok(recovery) = catalogue.events.registry().read(&fault.recovery) else {
        let kind = escaped(&fault.recovery.kind);
        return Err(format!("{ASK} this program does not know the recovery {kind}."));
    };
    let words = recovery.by_hand(&fault.target, fault.id);
    match fault.target.scheme() {
        scheme if catalogue.reaches(scheme) => Ok(words),
        scheme => Err(format!(
            "{ASK} this program does not know targets of {}. Without that program: {words}",
            escaped(scheme)
        )),
    }
}

#[cfg(test)]
mod tests {
    use chaos_core::{fault::Magnitude, recovery::RecoveryRecord};
    use jiff::Timestamp;

    use super::*;

    fn told(target: &str, kind: &str) -> Result<String, String> {
        let payload = serde_json::json!({ "replaced": false, "healthy": 5, "from_the_beginning": false });
        let at = Timestamp::UNIX_EPOCH;
        let fault = FaultRecord::armed(
            "00000000000000ff".parse().unwrap(),
            1,
            target.parse().unwrap(),
            "stop",
            RecoveryRecord::new(kind, payload),
            Magnitude::default(),
            at,
            at,
        );
        by_hand(&fault, &crate::catalogue::catalogue())
    }

    #[test]
    fn who_cannot_be_reached_by_recover_is_sent_to_the_program_that_can() {
        let start_again = "chaos-events/start-again/1";
        assert!(
            told("local:web/replica-1", start_again).unwrap().starts_with("Start local:web/replica-1 again")
        );
        let lamp = told("lamp:hall/ceiling", start_again).unwrap_err();
        assert!(
            lamp.contains("does not know targets of lamp") && lamp.contains("Start lamp:hall/ceiling"),
            "{lamp}"
        );
        let foreign = told("local:web/replica-1", "my-company/light/1").unwrap_err();
        assert!(foreign.contains("does not know the recovery my-company/light/1"), "{foreign}");
    }
}
