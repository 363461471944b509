//! Signals to `chaos run`: what was begun is undone, and then it ends.

use chaos_lab::run::ExperimentVerdict;
use rustix::process::Signal;
use serde_json::json;
use tokio::process::Child;

use super::{
    killed::{PLAYED, experiment, is_empty, is_recovered},
    place::Place,
};
use crate::support::{Ended, end, send};

fn signal(program: &Child, signal: Signal) {
    send(program.id().unwrap(), signal);
}

/// Everything is undone, and the program says that a signal has ended the method.
async fn is_undone(place: &Place, program: Child, after: &str) -> Ended {
    let ended = end(program).await.with_code(5);
    let begun = place.begun();
    assert!(begun.ends_with(&PLAYED.map(ToOwned::to_owned)), "{after}: {begun:?} {ended:#?}");
    assert_eq!(begun.iter().filter(|begun| begun.starts_with("undo-")).count(), 3, "{after}: {begun:?}");
    assert!(ended.stdout.contains("a signal cut the run short"), "{after}: {ended:#?}");
    let journal = place.toolkit_journal().unwrap();
    assert_eq!(journal["verdict"], ExperimentVerdict::Failed.name(), "{after}");
    assert_eq!(journal["rollbacks"].as_array().unwrap().len(), PLAYED.len(), "{after}");
    is_empty(place, after).await;
    is_recovered(place, &place.recover().await, after).await;
    ended
}

#[tokio::test]
async fn after_a_signal_everything_is_undone_although_an_activity_is_deaf_to_it() {
    for (name, number) in [
        ("SIGINT", Signal::INT),
        ("SIGTERM", Signal::TERM),
        ("SIGQUIT", Signal::QUIT),
        ("SIGHUP", Signal::HUP),
    ] {
        let mut place = Place::new();
        place.write("experiment.json", &experiment(&place, None));
        place.stay("begin", "five", 1);
        let program = place.run(&[]).spawn().unwrap();
        place.said().await;
        signal(&program, number);
        is_undone(&place, program, name).await;
    }
}

#[tokio::test]
async fn more_signals_do_not_stop_the_rollbacks() {
    let mut place = Place::new();
    place.write("experiment.json", &experiment(&place, None));
    place.stay("begin", "five", 1);
    place.stay("begin", "undo-two", 1);
    let program = place.run(&[]).spawn().unwrap();
    place.said().await;
    signal(&program, Signal::INT);
    assert_eq!(place.said().await, "begin undo-two");
    // No late effect comes after its rollback.
    assert!(place.runs("undo-two") && !place.runs("two") && !place.runs("five"));
    for number in [Signal::INT, Signal::INT, Signal::TERM, Signal::HUP] {
        signal(&program, number);
    }
    place.let_go();
    is_undone(&place, program, "many signals").await;
}

#[tokio::test]
async fn a_signal_before_the_method_ends_the_look_and_nothing_is_injected() {
    let mut place = Place::new();
    place.write("experiment.json", &experiment(&place, None));
    place.stay("begin", "steady", 1);
    let program = place.run(&[]).spawn().unwrap();
    place.said().await;
    signal(&program, Signal::INT);
    end(program).await.with_code(3);
    assert_eq!(place.begun(), ["steady"]);
    is_empty(&place, "before the method").await;
    assert!(place.history().await.is_empty());
}

#[tokio::test]
async fn a_signal_ends_a_probe_of_the_configuration_that_hangs() {
    let mut place = Place::new();
    let mut data = experiment(&place, None);
    let mut probe = place.activity("probe", "asks", &[]);
    probe["name"] = "asks".into();
    data["configuration"] = json!({ "asked": probe });
    place.write("experiment.json", &data);
    place.stay("begin", "asks", 1);
    let program = place.run(&[]).spawn().unwrap();
    place.said().await;
    signal(&program, Signal::TERM);
    end(program).await.with_code(3);
    assert_eq!(place.begun(), ["asks"]);
    is_empty(&place, "a probe of the configuration").await;
}

#[tokio::test]
async fn a_signal_ends_all_files_even_if_the_others_would_be_kept_going() {
    let mut place = Place::new();
    place.write("experiment.json", &experiment(&place, None));
    place.write(
        "next.json",
        &json!({
            "title": "The next", "description": "Must not run.",
            "method": [place.activity("action", "next", &[])],
        }),
    );
    place.stay("begin", "one", 1);
    let program = place.run(&["next.json", "--keep-going"]).spawn().unwrap();
    place.said().await;
    signal(&program, Signal::INT);
    end(program).await.with_code(5);
    assert_eq!(place.begun(), ["steady", "one", "undo-one", "roll-one"]);
}
