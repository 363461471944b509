use std::time::Duration;

use jiff::Timestamp;

use crate::{
    error::{ErrorKind, Failure},
    steady_state::{
        CutHold, Doubted, Judged, Phase, PhaseReport, Point, ProbeReport, SteadyStateReport,
        SteadyStateVerdict, Violation,
    },
};

/// The findings of a run that injected its fault at second 1 and had its target back at second 66. `at` tells the time
/// of a second.
pub(super) fn steady_state(verdict: SteadyStateVerdict, at: fn(i64) -> Timestamp) -> SteadyStateReport {
    let violation = Violation {
        phase: Phase::During,
        at: at(13),
        value: Some("503".to_owned()),
        why: "503, expected 200".to_owned(),
    };
    let doubt = Doubted {
        phase: Phase::During,
        at: at(13),
        failure: Failure::new(ErrorKind::Unavailable, "the proxy is down"),
    };
    let (reasons, first_violation, first_doubt, (violated, unknown), judged) = match verdict {
        SteadyStateVerdict::Deviated => {
            let reason = format!("home page: {}, first 12.0 s after the injection", violation.why);
            (vec![reason], Some(violation), None, (1, 0), Judged::Violated)
        }
        SteadyStateVerdict::Inconclusive => {
            let reason = format!("home page: nobody could look: {}", doubt.failure);
            (vec![reason], None, Some(doubt), (0, 1), Judged::Unknown)
        }
        SteadyStateVerdict::Held | SteadyStateVerdict::NotTested => {
            (Vec::new(), None, None, (0, 0), Judged::Met)
        }
    };
    let looks = |met, violated, unknown| PhaseReport::counted(met, violated, unknown);
    let probe = ProbeReport {
        name: "home page".to_owned(),
        looks_at: "GET http://127.0.0.1:8080/".to_owned(),
        tolerated: "200".to_owned(),
        before: looks(2, 0, 0),
        during: looks(12, violated, unknown),
        after: looks(1, 0, 0),
        first_violation,
        first_doubt,
        told_after: None,
        series: vec![
            Point::new(0.0, Judged::Met, Some(200.0)),
            Point::new(13.0, judged, (judged == Judged::Violated).then_some(503.0)),
            Point::new(67.0, Judged::Met, Some(200.0)),
        ],
    };
    SteadyStateReport {
        hypothesis: "If one machine is off, then every customer is served".to_owned(),
        verdict,
        reasons,
        injected_at: Some(at(1)),
        recovered_at: Some(at(66)),
        unsteady_since: (verdict == SteadyStateVerdict::Deviated).then(|| at(13)),
        steady_again_at: Some(at(67)),
        cut_short: matches!(verdict, SteadyStateVerdict::Deviated | SteadyStateVerdict::Inconclusive)
            .then_some(CutHold { after: Duration::from_secs(12), of: Duration::from_secs(60) }),
        probes: vec![probe],
    }
}
