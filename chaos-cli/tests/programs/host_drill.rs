//! Drills with the faults of a machine, end to end.

use std::rc::Rc;

use crate::support::{
    DRILL, Ended, lacks_root, run, text,
    traces::{Disk, Network, Place},
};
use serde_json::{Value, json};

fn keys(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

/// The one fault of a drill, which is recovered.
fn fault(drill: Ended) -> Value {
    let json = drill.with_code(0).json();
    assert_eq!(json["outcome"], "completed", "{json:#}");
    let fault = json["faults"][0].clone();
    assert_eq!(fault["state"], "recovered", "{json:#}");
    fault
}

#[tokio::test]
async fn a_cpu_burn_says_how_much_was_asked_for_and_how_much_it_was() {
    let line = ["--event", "cpu-burn", "--load", "30", "--cores", "1", "--duration", "10s", "--json"];
    let fault = fault(run(DRILL, line).await);
    assert_eq!(fault["requested"], json!({ "cores": 1.0, "load_percent": 30.0, "seconds": 10.0 }));
    assert_eq!(keys(&fault["achieved"]), ["cores", "load_percent", "seconds"]);
    let load = fault["achieved"]["load_percent"].as_f64().unwrap();
    // On a machine that is busy with other tests.
    assert!((15.0..45.0).contains(&load), "{fault:#}");
    let seconds = fault["achieved"]["seconds"].as_f64().unwrap();
    // Less if the injection took its time, and never more than its deadline allows.
    assert!((1.0..10.5).contains(&seconds), "{fault:#}");
}

#[tokio::test]
async fn a_person_reads_both_in_a_table() {
    let line = ["--event", "cpu-burn", "--load", "20", "--cores", "1", "--duration", "8s"];
    let drill = run(DRILL, line).await.with_code(0);
    for words in [
        &["VICTIM", "HOW MUCH", "REQUESTED", "ACHIEVED"][..],
        &["cores", "1", "1"],
        &["load_percent", "20"],
        &["during the hold", "failed"],
    ] {
        let is_said = |line: &str| words.iter().all(|word| line.contains(word));
        assert!(drill.stdout.lines().any(is_said), "{words:?} are not in a line of {drill:#?}");
    }
    // A remark on a victim is not cut off.
    let is_of_the_table = |line: &&str| !line.starts_with("again ") && !line.starts_with("local:drill/");
    let mut table = drill.stdout.lines().filter(is_of_the_table);
    assert!(table.all(|line| line.chars().count() <= 80), "{drill:#?}");
}

#[tokio::test]
async fn a_disk_fill_takes_what_it_says() {
    if lacks_root("a_disk_fill_takes_what_it_says") {
        return;
    }
    let disk = Disk::make();
    let path = disk.mount_point();
    let line =
        ["--event", "disk-fill", "--path", text(&path), "--percent", "60", "--duration", "10s", "--json"];
    let fault = fault(run(DRILL, line).await);
    assert_eq!(fault["requested"], json!({ "seconds": 10.0, "used_percent": 60.0 }));
    assert_eq!(keys(&fault["achieved"]), ["bytes", "seconds", "used_percent"]);
    let percent = fault["achieved"]["used_percent"].as_f64().unwrap();
    assert!((percent - 60.0).abs() < 0.5, "{fault:#}");
    assert!(Place::Disk(Rc::new(disk)).traces(&[]).is_empty());
}

#[tokio::test]
async fn the_clients_of_a_replica_in_a_blackhole_notice() {
    if lacks_root("the_clients_of_a_replica_in_a_blackhole_notice") {
        return;
    }
    let place = Place::Network(Rc::new(Network::make("drill")));
    place.enter();
    let line = ["--event", "network-blackhole", "--all", "--duration", "10s", "--json"];
    let json = run(DRILL, line).await.with_code(0).json();
    let fault = &json["faults"][0];
    assert_eq!(fault["requested"], json!({ "seconds": 10.0 }));
    assert_eq!(keys(&fault["achieved"]), ["dropped_packets", "seconds"]);
    assert!(fault["achieved"]["dropped_packets"].as_f64().unwrap() > 0.0, "{json:#}");
    // A fifth of the requests goes to the replica that hears nothing.
    let during_hold = &json["clients"]["during_hold"];
    assert!(
        during_hold["failed"].as_u64() > Some(0)
            && during_hold["failed"].as_u64() < during_hold["requests"].as_u64(),
        "{json:#}"
    );
    assert!(place.traces(&[]).is_empty());
}

#[tokio::test]
async fn what_cannot_be_done_is_left_alone_with_the_reason() {
    for (code, line, reason) in [
        (
            2,
            &["--event", "disk-fill", "--path", "/nowhere", "--bytes", "1MB"][..],
            "there is no such directory",
        ),
        (2, &["--event", "cpu-burn", "--cores", "4096"], "invalid cores: 4096"),
        (3, &["--event", "network-blackhole", "--ports", "1"], "none of these ports is one of the target's"),
        (
            3,
            &["--event", "network-blackhole", "--dns"],
            "its DNS traffic cannot be told apart from that of the machine's other processes",
        ),
    ] {
        let drill = run(DRILL, [line, &["--duration", "1s"]].concat()).await.with_code(code);
        assert!(drill.stdout.contains(reason), "{drill:#?}");
        assert!(drill.stdout.contains("skipped: nothing was injected"), "{drill:#?}");
    }
}
