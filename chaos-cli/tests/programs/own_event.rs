//! A program with an event of its own: this file is the event, and one line registers it.

use std::sync::Arc;

use chaos_cli::{
    catalogue::{Catalogue, catalogue},
    chaos::{ChaosArguments, chaos},
    program::Status,
};
use chaos_core::{
    Capability, CapabilitySet, ChaosEvent, FaultId, Hold, Journal, Permit, Prepared, Recovery, Registry,
    Result, Scope, TargetId, Verdict, async_trait,
    catalogue::{Arguments, EventSpec, FromArguments, Parameter},
    fault::{FaultRecord, FaultState},
    journal::FaultQuery,
    recovery::RecoveryScope,
};
use chaos_events::StartAgain;
use chaos_journal::SqlJournal;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::support::{FleetProgram, text};

/// The one line that registers the event.
fn mine() -> Catalogue {
    catalogue().with_event::<Nap>()
}

/// Halts a target, and says how deeply it sleeps.
#[derive(Debug)]
struct Nap {
    depth: usize,
    hold: Hold,
}

impl FromArguments for Nap {
    fn spec() -> EventSpec {
        EventSpec::new("nap", "Let the target sleep for a while")
            .with(Parameter::count("depth", 1..=9, "how deeply").default("1"))
            .with(Parameter::hold())
    }

    fn from_arguments(given: &Arguments) -> Result<Self> {
        let hold = given.duration("duration")?.map_or(Ok(Hold::DEFAULT), Hold::lasting)?;
        Ok(Self { depth: given.count("depth")?.unwrap_or(1), hold })
    }

    fn recoveries() -> Registry {
        Registry::default().register::<WakeUp>()
    }
}

#[async_trait]
impl ChaosEvent for Nap {
    fn name(&self) -> &'static str {
        "nap"
    }

    fn requires(&self) -> CapabilitySet {
        CapabilitySet::of([Capability::Stop, Capability::Start])
    }

    fn hold(&self) -> Hold {
        self.hold
    }

    async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
        let lifecycle = scope.target().capabilities().lifecycle()?.clone();
        let recovery = WakeUp { again: StartAgain::of(scope.group()), depth: self.depth };
        let prepared =
            Prepared::new(recovery, |permit| Box::pin(async move { lifecycle.stop(permit).await }));
        Ok(prepared.requesting("depth", self.depth as f64))
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct WakeUp {
    again: StartAgain,
    depth: usize,
}

#[async_trait]
impl Recovery for WakeUp {
    const KIND: &'static str = "test/wake-up/1";

    async fn recover(&self, scope: &RecoveryScope, permit: &Permit) -> Result<()> {
        Recovery::recover(&self.again, scope, permit).await
    }

    async fn verify(&self, scope: &RecoveryScope) -> Result<Verdict> {
        self.again.verify(scope).await
    }

    fn by_hand(&self, target: &TargetId, fault: FaultId) -> String {
        self.again.by_hand(target, fault)
    }
}

/// Runs a program over this file's catalogue.
async fn run(words: &[&str]) -> Status {
    let mine = mine();
    let words = ["chaos"].iter().chain(words).copied();
    chaos(ChaosArguments::try_parse_from(&mine, words).unwrap(), &mine).await.unwrap()
}

#[tokio::test]
async fn an_event_of_ones_own_is_injected_by_its_name_and_from_json() {
    let fleet = FleetProgram::start(5).await;
    let (state, journal) = (fleet.state(), fleet.place("own.journal"));
    let drill = ["drill", "--attach", text(&state), "--journal", text(&journal), "--yes"];
    let by_name = ["--event", "nap", "--depth", "3", "--duration", "500ms"];
    let data = json!({ "name": "nap", "depth": 7, "duration": "500ms" }).to_string();
    for words in [&by_name[..], &["--event", &data]] {
        assert_ne!(run(&[&drill, words].concat()).await, Status::NotRecovered);
    }

    let journal = SqlJournal::open_existing(&journal).await.unwrap();
    let journal: Arc<dyn Journal> = Arc::new(journal);
    let mut faults: Vec<FaultRecord> = journal.find(&FaultQuery::all()).await.unwrap().faults;
    faults.sort_by_key(|fault| fault.armed_at);
    let seen: Vec<_> = faults
        .iter()
        .map(|fault| (fault.event.as_str(), fault.state, fault.recovery.kind.as_str()))
        .collect();
    assert_eq!(seen, [("nap", FaultState::Recovered, "test/wake-up/1"); 2]);
    assert_eq!([&faults[0].recovery.payload["depth"], &faults[1].recovery.payload["depth"]], [3, 7]);
    fleet.stop().await;
}

#[tokio::test]
async fn an_event_of_ones_own_is_in_the_help_and_its_nonsense_is_refused() {
    let parsed = |words: &[&str]| {
        let words = ["chaos", "drill"].iter().chain(words).copied();
        ChaosArguments::try_parse_from(&mine(), words)
    };
    let help = parsed(&["--help"]).unwrap_err().to_string();
    for expected in [
        "- nap:               Let the target sleep for a while",
        "nap: how deeply, from 1 to 9; 1 by default",
        "stop, cpu-burn, disk-fill, network-blackhole, nap: how long the fault is held",
    ] {
        assert!(help.contains(expected), "{help}");
    }
    let (_, events) = help.split_once("Event:\n").unwrap();
    let is_of_section = |line: &&str| line.is_empty() || line.starts_with(' ');
    let events = events.lines().take_while(is_of_section).collect::<Vec<_>>().join("\n");
    assert!(
        events.contains("--depth") && events.contains("--all-but"),
        "the heading is that of events: {help}"
    );
    let unknown = parsed(&["--event", "nap", "--width", "3"]).unwrap_err();
    assert_eq!(unknown.exit_code(), 2);
    let no_number = parsed(&["--event", "nap", "--depth", "deep"]).unwrap_err().to_string();
    assert!(no_number.contains("'deep'") && no_number.contains("expected a whole number"), "{no_number}");

    let mine = mine();
    let too_deep = parsed(&["--event", "nap", "--depth", "10"]).unwrap();
    let error = chaos(too_deep, &mine).await.unwrap_err();
    assert_eq!(error.status(), Status::BadArguments);
    assert!(error.to_string().contains("invalid --depth: 10; expected from 1 to 9"), "{error}");
}
