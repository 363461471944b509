use std::time::Duration;

use chaos_core::Outcome;
use chaos_events::{CpuBurn, EndCpuBurn};
use chaos_testkit::{Subject, Timing, contract};

use crate::machine::{Machine, Tools, marked};

fn burn(percent: f64, duration: Duration) -> CpuBurn {
    CpuBurn::load(percent).unwrap().cores(1).unwrap().lasting(duration).unwrap()
}

#[tokio::test]
async fn it_burns_as_much_as_was_asked_for_and_says_how_much() {
    for tools in Tools::all() {
        let machine = Machine::with(tools);
        let report =
            machine.monkey().inject(burn(30.0, Duration::from_secs(3)), &machine.id()).await.unwrap();
        assert_eq!(report.outcome(), Outcome::Completed, "{report}");
        let fault = &report.faults[0];
        assert_eq!(fault.requested.get("load_percent"), Some(30.0));
        let achieved = fault.achieved.get("load_percent").unwrap();
        assert!((20.0..=40.0).contains(&achieved), "{achieved} %");
        assert_eq!(fault.achieved.get("cores"), Some(1.0));
        assert_eq!(marked(&fault.id.to_string()), [0; 0]);
        assert_eq!(fault.note, None);
    }
}

#[tokio::test]
async fn its_recovery_keeps_the_contract() {
    for tools in Tools::all() {
        let machine = Machine::with(tools);
        let fresh = async || Ok(Subject::new(machine.clone(), machine.id()));
        let burn = burn(20.0, Duration::from_secs(60));
        contract::recovery::check::<EndCpuBurn>(&Timing::default(), burn, fresh).await.assert_kept();
    }
}

#[tokio::test]
async fn it_keeps_the_contract() {
    let machine = Machine::with(Tools::of_debian());
    let fresh = async || Ok(Subject::new(machine.clone(), machine.id()));
    let burn = burn(20.0, Duration::from_millis(500));
    contract::event::check(&Timing::default(), burn, chaos_events::registry(), fresh).await.assert_kept();
}
