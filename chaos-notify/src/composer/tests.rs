use std::time::Duration;

use chaos_core::{
    ErrorKind,
    error::Failure,
    fault::{CutShort, Magnitude, Milestone},
    observer::Chosen,
    plan::Reason,
};

use super::*;

/// Only `chaos-core` makes activities, so a test reads its own from JSON. Omitted fields are those of `fault()`.
macro_rules! told {
    ($activity:literal $(, $field:ident: $value:expr)* $(,)?) => {
        activity(serde_json::json!({ "activity": $activity $(, stringify!($field): $value)* }))
    };
}

mod steady;

fn activity(mut told: serde_json::Value) -> Activity {
    let about = serde_json::json!({
        "run": "0000000000000001", "fault": fault(), "target": TARGET, "event": "stop", "seed": 42, "deadline": at(60),
    });
    for (name, value) in about.as_object().unwrap() {
        told.as_object_mut().unwrap().entry(name).or_insert_with(|| value.clone());
    }
    serde_json::from_value(told).unwrap()
}

const FAULT: &str = "00000000000000ff";
const TARGET: &str = "aws-asg:123456789012/eu-west-1/web/i-0123456789abcdef0";

fn at(second: i64) -> Timestamp {
    "2026-03-02T09:00:00Z".parse::<Timestamp>().unwrap() + Duration::from_secs(second.unsigned_abs())
}

fn fault() -> FaultId {
    FAULT.parse().unwrap()
}

fn intended() -> Intended {
    let mut intended = Intended::new(fault(), TARGET.parse().unwrap(), "stop", at(60));
    (intended.seed, intended.healthy, intended.desired) = (42, 20, 20);
    intended.hold = Duration::from_secs(60);
    intended.undone_by = at(360);
    intended.requested.set("seconds", 60.0);
    intended.by_hand = "Start it again:\n\n    start it".to_owned();
    intended
}

fn failure(message: &str) -> Failure {
    Failure::new(ErrorKind::Unavailable, message)
}

#[track_caller]
fn assert_says(message: &Message, words: &[&str]) {
    for words in words {
        assert!(message.body.contains(words), "{words:?} is missing:\n{}\n{}", message.subject, message.body);
    }
    let printable = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
    assert!(message.subject.len() < 100 && message.subject.bytes().all(printable), "{}", message.subject);
    assert!(message.body.chars().all(|character| character == '\n' || !character.is_control()));
}

fn new() -> Composer {
    Composer::new(&Settings::default().whereabouts(|target| Some(format!("find {}", target.name()))))
}

/// A composer that has announced and seen everything until the hold.
fn held() -> Composer {
    let mut composer = new();
    composer.announce(at(0), &intended());
    for (second, activity) in [
        (1, told!("armed", by_hand: "")),
        (1, told!("injecting")),
        (2, told!("injected", requested: Magnitude::default(), achieved: Magnitude::default())),
    ] {
        assert_eq!(composer.compose(at(second), &activity), None);
    }
    composer
}

#[test]
fn the_announcement_says_what_why_when_and_how_to_undo_it() {
    let message = new().announce(at(0), &intended());
    assert_eq!((message.kind, message.fault), (Kind::Announced, Some(fault())));
    assert_eq!(message.subject, "Chaos: aws-asg:123456789012/eu-west-1/web/i-0123456789abcdef0: stop begins");
    assert_says(
        &message,
        &[
            "stop is about to be injected into aws-asg:123456789012/eu-west-1/web/i-0123456789abcdef0.\n",
            "Fault: 00000000000000ff\n",
            "Group: aws-asg:123456789012/eu-west-1/web, with 20 healthy members of 20 before\n",
            "Why: drawn; the seed of the run is 42\n",
            "When: 2026-03-02 09:00:00 UTC\n",
            "For: 1 min 0 s\n",
            "Over by: 2026-03-02 09:01:00 UTC\n",
            "Back by: 2026-03-02 09:06:00 UTC, or you are told\n",
            "Asked for: seconds 60\n",
            "HOW TO UNDO IT BY HAND\nStart it again:\n\n    start it\n",
            "WHERE IT IS\nfind i-0123456789abcdef0\n",
        ],
    );
    let mut named = intended();
    (named.chosen, named.hold) = (Chosen::Named, Duration::ZERO);
    let message = new().announce(at(0), &named);
    assert_says(
        &message,
        &["Why: somebody asked for this target\n", "For: a moment: its recovery begins at once\n"],
    );
}

#[test]
fn the_end_says_how_long_it_took_and_what_was_seen() {
    let mut composer = held();
    for (second, activity) in [
        (21, told!("hold-ended", cut_short: Some(CutShort::Halted))),
        (21, told!("recovering", attempt: 1)),
        (24, told!("reached", milestone: Milestone::DetectedUnhealthy)),
        (25, told!("recovering", attempt: 2)),
        (31, told!("reached", milestone: Milestone::Healthy)),
    ] {
        assert_eq!(composer.compose(at(second), &activity), None);
    }
    let time_to_recover = Some(Duration::from_secs(30));
    let recovered = told!("recovered", time_to_recover: time_to_recover);
    let message = composer.compose(at(33), &recovered).unwrap();
    assert_eq!(message.kind, Kind::Recovered);
    assert_eq!(
        message.subject,
        "Chaos: aws-asg:123456789012/eu-west-1/web/i-0123456789abcdef0: stop is over, recovered after 30.0 s"
    );
    assert_says(
        &message,
        &[
            "is over: the target, or what replaces it, was healthy again 30.0 s after the injection began.\n",
            "Injected: 2026-03-02 09:00:01 UTC\n",
            "Cut short: everything is halted\n",
            "Recovery: took 12.0 s from 2026-03-02 09:00:21 UTC, 2 attempts\n",
            "Detected unhealthy: 2026-03-02 09:00:24 UTC, 23.0 s after the injection began\n",
            "Healthy: 2026-03-02 09:00:31 UTC, 30.0 s after the injection began\n",
            "Verified: 2026-03-02 09:00:33 UTC\n",
        ],
    );
    assert!(composer.stories.is_empty());
}

#[test]
fn a_recovery_that_failed_is_the_loudest_and_says_how_to_do_it_by_hand() {
    let mut composer = held();
    composer.compose(at(61), &told!("recovering", attempt: 1));
    let failed = |by_hand: Option<&str>| {
        let failure = failure("it does not answer\nfor minutes");
        told!("recovery-failed", failure: failure, by_hand: by_hand)
    };
    let message = composer.compose(at(361), &failed(Some("Mend it:\n\n    mend it"))).unwrap();
    assert_eq!(message.kind, Kind::RecoveryFailed);
    assert_eq!(
        message.subject,
        "CHAOS RECOVERY FAILED: aws-asg:123456789012/eu-west-1/web/i-0123456789abcdef0 IS NOT BACK"
    );
    assert_says(
        &message,
        &[
            "RECOVERY FAILED: aws-asg:123456789012/eu-west-1/web/i-0123456789abcdef0 IS NOT BACK.\n",
            "Failure: it does not answer\\nfor minutes\n",
            "Event: stop\n",
            "Recovery: took 5 min 0 s from 2026-03-02 09:01:01 UTC, 1 attempt\n",
            "Given up: 2026-03-02 09:06:01 UTC\n",
            "HOW TO UNDO IT BY HAND\nMend it:\n\n    mend it\n",
            "WHERE IT IS\nfind i-0123456789abcdef0\n",
            "`declare_mended`",
        ],
    );
    // Of one whose recovery cannot be read, in words that always help.
    let mut composer = new();
    composer.compose(at(0), &told!("taken-over", armed_at: at(0), by_hand: None::<String>));
    let message = composer.compose(at(0), &failed(None)).unwrap();
    assert_says(&message, &["IS NOT BACK", "HOW TO UNDO IT BY HAND\nIts recovery cannot be read here."]);
}

#[test]
fn what_was_announced_and_came_to_nothing_is_told_and_nothing_else_that_is_skipped() {
    let reason = Reason::not_healthy(chaos_core::Health::Unhealthy);
    let skipped = |fault: Option<FaultId>| told!("skipped", fault: fault, reason: reason.clone());
    let (own, other) = (Some(fault()), Some("00000000000000aa".parse().unwrap()));
    let mut composer = new();
    assert_eq!(composer.compose(at(0), &skipped(own)), None, "people were never told of it");
    composer.announce(at(0), &intended());
    assert_eq!(composer.compose(at(1), &skipped(other)), None);
    assert_eq!(composer.compose(at(1), &skipped(None)), None);
    let message = composer.compose(at(1), &skipped(own)).unwrap();
    assert_eq!((message.kind, message.fault), (Kind::LeftAlone, own));
    assert_says(
        &message,
        &["was left alone after all: nothing was injected.\n", "Why not: it is unhealthy\n"],
    );
    assert_eq!(composer.compose(at(2), &skipped(own)), None);

    // While a fault is on the target, a skipped fault there belongs to another announcement.
    assert_eq!(held().compose(at(3), &skipped(other)), None);
    composer.announce(at(0), &intended());
    composer.forget(fault());
    assert_eq!(composer.compose(at(4), &skipped(own)), None);
}

#[test]
fn an_injection_that_failed_is_told_and_whether_it_was_begun() {
    let failed = told!("injection-failed", failure: failure("the reply was lost"));
    let message = held().compose(at(3), &failed).unwrap();
    assert_eq!(message.kind, Kind::InjectionFailed);
    assert_says(
        &message,
        &[
            "It is assumed to have happened, and is recovered.",
            "Failure: the reply was lost\n",
            "    start it\n",
        ],
    );
    let mut composer = new();
    composer.announce(at(0), &intended());
    assert_says(&composer.compose(at(1), &failed).unwrap(), &["did not begin"]);
    let recovered = told!("recovered", time_to_recover: None::<Duration>);
    assert_says(
        &composer.compose(at(2), &recovered).unwrap(),
        &["stop on aws-asg:123456789012/eu-west-1/web/i-0123456789abcdef0 was never injected"],
    );
}

#[test]
fn a_fault_of_an_earlier_run_is_told_as_one() {
    let mut composer = new();
    let taken_over = told!("taken-over", armed_at: at(0), by_hand: "start it");
    assert_eq!(composer.compose(at(100), &taken_over), None);
    let recovered = told!("recovered", time_to_recover: Some(Duration::from_secs(105)));
    let message = composer.compose(at(106), &recovered).unwrap();
    assert_says(
        &message,
        &[
            "was healthy again 1 min 45 s after",
            "Why: left behind by an earlier run, armed at 2026-03-02 09:00:00 UTC\n",
        ],
    );
}

#[test]
fn a_journal_that_fails_under_a_fault_is_told() {
    let failed = told!("journal-failed", failure: failure("the disk is full"));
    let message = held().compose(at(3), &failed).unwrap();
    assert_eq!(message.kind, Kind::JournalFailed);
    assert_says(&message, &["Failure: the disk is full\n", "If you hear nothing more", "    start it\n"]);
}

#[test]
fn halts_are_told_and_idle_runs_where_it_was_asked() {
    let halted = told!("halted", reason: "the pager\u{1b} rings\u{e9}\n".repeat(20));
    let message = new().compose(at(0), &halted).unwrap();
    assert_eq!((message.kind, message.fault), (Kind::Halted, None));
    assert!(message.subject.starts_with("Chaos halted: the pager? rings??the"), "{}", message.subject);
    assert_says(&message, &["Why: the pager\\u{1b} rings\u{e9} the pager"]);

    let ended =
        |outcome| told!("run-ended", outcome: outcome, why: vec!["the calendar is closed".to_owned()]);
    let run_failed = told!("run-failed", failure: failure("no journal"));
    for activity in [&ended(Outcome::Skipped), &run_failed] {
        assert_eq!(new().compose(at(0), activity), None);
        assert_eq!(
            Composer::new(&Settings::default().idle_runs()).compose(at(0), activity).unwrap().kind,
            Kind::NothingInjected
        );
    }
    let message =
        Composer::new(&Settings::default().idle_runs()).compose(at(0), &ended(Outcome::Skipped)).unwrap();
    assert_says(&message, &["A run injected nothing.\n", "Why: the calendar is closed\n"]);
    for outcome in [Outcome::Completed, Outcome::Failed] {
        assert_eq!(Composer::new(&Settings::default().idle_runs()).compose(at(0), &ended(outcome)), None);
    }
}

#[test]
fn hostile_names_and_words_forge_nothing() {
    let target = format!("x:web/{}", "n\u{202e}\u{e9}".repeat(100));
    let mut hostile = Intended::new(fault(), target.parse().unwrap(), "stop", at(60));
    hostile.by_hand = format!("\u{1b}[2J{}", "long\t".repeat(5_000));
    let message = new().announce(at(0), &hostile);
    assert_says(&message, &["\\u{1b}[2Jlong\\t", "[cut off here]"]);
    assert!(message.subject.starts_with("Chaos: ...") && message.subject.ends_with("n??: stop begins"));
    let forged = failure("x\n\nHOW TO UNDO IT BY HAND\n    rm -rf /");
    let mut composer = held();
    let message = composer.compose(at(3), &told!("injection-failed", failure: forged)).unwrap();
    assert_says(&message, &["Failure: x\\n\\nHOW TO UNDO IT BY HAND\\n    rm -rf /\n"]);
}

#[test]
fn however_much_goes_on_every_end_that_was_promised_is_told() {
    let mut composer = new();
    let number = |number: i64| -> FaultId { format!("{number:016x}").parse().unwrap() };
    let announce = |composer: &mut Composer, id: i64| {
        let target = format!("x:web/{id}").parse().unwrap();
        composer.announce(at(id), &Intended::new(number(id), target, "stop", at(60)))
    };
    let (most, more) = (MOST_STORIES as i64, 5);
    for id in 0..most + more {
        assert_says(&announce(&mut composer, id), &["You will be told how it ends.", "or you are told"]);
        let target = format!("x:web/{id}");
        composer.compose(at(id), &told!("armed", fault: number(id), target: target, by_hand: ""));
        composer.compose(at(id), &told!("injecting", fault: number(id), target: target));
    }
    assert_eq!(composer.stories.len(), MOST_STORIES);
    for id in 0..most + more {
        let (target, time) = (format!("x:web/{id}"), Duration::from_secs(9));
        let recovered = told!("recovered", fault: number(id), target: target, time_to_recover: time);
        let message = composer.compose(at(2_000), &recovered).unwrap();
        assert_eq!((message.kind, message.fault), (Kind::Recovered, Some(number(id))));
        assert_eq!(message.subject, format!("Chaos: x:web/{id}: stop is over, recovered after 9.0 s"));
        let is_forgotten = message.body.contains("There were too many faults at once");
        assert_eq!(is_forgotten, id < more, "{}", message.body);
    }
    assert_eq!(composer.stories.len(), 0);
    let failed = told!("injection-failed", failure: failure("the reply was lost"));
    assert_says(
        &composer.compose(at(2_001), &failed).unwrap(),
        &[
            "It is assumed to have happened",
            "HOW TO UNDO IT BY HAND\n`history` over the journal that holds fault",
        ],
    );

    // A target that is left alone after all is reported only if it is known to have been announced: no more is promised
    // than can be kept.
    for id in 0..most {
        assert_says(&announce(&mut composer, id), &["You will be told how it ends."]);
    }
    let message = announce(&mut composer, most);
    assert_says(&message, &["is in the journal, not in a message"]);
    let promises = ["you are told", "will be told"];
    assert!(promises.iter().all(|words| !message.body.contains(words)), "{}", message.body);
}

#[test]
fn a_refused_recovery_is_told_once_and_what_is_gone_is_not_back() {
    let mut composer = held();
    let refused = told!(
        "recovery-retried", attempt: 1, wait: Duration::from_secs(1), until: at(360),
        failure: Failure::new(ErrorKind::Denied, "a policy must allow this"),
    );
    let unavailable = told!(
        "recovery-retried", attempt: 1, wait: Duration::from_secs(1), until: at(360),
        failure: failure("the target is not back"),
    );
    assert_eq!(composer.compose(at(60), &unavailable), None);
    let message = composer.compose(at(61), &refused).unwrap();
    assert_eq!(message.kind, Kind::RecoveryRefused);
    assert_says(
        &message,
        &[
            "has been refused so far. It is retried until 2026-03-02 09:06:00 UTC.\n",
            "Failure: a policy must allow this\n",
            "    start it\n",
        ],
    );
    assert_eq!(composer.compose(at(62), &refused), None);

    let gone = told!(
        "recovered", time_to_recover: None::<Duration>, gone: "the whole group no longer exists",
    );
    let message = composer.compose(at(63), &gone).unwrap();
    assert!(message.subject.ends_with("stop is over, and the target is gone"), "{}", message.subject);
    assert_says(&message, &["it is not back", "Gone: the whole group no longer exists\n"]);
    assert!(!message.body.contains("healthy again"), "{}", message.body);
}
