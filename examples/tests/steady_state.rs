//! A hypothesis about real processes, looked at by a customer and by a front page: one that holds, one that is wrong,
//! and one about a system that is not well before.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use chaos_core::{
    Journal, MemoryJournal, Monkey, Outcome, Provider, RunReport, SteadyState,
    fault::{CutShort, FaultState},
    journal::FaultQuery,
    plan::Reason,
    probe,
    steady_state::{Phase, SteadyStateVerdict},
};
use chaos_events::Stop;
use chaos_local::{Fleet, HealthCheck};
use chaos_probes::Http;

use crate::hypothesis::Customers;

const REPLICAS: usize = 3;

/// A front page of the service: 200 if a replica answers it, otherwise 503.
struct Front {
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
    serving: Option<JoinHandle<()>>,
}

impl Front {
    fn over(customers: Customers) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, is_over) = (listener.local_addr().unwrap(), Arc::new(AtomicBool::new(false)));
        let over = Arc::clone(&is_over);
        let serving = std::thread::spawn(move || {
            for connection in listener.incoming() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let customers = customers.clone();
                std::thread::spawn(move || serve(&mut connection.unwrap(), &customers));
            }
        });
        Self { address, is_over, serving: Some(serving) }
    }

    fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // Wakes it up.
        let _ = TcpStream::connect(self.address);
        let _ = self.serving.take().map(JoinHandle::join);
    }
}

/// A client that goes away meanwhile is no problem of the service.
fn serve(connection: &mut TcpStream, customers: &Customers) {
    let _ = connection.read(&mut [0; 4096]);
    let status = if customers.is_next_served() { "200 OK" } else { "503 Service Unavailable" };
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    let _ = connection.write_all(answer.as_bytes());
}

/// Three replicas, and a monkey that stops one of them for some seconds while both probes look.
struct Trial {
    fleet: Fleet,
    journal: MemoryJournal,
}

impl Trial {
    async fn begin() -> Self {
        let fleet = Fleet::of(env!("CARGO_BIN_EXE_example_service"))
            .arg("{port}")
            .health(HealthCheck::http("/"))
            .replicas(REPLICAS)
            .start()
            .await
            .unwrap();
        Self { fleet, journal: MemoryJournal::new() }
    }

    async fn run(&self, hold: u64, front: &Front, customers: Customers) -> RunReport {
        let page = Http::get(front.url()).answering_within(Duration::from_secs(4));
        let steady = SteadyState::new("If one replica hangs, then every customer is served")
            .probe("home page", page, 200)
            .probe("a customer buys", probe("the shop", move || customers.clone().buy()), true)
            .every(Duration::from_millis(200));
        let monkey = Monkey::builder()
            .provider(self.fleet.clone())
            .event(Stop::lasting(Duration::from_secs(hold)).unwrap())
            .steady_state(steady)
            .unleash(self.journal.clone(), chaos_events::registry())
            .build()
            .unwrap();
        monkey.run_once().await.unwrap()
    }

    /// Every replica is back, and nothing is left.
    async fn end(self) {
        let group = self.fleet.group(self.fleet.id()).await.unwrap();
        assert_eq!(group.healthy(), REPLICAS, "{group:?}");
        assert_eq!(self.journal.pending().await.unwrap().faults, []);
        self.fleet.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_hypothesis_that_holds_for_customers_who_try_another_replica() {
    let trial = Trial::begin().await;
    let customers = Customers::of(trial.fleet.endpoints()).asking(REPLICAS);
    let report = trial.run(4, &Front::over(customers.clone()), customers).await;
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    let steady = report.steady_state.as_ref().unwrap();
    for probe in &steady.probes {
        assert!(probe.during.met > 0 && probe.during.looks() == probe.during.met, "{report}");
    }
    trial.end().await;
}

#[tokio::test]
async fn a_hypothesis_that_is_wrong_for_customers_who_do_not() {
    const HOLD: u64 = 10;
    let trial = Trial::begin().await;
    let customers = Customers::of(trial.fleet.endpoints());
    let report = trial.run(HOLD, &Front::over(customers.clone()), customers).await;
    assert_eq!(report.outcome(), Outcome::Deviated, "{report}");
    let fault = &report.faults[0];
    assert_eq!(
        (fault.state, fault.cut_short),
        (FaultState::Recovered, Some(CutShort::NotSteady)),
        "{report}"
    );
    let steady = report.steady_state.as_ref().unwrap();
    let cut = steady.cut_short.unwrap();
    assert!(cut.after < cut.of && cut.of.as_secs() == HOLD, "{report}");

    // Either probe may be the first to meet the replica that hangs.
    let violations =
        steady.probes.iter().filter_map(|probe| Some((&probe.name, probe.first_violation.as_ref()?)));
    let (name, violation) = violations.min_by_key(|(_, violation)| violation.at).unwrap();
    assert_eq!(violation.phase, Phase::During);
    let expected = match name.as_str() {
        "home page" => "503, expected 200",
        _ => "false, expected true",
    };
    assert_eq!(violation.why, expected, "{report}");
    let seconds = |time: Option<Duration>| time.unwrap().as_secs_f64();
    let (first, again) = (seconds(steady.time_to_deviate()), seconds(steady.time_to_settle()));
    let said = report.to_string();
    for part in [
        format!("{name}: {expected}, first {first:.1} s after the injection"),
        format!(
            "; cut short after {:.1} s of {HOLD}; steady again {again:.1} s after the",
            cut.after.as_secs_f64()
        ),
    ] {
        assert!(said.contains(&part), "{part:?} is not in: {said}");
    }
    trial.end().await;
}

#[tokio::test]
async fn a_system_that_is_not_well_before_is_left_alone() {
    let trial = Trial::begin().await;
    let customers = Customers::of(trial.fleet.endpoints()).asking(REPLICAS);
    // It leads to a port at which nothing listens any more.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let report = trial.run(4, &Front::over(Customers::of(vec![closed])), customers).await;
    assert_eq!(report.outcome(), Outcome::Skipped, "{report}");
    assert_eq!(report.plan.refused, Some(Reason::not_steady("home page", "503, expected 200")), "{report}");
    assert_eq!(report.steady_state.unwrap().verdict, SteadyStateVerdict::NotTested);
    assert_eq!(trial.journal.find(&FaultQuery::all()).await.unwrap().faults, [], "something was armed");
    trial.end().await;
}
