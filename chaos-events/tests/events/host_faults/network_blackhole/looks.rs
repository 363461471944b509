//! A failed look is not a look that found nothing, and the report says exactly what a look has seen.

use std::{fs, os::unix::fs::symlink, time::Duration};

use chaos_core::{
    Outcome,
    fault::{CutShort, FaultState},
};
use chaos_events::{NetworkBlackhole, Protocol};
use rustix::process::Signal;
use tempfile::TempDir;

use super::{
    all_tools,
    fallbacks::{with_iptables_only, without_owners},
    lifetime::{edited, named, signal},
    namespace::Network,
};
use crate::host_faults::{
    held::Held,
    machine::{Machine, Tools, altered, lacks_root, marked, program},
};

const LONG: Duration = Duration::from_secs(60);

fn everything(duration: Duration) -> NetworkBlackhole {
    NetworkBlackhole::everything().lasting(duration).unwrap()
}

/// The carrier of a blackhole: its name, the tools, and the command that shows the rules.
fn carriers() -> Vec<(&'static str, Tools, Option<TempDir>, &'static str)> {
    let (older, directory) = without_owners(Tools::of_debian());
    vec![
        ("owner", Tools::of_debian(), None, "nft"),
        ("table", older, Some(directory), "nft"),
        ("iptables", with_iptables_only(Tools::of_debian()), None, "iptables"),
        ("ip6tables", with_iptables_only(Tools::of_debian()), None, "ip6tables"),
    ]
}

#[tokio::test]
async fn a_tool_that_is_missing_at_the_recovery_has_not_seen_nothing() {
    if lacks_root("a_tool_that_is_missing_at_the_recovery_has_not_seen_nothing") {
        return;
    }
    for (carrier, tools, _directory, command) in carriers() {
        let network = Network::new();
        let (near, far) = (&network.near, &network.far);
        let tool = tools.path().join(command);
        let stands_for = fs::read_link(&tool).unwrap();
        let machine = Machine::in_namespace(tools, Some(near.name()));
        let held = Held::inject_for_good(&machine, everything(LONG)).await;
        let fault = held.fault.to_string();
        if carrier != "owner" {
            // No process is left to remove the rules.
            signal(&marked(&fault), Signal::KILL);
        }
        fs::remove_file(&tool).unwrap();
        let (record, monkey) = held.not_recovered().await;
        let failure = record.failure.unwrap().to_string();
        assert!(failure.contains(&format!("the command {command} is missing")), "{carrier}: {failure}");
        if carrier != "owner" {
            assert!(!far.reaches(near, 9), "{carrier}: the rules are there");
        }
        symlink(stands_for, &tool).unwrap();
        let recovered = monkey.recover_pending().await.unwrap().faults.remove(0);
        assert_eq!(recovered.state, FaultState::Recovered, "{carrier}: {recovered:?}");
        assert!(far.reaches(near, 9), "{carrier}");
        let rules = near.rules();
        assert!(!rules.contains("chaos_") && !rules.contains("CHAOS-"), "{carrier}: {rules}");
        assert_eq!(marked(&fault), [0; 0], "{carrier}");
    }
}

#[tokio::test]
async fn a_look_that_fails_is_not_one_that_found_nothing() {
    if lacks_root("a_look_that_fails_is_not_one_that_found_nothing") {
        return;
    }
    for (name, how) in [
        (
            "nft",
            "echo 'netlink: Error: Unable to initialize Netlink socket: No such file or directory' >&2; exit 1",
        ),
        ("nft", "echo 'sh: nft: No such file or directory' >&2; exit 127"),
        ("nft", "kill -9 $$"),
        ("iptables", "exit 0"),
        ("iptables", "echo 'Another app is currently holding the xtables lock' >&2; exit 4"),
    ] {
        let network = Network::new();
        let (near, far) = (&network.near, &network.far);
        let switch = tempfile::tempdir().unwrap();
        let is_broken = switch.path().join("broken");
        let script = format!(
            "[ ! -e {} ] || {{ {how}; }}\nexec {} \"$@\"",
            is_broken.display(),
            program(name).display()
        );
        let tools = match name {
            // Not with its owner, with whom it would end.
            "nft" => without_owners(Tools::of_debian()),
            _ => altered(with_iptables_only(Tools::of_debian()), name, &script),
        };
        let (tools, _directories) = match name {
            "nft" => {
                let inner = fs::read_link(tools.0.path().join("nft")).unwrap();
                let script =
                    script.replace(&program(name).display().to_string(), &inner.display().to_string());
                let (outer, directory) = altered(tools.0, name, &script);
                (outer, vec![tools.1, directory])
            }
            _ => (tools.0, vec![tools.1]),
        };
        let machine = Machine::in_namespace(tools, Some(near.name()));
        let held = Held::inject_for_good(&machine, everything(LONG)).await;
        signal(&marked(&held.fault.to_string()), Signal::KILL);
        fs::write(&is_broken, "").unwrap();
        let (record, monkey) = held.not_recovered().await;
        assert!(!far.reaches(near, 9), "{how}: {record:?}");
        fs::remove_file(&is_broken).unwrap();
        let recovered = monkey.recover_pending().await.unwrap().faults.remove(0);
        assert_eq!(recovered.state, FaultState::Recovered, "{how}: {recovered:?}");
        assert!(far.reaches(near, 9), "{how}");
    }
}

/// The contents of a journal are data: no command from a person who could write there is run, and an invalid number is
/// never used.
#[tokio::test]
async fn what_a_journal_says_is_never_run() {
    if lacks_root("what_a_journal_says_is_never_run") {
        return;
    }
    for tools in all_tools() {
        let network = Network::new();
        let canary = tempfile::tempdir().unwrap();
        let touched = canary.path().join("touched");
        let touch = format!("touch {}", touched.display());
        let machine = Machine::in_namespace(tools, Some(network.near.name()));
        Held::inject(&machine, everything(LONG)).await.cut_short().await;
        let stop = machine.ran().remove(1);
        for (parameter, value) in [
            ("carried_by", touch.clone()),
            ("carried_by", format!("$({touch})")),
            ("carried_by", "nft sh".to_owned()),
            ("network", format!("net:[a[$({touch})]]")),
            ("network", "net:[1]; reboot".to_owned()),
        ] {
            let answer = machine.again(&edited(&stop, parameter, &value)).await;
            assert_eq!(answer.status, 75, "{value}: {answer:?}");
            assert!(!touched.exists(), "{value}");
        }
    }
}

/// If somebody ends the holder of the rules, or flushes them, the fault is over.
#[tokio::test]
async fn what_was_over_before_its_time_is_reported_as_that() {
    if lacks_root("what_was_over_before_its_time_is_reported_as_that") {
        return;
    }
    for (carrier, tools, _directory, command) in carriers() {
        if command == "ip6tables" {
            continue;
        }
        let network = Network::new();
        let (near, far) = (&network.near, &network.far);
        let machine = Machine::in_namespace(tools, Some(near.name()));
        let held = Held::inject(&machine, everything(Duration::from_secs(8))).await;
        assert!(!far.reaches(near, 9), "{carrier}");
        let fault = held.fault.to_string();
        match carrier {
            "owner" => {
                let nft: Vec<_> =
                    named(&fault).into_iter().filter(|(_, name)| name == "nft").map(|(pid, _)| pid).collect();
                signal(&nft, Signal::KILL);
            }
            "table" => drop(near.run(&["nft", "flush", "ruleset"])),
            _ => {
                for command in ["iptables", "ip6tables"] {
                    near.run(&[command, "-F"]);
                    near.run(&[command, "-X"]);
                }
            }
        }
        let record = held.ended().await;
        assert_eq!(record.cut_short, Some(CutShort::EndedEarly), "{carrier}: {record:?}");
        assert_eq!(marked(&fault), [0; 0], "{carrier}");
        let rules = near.rules();
        assert!(!rules.contains("chaos_") && !rules.contains("CHAOS-"), "{carrier}: {rules}");
    }
}

#[tokio::test]
async fn where_no_packet_was_dropped_nothing_was_hit() {
    if lacks_root("where_no_packet_was_dropped_nothing_was_hit") {
        return;
    }
    for (carrier, tools, _directory, _) in carriers() {
        let network = Network::new();
        let machine = Machine::in_namespace(tools, Some(network.near.name()));
        let blackhole = || {
            let blackhole = NetworkBlackhole::ports(Protocol::Udp, [9]).unwrap();
            blackhole.lasting(Duration::from_secs(5)).unwrap()
        };
        let report = machine.monkey().inject(blackhole(), &machine.id()).await.unwrap();
        assert_eq!(report.outcome(), Outcome::NoEffect, "{carrier}: {report}");
        let record = &report.faults[0];
        assert_eq!(record.achieved.get("dropped_packets"), Some(0.0), "{carrier}: {report}");
        assert_eq!(record.state, FaultState::Recovered);

        let held = Held::inject(&machine, blackhole()).await;
        assert!(!network.far.reaches(&network.near, 9));
        let record = held.ended().await;
        assert_eq!(record.no_effect, None, "{carrier}: {record:?}");
    }
}

/// The network is gone with all of its rules. Nothing on this machine needs to be asked about that.
#[tokio::test]
async fn rules_of_a_network_that_is_gone_are_gone() {
    if lacks_root("rules_of_a_network_that_is_gone_are_gone") {
        return;
    }
    let (tools, _directory) = without_owners(Tools::of_debian());
    let (network, elsewhere) = (Network::new(), Network::new());
    let machine = Machine::in_namespace(tools, Some(network.near.name()));
    let held = Held::inject(&machine, everything(LONG)).await;
    signal(&marked(&held.fault.to_string()), Signal::KILL);
    machine.move_to(elsewhere.near.name());
    drop(network);
    held.cut_short().await;
}
