//! A service with a schedule, killed with -9 at random instants around its due and started again: the due is carried
//! out once, and what was held is recovered before anything else.

use std::{fs, time::Duration};

use chaos_core::{
    clock::{Clock, SystemClock},
    fault::FaultState,
};
use jiff::{SignedDuration, Timestamp};
use rustix::process::Signal;

use crate::support::{CHAOS, FleetProgram, HISTORY, RECOVER, SplitMix, Watched, command, pending, run, text};

/// How long the day is open, for one due at a random instant of it.
const OPEN: SignedDuration = SignedDuration::from_secs(8);
/// The hold and the budget, which must end before it closes.
const TAKES: SignedDuration = SignedDuration::from_secs(4);
/// The kills of a round.
const KILLS: u64 = 3;

fn file(fleet: &FleetProgram, seed: u64, opens: Timestamp) -> String {
    let closes = opens + OPEN + TAKES;
    let days = |at: Timestamp, by: i64| (at + SignedDuration::from_hours(24 * by)).to_string();
    format!(
        r#"
            mode = "unleashed"
            journal = "monkey.journal"
            seed = {seed}
            recovery-budget = "2s"
            [calendar]
            zone = "UTC"
            hours = "00:00-24:00"
            days = "mon-sun"
            blackouts = ["{}..{opens}", "{closes}..{}"]
            [schedule]
            mean = 1
            retry-every = "1s"
            [[providers]]
            type = "local"
            attach = "{}"
            [[events]]
            type = "stop"
            duration = "1s"
        "#,
        days(opens, -3),
        days(closes, 3),
        text(&fleet.state()),
    )
}

#[tokio::test]
async fn a_due_is_carried_out_once_whenever_its_service_is_killed() {
    let mut draw = SplitMix::drawn();
    let rounds = if std::env::var_os("CHAOS_LONG").is_some() { 34 } else { 2 };
    let clock = SystemClock::default();
    for round in 0..rounds {
        let fleet = FleetProgram::start(3).await;
        let opens = clock.now() + SignedDuration::from_secs(2);
        // A day that ends within the round has two dues.
        let origin = format!("round {round} of {}", draw.origin());
        fs::write(fleet.place("monkey.toml"), file(&fleet, draw.next() >> 12, opens)).unwrap();
        for _ in 0..KILLS {
            let service = command(CHAOS, ["monkey", "--config", text(&fleet.place("monkey.toml"))]);
            let service = Watched::of(service);
            let span = (OPEN + TAKES).unsigned_abs() / 3;
            clock.sleep(span.mul_f64(draw.next_unit())).await;
            service.signal(Signal::KILL);
            assert!(service.end().await.was_killed(), "{origin}");
        }
        let service = Watched::of(command(CHAOS, ["monkey", "--config", text(&fleet.place("monkey.toml"))]));
        let closes = opens + OPEN + TAKES + SignedDuration::from_secs(4);
        clock.sleep(Duration::try_from(closes.duration_since(clock.now())).unwrap_or_default()).await;
        service.signal(Signal::TERM);
        service.end().await.with_code(0);

        let journal = fleet.place("monkey.journal");
        run(RECOVER, ["--journal", text(&journal)]).await.with_code(0);
        assert!(pending(&journal).await.is_empty(), "{origin}");
        assert_eq!(fleet.stopped(), [0_u64; 0], "{origin}");
        let faults = run(HISTORY, ["--journal", text(&journal), "--json"]).await.with_code(0).json();
        let faults = faults["faults"].as_array().unwrap().clone();
        assert!(faults.len() <= 1, "{origin}: {faults:#?}");
        let recovered = serde_json::to_value(FaultState::Recovered).unwrap();
        assert!(faults.iter().all(|fault| fault["state"] == recovered), "{origin}: {faults:#?}");
        let dues = run(HISTORY, ["--journal", text(&journal), "--dues", "--json"]).await.with_code(0).json();
        let dues = dues["dues"].as_array().unwrap().clone();
        assert_eq!(dues.len(), 1, "{origin}: {dues:#?}");
        // What was killed while it injected may have been injected.
        // If the whole rest of the window was too short to carry it out, it is still open, and will be missed.
        let state = dues[0]["state"].as_str().unwrap();
        assert!(["carried-out", "open"].contains(&state), "{origin}: {dues:#?}");
        assert_eq!(
            state == "carried-out",
            faults.iter().any(|fault| !fault["injecting_at"].is_null()),
            "{origin}"
        );
    }
}
