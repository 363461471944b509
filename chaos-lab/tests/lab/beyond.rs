//! What Chaos Toolkit's format does not have: undo, outputs, probes that wait or sample, approval and stop conditions.

use std::fs;

use chaos_core::{
    Calendar, MemoryJournal, async_trait,
    calendar::CalendarState,
    jiff::{SignedDuration, Timestamp},
};
use chaos_lab::{
    experiment::{Experiment, ReadOptions},
    run::{Approve, ExperimentVerdict, Lab},
};
use serde_json::json;

use crate::{
    parts::{experiment, folder, lines, run, sh, with},
    soon,
};

/// The step that never began is not undone, and the others are in reverse order, before the rollbacks.
#[tokio::test]
async fn what_has_begun_is_undone_in_reverse_order() {
    let (folder, path) = folder();
    let log = |word: &str| format!("echo {word} >>{path}/log");
    let step = |name: &str| {
        with(sh("action", name, &log(name)), "undo", sh("action", "u", &log(&format!("un{name}"))))
    };
    let never = with(step("never"), "pauses", json!({ "before": 3600 }));
    let report = soon(async {
        let document = json!({
            "method": [step("one"), step("two"), never],
            "rollbacks": [sh("action", "back", &log("back"))],
            "deadline": "2s",
        });
        run(document).await
    })
    .await;
    assert_eq!(report.verdict, ExperimentVerdict::Failed, "{report}");
    assert_eq!(lines(folder.path()), ["one", "two", "untwo", "unone", "back"]);
}

#[tokio::test]
async fn outputs_are_used_by_later_steps_and_by_rollbacks() {
    let (folder, path) = folder();
    let report = run(json!({
        "method": [
            sh("action", "make it.", "echo made"),
            sh("action", "use", &format!("echo use ${{steps.make it..output.stdout}} >>{path}/log")),
        ],
        "rollbacks": [sh("action", "remove", &format!("echo remove ${{steps.make it..output.status}} >>{path}/log"))],
    }))
    .await;
    assert_eq!(report.verdict, ExperimentVerdict::Completed, "{report}");
    assert_eq!(lines(folder.path()), ["use made", "remove 0"]);
    // What no step has yielded is not run with the reference in its place.
    let later = json!({ "method": [sh("action", "use", "echo ${steps.later.output}"), sh("action", "later", "true")] });
    let report = run(later).await;
    assert_eq!(report.verdict, ExperimentVerdict::Failed);
    assert!(report.reasons[0].contains("${steps.later.output}"), "{report}");
}

/// A calendar that is open never, or for so long.
#[derive(Debug)]
struct Open(Option<SignedDuration>);

impl Calendar for Open {
    fn state(&self, at: Timestamp) -> CalendarState {
        let open = self.0.map(|open| CalendarState::open_until(at.saturating_add(open).unwrap()));
        open.unwrap_or_else(|| CalendarState::closed_until(Timestamp::MAX))
    }
}

#[tokio::test]
async fn a_method_begins_only_if_it_can_be_over_before_the_calendar_closes() {
    for (open, expected) in [(None, "skipped"), (Some(20), "skipped"), (Some(7200), "completed")] {
        let (folder, path) = folder();
        let log = |word: &str| format!("echo {word} >>{path}/log");
        let experiment = experiment(json!({
            "method": [sh("action", "one", &log("one"))], "rollbacks": [sh("action", "back", &log("back"))],
            "deadline": "10m",
        }));
        let lab =
            Lab::new().journal(MemoryJournal::new()).calendar(Open(open.map(SignedDuration::from_secs)));
        let report = soon(lab.run(&experiment)).await.unwrap();
        assert_eq!(report.verdict.name(), expected, "{open:?}: {report}");
        assert_eq!(lines(folder.path()).is_empty(), expected == "skipped", "{open:?}");
    }
}

#[tokio::test]
async fn a_probe_waits_until_its_value_is_normal() {
    let (_folder, path) = folder();
    let later =
        with(sh("action", "later", &format!("sleep 0.3; touch {path}/there")), "background", true.into());
    let waits = |within: &str| {
        let probe = with(sh("probe", "there", &format!("test -e {path}/there")), "tolerance", 0.into());
        with(probe, "until", json!({ "every": "20ms", "within": within }))
    };
    let report = run(json!({ "method": [later, waits("100s")] })).await;
    assert_eq!(report.verdict, ExperimentVerdict::Completed, "{report}");
    fs::remove_file(format!("{path}/there")).unwrap();
    let report = run(json!({ "method": [waits("50ms")] })).await;
    assert_eq!(report.verdict, ExperimentVerdict::Deviated, "{report}");
}

/// 35 looks in a row support at least 90 %; one supports nothing of that kind.
#[tokio::test]
async fn a_share_is_met_not_met_or_unknown() {
    let sampled = |script: &str, lasting: &str| {
        let probe = with(sh("probe", "share", script), "tolerance", 0.into());
        json!({ "method": [with(probe, "samples", json!({ "every": "1ms", "for": lasting, "at-least": "90%" }))] })
    };
    // Slow looks are few.
    let few = run(sampled("sleep 0.2", "100ms")).await;
    assert_eq!(few.verdict, ExperimentVerdict::Inconclusive, "{few}");
    assert!(few.reasons[0].contains("too few looks"), "{few}");
    // So few could not show it, however they turn out.
    let document = json!({ "title": "t", "description": "d", "method": sampled("true", "20ms")["method"] });
    let problems = Experiment::from_document(document, &ReadOptions::default()).unwrap_err().to_string();
    assert!(problems.contains("expected at most 84.5%, which is all that 21 looks can show"), "{problems}");
    let never = run(sampled("false", "1s")).await;
    assert_eq!(never.verdict, ExperimentVerdict::Deviated, "{never}");
    // However slow the machine is, so many looks are made at some time.
    for seconds in [1, 4, 16, 60] {
        let report = run(sampled("true", &format!("{seconds}s"))).await;
        let looks = report.method[0].output["met"].as_u64().unwrap();
        if looks >= 35 {
            assert_eq!(report.verdict, ExperimentVerdict::Completed, "{report}");
            return;
        }
        assert_eq!(report.verdict, ExperimentVerdict::Inconclusive, "{report}");
    }
    panic!("35 looks took more than a minute");
}

#[tokio::test]
async fn a_tolerance_in_the_method_counts() {
    let report = run(json!({ "method": [with(sh("probe", "p", "exit 3"), "tolerance", 0.into())] })).await;
    assert_eq!(report.verdict, ExperimentVerdict::Deviated, "{report}");
    assert!(report.reasons[0].contains("3, expected 0"), "{report}");
}

#[derive(Debug)]
struct Answer(bool);

#[async_trait]
impl Approve for Answer {
    async fn approve(&self, question: &str) -> bool {
        assert_eq!(question, "Really?");
        self.0
    }
}

#[tokio::test]
async fn a_step_that_is_not_approved_is_not_carried_out() {
    for (answer, verdict, log) in [
        (Some(true), ExperimentVerdict::Completed, vec!["done".to_owned()]),
        (Some(false), ExperimentVerdict::Failed, vec![]),
        (None, ExperimentVerdict::Failed, vec![]),
    ] {
        let (folder, path) = folder();
        let step = with(sh("action", "a", &format!("echo done >>{path}/log")), "approval", "Really?".into());
        let mut lab = Lab::new();
        if let Some(answer) = answer {
            lab = lab.approved_by(Answer(answer));
        }
        let report = soon(lab.run(&experiment(json!({ "method": [step] })))).await.unwrap();
        assert_eq!((report.verdict, lines(folder.path())), (verdict, log), "{report}");
    }
}

#[tokio::test]
async fn a_stop_condition_ends_the_method_or_keeps_it_from_beginning() {
    let (folder, path) = folder();
    let condition = with(sh("probe", "no stop file", &format!("test -e {path}/stop")), "tolerance", 1.into());
    let document = || {
        json!({
            "stop-conditions": [condition.clone()],
            "method": [sh("action", "stop", &format!("echo began >>{path}/log; touch {path}/stop; sleep 3600"))],
            "rollbacks": [sh("action", "back", &format!("echo back >>{path}/log"))],
        })
    };
    let report = run(document()).await;
    assert_eq!(report.verdict, ExperimentVerdict::Deviated, "{report}");
    assert!(
        report.reasons[0].contains("no stop file") && report.reasons[0].contains("0, expected 1"),
        "{report}"
    );
    let report = run(document()).await;
    assert_eq!(report.verdict, ExperimentVerdict::Skipped, "{report}");
    assert_eq!(lines(folder.path()), ["began", "back"], "the second one did nothing");
}

#[tokio::test]
async fn an_experiment_is_scaled_up_until_it_does_not_hold() {
    let file = tempfile::Builder::new().suffix(".json").tempfile().unwrap();
    let document = json!({
        "title": "up to ${load}", "description": "d", "configuration": { "load": 0 },
        "scale-up": { "name": "load", "values": [20, 50, 80, 90] },
        "method": [with(sh("probe", "p", "test ${load} -lt 60"), "tolerance", 0.into())],
    });
    fs::write(&file, document.to_string()).unwrap();
    let reading = ReadOptions::default();
    let scale_up = reading.read(file.path()).unwrap().scale_up.unwrap();
    let rungs = reading.rungs(file.path(), &scale_up).unwrap();
    let report = soon(Lab::new().scale_up(&rungs, async || std::future::pending().await)).await.unwrap();
    assert_eq!(report.answer, Some(json!(50)));
    let verdicts: Vec<_> = report.rungs.iter().map(|(_, run)| (run.title.as_str(), run.verdict)).collect();
    assert_eq!(
        verdicts,
        [
            ("up to 20", ExperimentVerdict::Completed),
            ("up to 50", ExperimentVerdict::Completed),
            ("up to 80", ExperimentVerdict::Deviated),
        ]
    );
}

/// What could only fail once something is broken is told before.
#[test]
fn a_reference_means_one_step_of_the_method() {
    let make = || sh("action", "make", "echo 1");
    let uses = |script: &str| json!([sh("action", "use", script)]);
    for (method, rollbacks, expected) in [
        (
            json!([make()]),
            uses("rm ${steps.makke.output.stdout}"),
            "rollbacks[0].provider.arguments[1]: \"${steps.makke.output.stdout}\"; expected the name of a step of the \
             method, and .output; did you mean \"make\"?",
        ),
        (json!([make()]), uses("rm ${steps.make}"), "${steps.make}"),
        (json!([make(), make()]), uses("rm ${steps.make.output.stdout}"), "method[1].name: \"make\""),
        (
            json!([with(
                make(),
                "provider",
                json!({ "type": "process", "path": "sh", "arguments": "${steps.make.output}" })
            )]),
            json!([]),
            "what a step yields must not be read by a shell",
        ),
    ] {
        let document = json!({ "title": "t", "description": "d", "method": method, "rollbacks": rollbacks });
        let problems = Experiment::from_document(document.clone(), &ReadOptions::default()).unwrap_err();
        assert!(problems.to_string().contains(expected), "{problems}");
        // Chaos Toolkit takes no notice of it.
        Experiment::from_document(document, &ReadOptions::default().compatible()).unwrap();
    }
    let equal = json!({ "title": "t", "description": "d", "method": [make(), make()] });
    Experiment::from_document(equal, &ReadOptions::default()).unwrap();
}

/// A value that its own name would mask, a status that only a tolerance makes good, and a judge that is not there.
#[tokio::test]
async fn a_failure_is_one_whatever_is_masked_and_a_judge_that_cannot_tell_is_none() {
    let secrets = json!({ "a": { "x": "status", "y": "process" } });
    let report = run(json!({ "secrets": secrets, "method": [sh("action", "drop", "exit 3")] })).await;
    assert_eq!(report.verdict, ExperimentVerdict::Failed, "{report}");
    let accepted = with(sh("action", "drop", "exit 3"), "tolerance", json!([0, 3]));
    let report = run(json!({ "method": [accepted.clone()], "rollbacks": [accepted] })).await;
    assert_eq!(report.verdict, ExperimentVerdict::Completed, "{report}");
    let judge =
        json!({ "type": "probe", "name": "judge", "provider": { "type": "process", "path": "${nobody}" } });
    let report = run(json!({ "method": [with(sh("probe", "p", "true"), "tolerance", judge)] })).await;
    assert_eq!(report.verdict, ExperimentVerdict::Inconclusive, "{report}");
}

/// A look, a rollback or a stop condition of the same name is another thing.
#[tokio::test]
async fn only_steps_of_the_method_yield_what_is_referred_to() {
    let (folder, path) = folder();
    let report = run(json!({
        "steady-state-hypothesis": {
            "title": "h", "probes": [with(sh("probe", "create", "echo look"), "tolerance", 0.into())],
        },
        "method": [sh("action", "create", "echo id-1")],
        "rollbacks": [sh("action", "delete", &format!("echo ${{steps.create.output.stdout}} >>{path}/log"))],
    }))
    .await;
    assert_eq!(report.verdict, ExperimentVerdict::Completed, "{report}");
    assert_eq!(lines(folder.path()), ["id-1"]);
}

/// What nobody has looked at during the method is not "completed".
#[tokio::test]
async fn a_stop_condition_that_never_looked_is_no_proof() {
    let (_folder, path) = folder();
    let slow =
        with(sh("probe", "slow", &format!("sleep 0.5; test ! -e {path}/broken")), "tolerance", 0.into());
    let report = run(json!({
        "stop-conditions": [slow],
        "method": [sh("action", "break", &format!("touch {path}/broken"))],
        "rollbacks": [sh("action", "mend", &format!("rm {path}/broken"))],
    }))
    .await;
    assert_ne!(report.verdict, ExperimentVerdict::Completed, "{report}");
}

#[tokio::test]
async fn a_probe_that_is_met_too_late_is_not_met() {
    let slow = with(sh("probe", "slow", "sleep 0.3"), "tolerance", 0.into());
    let report = run(json!({ "method": [with(slow, "until", json!({ "within": "10ms" }))] })).await;
    assert_eq!(report.verdict, ExperimentVerdict::Deviated, "{report}");
    assert!(report.reasons[0].contains("expected within 0.01 s"), "{report}");
}
