//! Hosts that want to be something else.

use std::time::Duration;

use chaos_core::{ErrorKind, MemoryJournal, Outcome, text::escaped};
use chaos_events::{Allowed, NetworkBlackhole};
use proptest::{
    prelude::{ProptestConfig, Strategy, any, prop, prop_oneof},
    test_runner::TestRunner,
};

use super::{all_tools, namespace::Network};
use crate::host_faults::{
    held::{Held, impatient},
    machine::{Machine, Tools, lacks_root},
};

const TRICKS: [&str; 14] = [
    "--help",
    "-f/etc/passwd",
    "$(touch CANARY)",
    "`touch CANARY`",
    "; touch CANARY;",
    "x\ntouch CANARY\n",
    "'",
    "\"",
    "} accept; ",
    "0.0.0.0/0 }",
    "a b",
    "10.0.0.1,10.0.0.2",
    "::1%$(touch CANARY)",
    "../../etc",
];

fn hosts() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        prop::sample::select(&TRICKS[..]).prop_map(str::to_owned),
        (prop::sample::select(&TRICKS[..]), "[a-z0-9.-]{0,20}")
            .prop_map(|(trick, rest)| format!("{rest}{trick}")),
        "[a-z-]{250,310}",
        "[a-zA-Z0-9.:/%-]{0,30}",
        r"(127|10)\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}(/[0-9]{1,3})?",
        "[a-z0-9]{1,5}(\\.[a-z0-9]{1,5}){0,3}\\.(invalid|test)",
    ]
}

#[test]
fn hostile_hosts_are_refused_by_name_or_harmless() {
    let mut runner =
        TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) });
    runner
        .run(&hosts(), |host| {
            match NetworkBlackhole::hosts([&host]) {
                // A name that passes this gate has no meaning to any shell, to nft, or to a command line.
                Ok(_) => {
                    assert!(
                        host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".:/-".contains(&byte)),
                        "{host:?}"
                    );
                    assert!(!host.starts_with('-') && host.len() <= 253, "{host:?}");
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::InvalidInput);
                    // Characters that are invisible or change the direction of writing are escaped in an error as well.
                    let shown = escaped(&format!("{host:?}")).to_string();
                    assert!(error.to_string().contains(&shown), "{error}");
                    assert!(Allowed::host(&host).is_err());
                }
            }
            Ok(())
        })
        .unwrap();
}

#[tokio::test]
async fn nothing_of_a_hostile_host_runs() {
    if lacks_root("nothing_of_a_hostile_host_runs") {
        return;
    }
    let network = Network::new();
    let _names = network.near.names("10.77.0.2 known.test\n");
    let machine = Machine::in_namespace(Tools::of_debian(), Some(network.near.name()));
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = TestRunner::new(config);
    let directory = tempfile::tempdir().unwrap();
    let canary = directory.path().join("canary");
    let mut injected = 0;
    while injected < 15 {
        let host = prop::strategy::Strategy::new_tree(&hosts(), &mut runner).unwrap();
        let host = prop::strategy::ValueTree::current(&host).replace("CANARY", canary.to_str().unwrap());
        let Ok(blackhole) = NetworkBlackhole::hosts([&host]) else { continue };
        injected += 1;
        let short = blackhole.lasting(Duration::from_millis(300)).unwrap();
        let report = impatient(&machine, MemoryJournal::new()).inject(short, &machine.id()).await.unwrap();
        // An unknown name makes it fail.
        assert!(report.is_recovered(), "{host:?}: {report}");
        assert!(!canary.exists(), "{host:?}");
        assert_eq!(network.near.rules(), "", "{host:?}");
    }
}

#[tokio::test]
async fn a_name_that_means_nothing_begins_nothing() {
    if lacks_root("a_name_that_means_nothing_begins_nothing") {
        return;
    }
    for tools in all_tools() {
        let network = Network::new();
        let _names = network.near.names("10.77.0.2 known.test\n");
        let machine = Machine::in_namespace(tools, Some(network.near.name()));
        let blackhole = NetworkBlackhole::hosts(["known.test", "unknown.test"]).unwrap();
        let report =
            impatient(&machine, MemoryJournal::new()).inject(blackhole, &machine.id()).await.unwrap();
        assert_eq!(report.outcome(), Outcome::Skipped, "{report}");
        let why = report.why_nothing().join("; ");
        assert!(why.contains("unknown.test means no address here"), "{why}");
        assert!(machine.ran().is_empty());
        assert_eq!(network.near.rules(), "");
        let known = Held::inject(&machine, NetworkBlackhole::hosts(["known.test"]).unwrap()).await;
        known.cut_short().await;
    }
    let network = Network::new();
    let machine = Machine::in_namespace(Tools::of_debian().without("getent"), Some(network.near.name()));
    let blackhole = NetworkBlackhole::hosts(["known.test"]).unwrap();
    let report = impatient(&machine, MemoryJournal::new()).inject(blackhole, &machine.id()).await.unwrap();
    assert_eq!(report.outcome(), Outcome::Skipped);
    assert!(report.why_nothing().join("; ").contains("getent is missing"), "{report}");
}
