//! A program with a provider of its own: this file is the provider, and one line registers it.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{Arc, Mutex},
};

use chaos_cli::{
    catalogue::{Catalogue, catalogue},
    chaos::{ChaosArguments, chaos},
    program::Status,
};
use chaos_core::{
    Error, ErrorKind, GroupId, Journal, Provider, Result, async_trait,
    catalogue::{Arguments, Naming, OpenProvider, Opened, Parameter, ProviderSpec},
    fault::{FaultRecord, FaultState, Magnitude},
    journal::{FaultQuery, Limits},
    provider::GroupFilter,
    recovery::RecoveryRecord,
    testing::MemoryProvider,
};
use chaos_journal::SqlJournal;
use jiff::Timestamp;
use serde_json::{Map, json};

use crate::support::text;

/// The one line that registers the provider.
fn mine(street: &Street) -> Catalogue {
    catalogue().with_provider(street.clone())
}

/// The groups, and the identity.
type Recovery = (BTreeSet<GroupId>, Option<String>);

/// Lamps in a street, all of them in memory.
#[derive(Clone, Debug, Default)]
struct Street {
    /// The groups to recover, and the identity, each time that the provider was opened for a journal.
    opened_for: Arc<Mutex<Vec<Recovery>>>,
    /// Whether it cannot be opened for a journal.
    is_closed: bool,
}

#[async_trait]
impl OpenProvider for Street {
    fn spec(&self) -> ProviderSpec {
        ProviderSpec::new("street", ["memory"], "Lamps of a street")
            .with(Parameter::count("lamps", 1..=9, "how many there are").required())
            .with_identity(Parameter::text("profile", "as this warden").value_name("NAME"))
    }

    async fn open(&self, settings: &Arguments) -> Result<Opened> {
        let lamps = settings.count("lamps")?.unwrap_or_default();
        let lamps: Arc<dyn Provider> = Arc::new(MemoryProvider::default().with_group("lamps", lamps)?);
        Ok(Opened::all([lamps]).only(GroupFilter::all().name("memory:lamps")))
    }

    async fn open_for(
        &self,
        groups: &BTreeSet<GroupId>,
        settings: &Arguments,
    ) -> Result<Vec<Arc<dyn Provider>>> {
        if self.is_closed {
            return Err(Error::new(ErrorKind::Denied, "the wardens are asleep"));
        }
        let warden = settings.text("profile")?.map(str::to_owned);
        self.opened_for.lock().unwrap().push((groups.clone(), warden));
        Ok(vec![Arc::new(MemoryProvider::default().with_group("lamps", 5)?)])
    }
}

async fn run(street: &Street, words: &[&str]) -> Status {
    let mine = mine(street);
    let words = ["chaos"].iter().chain(words).copied();
    chaos(ChaosArguments::try_parse_from(&mine, words).unwrap(), &mine).await.unwrap()
}

/// Adds a pending fault to a journal.
async fn leave_a_lamp_off(path: &Path) {
    let journal = SqlJournal::open(path).await.unwrap();
    let recovery = RecoveryRecord::new(
        "chaos-events/start-again/1",
        json!({ "replaced": false, "healthy": 5, "from_the_beginning": false }),
    );
    let at = Timestamp::UNIX_EPOCH;
    let target = "memory:lamps/machine-0".parse().unwrap();
    let id = "00000000000000ff".parse().unwrap();
    let fault = FaultRecord::armed(id, 1, target, "stop", recovery, Magnitude::default(), at, at);
    drop(journal.arm(&fault, &Limits::none()).await.unwrap());
    journal.close().await.unwrap();
}

async fn faults(journal: &Path) -> Vec<FaultRecord> {
    let journal = SqlJournal::open_existing(journal).await.unwrap();
    let faults = journal.find(&FaultQuery::all()).await.unwrap().faults;
    journal.close().await.unwrap();
    faults
}

#[tokio::test]
async fn a_provider_of_ones_own_is_opened_by_its_name() {
    let directory = tempfile::tempdir().unwrap();
    let journal = directory.path().join("own.journal");
    let street = Street::default();
    let drill = ["drill", "--provider", "street", "--lamps", "4", "--journal", text(&journal), "--yes"];
    let stop = ["--event", "stop", "--duration", "300ms"];
    assert_ne!(run(&street, &[&drill[..], &stop].concat()).await, Status::NotRecovered);
    let faults = faults(&journal).await;
    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert_eq!(
        (faults[0].group.to_string().as_str(), faults[0].state),
        ("memory:lamps", FaultState::Recovered)
    );

    // The same from data.
    let settings = Map::from_iter([("lamps".to_owned(), json!("3"))]);
    let providers = mine(&street).providers;
    let settings = providers.read("street", &settings, Naming::Fields).unwrap();
    let opened = providers.open("street", &settings, Naming::Fields).await.unwrap();
    let group = opened.providers[0].group(&"memory:lamps".parse().unwrap()).await.unwrap();
    assert_eq!(group.desired, 3);
}

#[tokio::test]
async fn a_provider_of_ones_own_is_in_the_help_and_its_nonsense_is_refused() {
    let street = Street::default();
    let parsed = |words: &[&str]| {
        let words = ["chaos", "drill"].iter().chain(words).copied();
        ChaosArguments::try_parse_from(&mine(&street), words)
    };
    let help = parsed(&["--help"]).unwrap_err().to_string();
    for expected in
        ["- street: Lamps of a street", "Lamps of a street, with --provider street:", "How many there are"]
    {
        assert!(help.contains(expected), "{expected:?} is not in:\n{help}");
    }
    for (words, expected) in [
        (&["--provider", "street", "--lamps", "10"][..], "invalid --lamps: 10; expected from 1 to 9"),
        (&["--lamps", "3"], "invalid --lamps: 3; expected none with --provider local"),
        (
            &["--provider", "street", "--attach", "/tmp"],
            "invalid --attach: /tmp; expected none with --provider street",
        ),
    ] {
        let error = chaos(parsed(words).unwrap(), &mine(&street)).await.unwrap_err();
        assert_eq!(error.status(), Status::BadArguments);
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[tokio::test]
async fn a_provider_is_opened_for_the_groups_in_a_journal_and_for_no_others() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("left.journal");
    leave_a_lamp_off(&path).await;

    let street = Street::default();
    let recover = ["recover", "--journal", text(&path)];
    assert_eq!(run(&street, &[&recover[..], &["--profile", "ann"]].concat()).await, Status::Done);
    let lamps = BTreeSet::from(["memory:lamps".parse().unwrap()]);
    assert_eq!(*street.opened_for.lock().unwrap(), [(lamps, Some("ann".to_owned()))]);
    assert_eq!(faults(&path).await[0].state, FaultState::Recovered);

    // Nothing is pending now.
    assert_eq!(run(&street, &recover).await, Status::Done);
    assert_eq!(street.opened_for.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_provider_that_cannot_be_opened_keeps_no_fault_of_another_from_being_recovered() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mixed.journal");
    // A stop on this machine is pending in it.
    std::fs::write(&path, include_bytes!("journals/version-3.journal")).unwrap();
    leave_a_lamp_off(&path).await;
    let states = async || {
        let pending = faults(&path).await.into_iter().filter(|fault| fault.state.is_pending());
        pending.map(|fault| fault.group.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(states().await, ["memory:lamps", "local:drill"]);

    let street = Street { is_closed: true, ..Street::default() };
    let recover = ["recover", "--journal", text(&path)];
    assert_eq!(run(&street, &recover).await, Status::NotRecovered);
    assert_eq!(states().await, ["memory:lamps"]);

    // Now there is nothing else to recover.
    let words = ["chaos"].iter().chain(&recover).copied();
    let mine = mine(&street);
    let error = chaos(ChaosArguments::try_parse_from(&mine, words).unwrap(), &mine).await.unwrap_err();
    assert!(error.to_string().contains("the wardens are asleep"), "{error}");
}
