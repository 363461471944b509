//! A journal that an earlier program wrote is read, shown and recovered.
//!
//! `journals/version-3.journal` was written by the programs before the crates were rearranged: three faults that were
//! recovered, and a stop whose drill was killed. The ids of the machine are invented.

use std::fs;

use tempfile::tempdir;

use super::support::{HISTORY, RECOVER, run, text};

const JOURNAL: &[u8] = include_bytes!("journals/version-3.journal");
const EVENTS: [&str; 4] = ["terminate", "cpu-burn", "disk-fill", "stop"];

#[tokio::test]
async fn a_journal_of_the_version_before_is_shown_and_recovered() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("chaos.journal");
    fs::write(&path, JOURNAL).unwrap();
    let states = async || {
        let shown = run(HISTORY, ["--json", "--journal", text(&path)]).await.with_code(0).json();
        let faults = shown["faults"].as_array().unwrap().clone();
        let told = |field: &str| {
            faults.iter().map(|fault| fault[field].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(told("event"), EVENTS);
        assert_eq!(
            faults[1]["achieved"]["load_percent"].as_f64().map(f64::is_normal),
            Some(true),
            "{shown:#}"
        );
        told("state")
    };

    assert_eq!(states().await, ["recovered", "recovered", "recovered", "active"]);
    let recovered = run(RECOVER, ["--json", "--journal", text(&path)]).await.with_code(0).json();
    assert_eq!(recovered["faults"][0]["id"], "97a3343caafc9360", "{recovered:#}");
    assert_eq!(recovered["faults"].as_array().unwrap().len(), 1, "{recovered:#}");
    assert_eq!(states().await, ["recovered", "recovered", "recovered", "recovered"]);
}
