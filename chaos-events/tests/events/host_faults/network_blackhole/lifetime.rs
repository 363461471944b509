//! When it begins and when it ends, whichever process dies.

use std::time::Duration;

use chaos_core::{
    capability::Script,
    clock::{Clock, SystemClock},
};
use chaos_events::NetworkBlackhole;
use futures_util::future::join_all;
use rustix::process::{Pid, Signal, kill_process};

use super::{
    all_tools,
    namespace::Network,
    stream::{Stream, after},
};
use crate::host_faults::{
    held::Held,
    machine::{Machine, Tools, lacks_root, marked, until},
};

/// A ruleset of the user's own, with everything in it that a careless tool would touch.
const OWN_RULES: &str = "\
    add table inet own; \
    add set inet own guests { type ipv4_addr; flags interval; elements = { 10.9.0.0/16 }; }; \
    add chain inet own input { type filter hook input priority -300; policy accept; }; \
    add rule inet own input ip saddr @guests drop; add chain inet own output { type filter hook output priority 0; \
    policy accept; }; add table ip filter; add chain ip filter INPUT { type filter hook input priority 0; policy \
    accept; }; add rule ip filter INPUT tcp dport 12345 reject";

fn machine_in(network: &Network, tools: Tools) -> Machine {
    Machine::in_namespace(tools, Some(network.near.name()))
}

fn everything(duration: Duration) -> NetworkBlackhole {
    NetworkBlackhole::everything().lasting(duration).unwrap()
}

pub(super) fn signal(pids: &[u32], signal: Signal) {
    for pid in pids {
        // It may have ended in the meantime.
        let _ = kill_process(Pid::from_raw(i32::try_from(*pid).unwrap()).unwrap(), signal);
    }
}

/// The role of each of the fault's processes.
pub(super) fn named(fault: &str) -> Vec<(u32, String)> {
    let name =
        |pid| std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_owned();
    marked(fault).into_iter().map(|pid| (pid, name(pid))).collect()
}

pub(super) async fn is_gone(network: &Network, own: &str, fault: &str, limit: Duration) {
    until("nothing of the fault is left", limit, async || {
        network.near.rules() == own && marked(fault).is_empty()
    })
    .await;
}

#[tokio::test]
async fn it_begins_before_the_injection_returns_and_ends_with_its_recovery() {
    if lacks_root("it_begins_before_the_injection_returns_and_ends_with_its_recovery") {
        return;
    }
    for tools in all_tools() {
        let network = Network::new();
        network.near.load(OWN_RULES);
        let own = network.near.rules();
        let machine = machine_in(&network, tools);
        let stream = Stream::begin(&network.far, &network.near);
        let held = Held::inject(&machine, everything(Duration::from_secs(60))).await;
        let during = network.near.rules();
        let (before, table) = during.split_at(own.len());
        assert_eq!(before, own);
        assert!(table.starts_with(&format!("table inet {}", held.table())), "{table}");
        SystemClock::default().sleep(Duration::from_millis(300)).await;
        let record = held.cut_short().await;
        assert_eq!(network.near.rules(), own);
        let (injected, recovering) = (record.injected_at.unwrap(), record.recovering_at.unwrap());
        let ended = record.ended_at.unwrap();
        until("there is some traffic again", Duration::from_secs(2), async || {
            after(ended, SystemClock::default().now()) > 100
        })
        .await;
        let seen = stream.end();
        assert!(seen.first_lost() < injected);
        assert_eq!(seen.arrived_between(injected, recovering), 0);
        let took = after(recovering, seen.back());
        assert!(took < 2000, "it was gone {took} ms after the recovery began");
    }
}

#[tokio::test]
async fn without_any_recovery_it_ends_at_its_deadline() {
    if lacks_root("without_any_recovery_it_ends_at_its_deadline") {
        return;
    }
    for tools in all_tools() {
        let network = Network::new();
        network.near.load(OWN_RULES);
        let own = network.near.rules();
        let machine = machine_in(&network, tools);
        let stream = Stream::begin(&network.far, &network.near);
        let held = Held::inject(&machine, everything(Duration::from_secs(4))).await;
        machine.lose();
        let record = held.record().await.unwrap();
        let clock = SystemClock::default();
        until("the deadline", Duration::from_secs(10), async || clock.now() > record.deadline).await;
        is_gone(&network, &own, &held.fault.to_string(), Duration::from_secs(6)).await;
        let seen = stream.end();
        let late = after(record.deadline, seen.back());
        assert!(late < 1000, "traffic was back {late} ms after the deadline");
        assert_eq!(seen.arrived_between(record.injected_at.unwrap(), seen.back()), 0);
    }
}

#[tokio::test]
async fn the_kernel_stops_it_where_its_processes_hang() {
    if lacks_root("the_kernel_stops_it_where_its_processes_hang") {
        return;
    }
    let network = Network::new();
    let machine = machine_in(&network, Tools::of_debian());
    let stream = Stream::begin(&network.far, &network.near);
    let held = Held::inject(&machine, everything(Duration::from_secs(4))).await;
    machine.lose();
    let processes = marked(&held.fault.to_string());
    assert_eq!(processes.len(), 2);
    signal(&processes, Signal::STOP);
    let deadline = held.record().await.unwrap().deadline;
    let clock = SystemClock::default();
    until("a second after the deadline", Duration::from_secs(10), async || {
        after(deadline, clock.now()) > 1000
    })
    .await;
    let seen = stream.end();
    let late = after(deadline, seen.back());
    assert!(late < 1000, "traffic was back {late} ms after the deadline");
    signal(&processes, Signal::KILL);
    is_gone(&network, "", &held.fault.to_string(), Duration::from_secs(1)).await;
}

#[tokio::test]
async fn it_ends_with_whichever_process_is_killed() {
    if lacks_root("it_ends_with_whichever_process_is_killed") {
        return;
    }
    for tools in all_tools() {
        let network = Network::new();
        network.near.load(OWN_RULES);
        let own = network.near.rules();
        let machine = machine_in(&network, tools);
        for victims in [&["sleep"][..], &["nft"], &["sleep", "nft"]] {
            let held = Held::inject(&machine, everything(Duration::from_secs(60))).await;
            let found = named(&held.fault.to_string());
            let mut names: Vec<_> = found.iter().map(|(_, name)| name.as_str()).collect();
            names.sort_unstable();
            assert!(names == ["nft", "sleep"] || names == ["busybox", "nft"], "{names:?}");
            let is_victim = |name: &str| victims.contains(&if name == "nft" { "nft" } else { "sleep" });
            let pids: Vec<_> =
                found.iter().filter(|(_, name)| is_victim(name)).map(|(pid, _)| *pid).collect();
            signal(&pids, Signal::KILL);
            until("the rules are gone", Duration::from_secs(1), async || network.near.rules() == own).await;
            assert!(network.far.reaches(&network.near, 9));
            let record = held.cut_short().await;
            assert!(record.note.unwrap().contains("had ended before the recovery came"));
        }
    }
}

#[tokio::test]
async fn two_at_once_know_nothing_of_one_another() {
    if lacks_root("two_at_once_know_nothing_of_one_another") {
        return;
    }
    let network = Network::new();
    let (near, far) = (&network.near, &network.far);
    let machine = machine_in(&network, Tools::of_debian());
    let ports = |port| NetworkBlackhole::ports(chaos_events::Protocol::Both, [port]).unwrap();
    let one = Held::inject(&machine, ports(9)).await;
    let other = Held::inject(&machine, ports(10)).await;
    assert!(!far.reaches(near, 9) && !far.reaches(near, 10) && far.reaches(near, 11));
    one.cut_short().await;
    assert!(far.reaches(near, 9) && !far.reaches(near, 10));
    other.cut_short().await;
    assert!(far.reaches(near, 10));
    assert_eq!(near.rules(), "");
}

#[tokio::test]
async fn starting_and_stopping_twice_does_no_harm() {
    if lacks_root("starting_and_stopping_twice_does_no_harm") {
        return;
    }
    for tools in all_tools() {
        let network = Network::new();
        let machine = machine_in(&network, tools);
        let held = Held::inject(&machine, everything(Duration::from_secs(60))).await;
        let start = machine.ran().remove(0);
        let processes = marked(&held.fault.to_string());
        let answer = machine.again(&start).await;
        assert_eq!((answer.status, answer.stderr.as_str()), (0, ""));
        assert_eq!(marked(&held.fault.to_string()), processes);
        assert_eq!(network.near.rules().matches("table inet").count(), 1);
        let fault = held.fault.to_string();
        held.cut_short().await;
        let stop = machine.ran().remove(1);
        let answer = machine.again(&stop).await;
        assert_eq!((answer.status, answer.stdout.as_str(), answer.stderr.as_str()), (0, "in_effect=0\n", ""));
        // An order that arrives after the machine has rebooted.
        let of_another_boot = edited(&start, "boot_id", "00000000-0000-0000-0000-000000000000");
        let of_the_past = edited(&start, "ends_at", "1");
        for late in [of_another_boot, of_the_past] {
            let answer = machine.again(&late).await;
            assert_eq!(answer.status, 75, "{answer:?}");
            assert_eq!((network.near.rules(), marked(&fault)), (String::new(), Vec::new()));
        }
    }
}

#[tokio::test]
async fn stopping_what_never_began_is_fine() {
    if lacks_root("stopping_what_never_began_is_fine") {
        return;
    }
    for tools in all_tools() {
        let network = Network::new();
        let machine = machine_in(&network, tools);
        Held::inject(&machine, everything(Duration::from_secs(60))).await.cut_short().await;
        let stop = edited(&machine.ran()[1], "fault", "00000000feedbeef");
        network.near.load(OWN_RULES);
        let own = network.near.rules();
        let answer = machine.again(&stop).await;
        assert_eq!((answer.status, answer.stdout.as_str(), answer.stderr.as_str()), (0, "in_effect=0\n", ""));
        assert_eq!(network.near.rules(), own);
    }
}

/// The script with another value of a parameter, which its text may name.
pub(super) fn edited(script: &Script, name: &str, value: &str) -> Script {
    let (_, old) = script.parameters().find(|(parameter, _)| *parameter == name).unwrap();
    let mut copy = Script::new(script.source().replace(&format!(" {old};"), &format!(" {value};")));
    for (parameter, old) in script.parameters() {
        let parameter: &'static str = parameter;
        copy = copy.parameter(parameter, if parameter == name { value } else { old }).unwrap();
    }
    copy
}

#[tokio::test]
async fn a_start_that_is_cut_anywhere_leaves_nothing_after_its_recovery() {
    if lacks_root("a_start_that_is_cut_anywhere_leaves_nothing_after_its_recovery") {
        return;
    }
    for tools in all_tools() {
        let network = Network::new();
        let machine = machine_in(&network, tools);
        for step in 0..25 {
            let held = Held::begin(&machine, everything(Duration::from_secs(60))).await;
            SystemClock::default().sleep(Duration::from_millis(4 * step)).await;
            signal(&marked(&held.fault.to_string()), Signal::KILL);
            let fault = held.fault.to_string();
            held.injected_or_not().await;
            held.cut_short().await;
            assert_eq!((network.near.rules(), marked(&fault)), (String::new(), Vec::new()));
        }
    }
}

#[tokio::test]
async fn a_start_that_is_cut_anywhere_ends_at_its_deadline_without_any_recovery() {
    if lacks_root("a_start_that_is_cut_anywhere_ends_at_its_deadline_without_any_recovery") {
        return;
    }
    let cut = async |milliseconds| {
        let network = Network::new();
        let machine = machine_in(&network, Tools::of_debian());
        let held = Held::begin(&machine, everything(Duration::from_secs(3))).await;
        let clock = SystemClock::default();
        clock.sleep(Duration::from_millis(milliseconds)).await;
        // Only the script, as if the connection that it came through was cut; what it has detached goes on.
        let fault = held.fault.to_string();
        let shells: Vec<_> =
            named(&fault).into_iter().filter(|(_, name)| name == "sh").map(|(pid, _)| pid).collect();
        machine.lose();
        signal(&shells, Signal::KILL);
        let deadline = held.record().await.unwrap().deadline;
        until("the deadline", Duration::from_secs(10), async || clock.now() > deadline).await;
        is_gone(&network, "", &fault, Duration::from_secs(6)).await;
    };
    join_all((0..8).map(|step| cut(step * 12))).await;
}
