//! Targets that lack something: an older nft, no nft, no right to change the network.

use std::time::Duration;

use chaos_core::{
    Outcome,
    clock::{Clock, SystemClock},
};
use chaos_events::{Direction, NetworkBlackhole, Protocol};
use tempfile::TempDir;

use super::{
    all_tools,
    lifetime::{is_gone, named, signal},
    namespace::Network,
    stream::{Stream, after},
};
use crate::host_faults::{
    held::Held,
    machine::{Machine, Tools, altered, lacks_root, marked, program, until},
};
use rustix::process::Signal;

/// An nft, or a kernel, from before tables had owners.
pub(crate) fn without_owners(tools: Tools) -> (Tools, TempDir) {
    let nft = program("nft");
    let script = format!(
        "nft={}
        case \" $* \" in
        *' -f '*)
            input=$(cat)
            case $input in *'flags owner'*) echo 'Error: syntax error, unexpected owner' >&2; exit 1;; esac
            printf '%s\\n' \"$input\" | \"$nft\" \"$@\"
            ;;
        *' -i '*) exit 1 ;;
        *) exec \"$nft\" \"$@\" ;;
        esac",
        nft.display()
    );
    altered(tools, "nft", &script)
}

/// An nft that was built without its command line.
fn without_command_line(tools: Tools) -> (Tools, TempDir) {
    let script = format!("[ \"$1\" != -i ] || exit 1\nexec {} \"$@\"", program("nft").display());
    altered(tools, "nft", &script)
}

pub(crate) fn with_iptables_only(tools: Tools) -> Tools {
    let mut tools = tools.without("nft");
    for name in ["iptables", "ip6tables", "iptables-restore", "ip6tables-restore"] {
        tools = tools.with(name, program(name));
    }
    tools
}

fn everything(duration: Duration) -> NetworkBlackhole {
    NetworkBlackhole::everything().lasting(duration).unwrap()
}

/// The tables that iptables makes, which it leaves behind.
fn with_tables_of_iptables(network: &Network) -> String {
    network.near.run(&["iptables", "-A", "INPUT", "-p", "tcp", "--dport", "12345", "-j", "ACCEPT"]);
    network.near.run(&["ip6tables", "-A", "INPUT", "-p", "tcp", "--dport", "12345", "-j", "ACCEPT"]);
    for (command, chain) in
        [("iptables", "FORWARD"), ("iptables", "OUTPUT"), ("ip6tables", "FORWARD"), ("ip6tables", "OUTPUT")]
    {
        network.near.run(&[command, "-A", chain, "-p", "tcp", "--dport", "12345", "-j", "ACCEPT"]);
    }
    network.near.rules()
}

/// Without the counters of the user's own rules, which go on counting.
fn uncounted(rules: &str) -> String {
    rules.lines().map(|line| line.split(" counter ").next().unwrap()).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn an_older_nft_gets_a_janitor() {
    if lacks_root("an_older_nft_gets_a_janitor") {
        return;
    }
    for (number, tools) in all_tools().into_iter().chain(all_tools()).enumerate() {
        let (tools, _directory) =
            if number % 2 == 0 { without_owners(tools) } else { without_command_line(tools) };
        let network = Network::new();
        let (near, far) = (&network.near, &network.far);
        let machine = Machine::in_namespace(tools, Some(near.name()));
        let held = Held::inject(&machine, everything(Duration::from_secs(60))).await;
        assert!(!far.reaches(near, 9) && far.connects(near, 22));
        let fault = held.fault.to_string();
        let record = held.cut_short().await;
        assert!(record.note.as_deref().unwrap().contains("without effect"), "{record:?}");
        assert!(record.achieved.get("dropped_packets").unwrap() > 0.0);
        assert_eq!((near.rules(), marked(&fault)), (String::new(), Vec::new()));

        // And by itself.
        let stream = Stream::begin(far, near);
        let held = Held::inject(&machine, everything(Duration::from_secs(4))).await;
        machine.lose();
        let deadline = held.record().await.unwrap().deadline;
        let clock = SystemClock::default();
        until("the deadline", Duration::from_secs(10), async || clock.now() > deadline).await;
        is_gone(&network, "", &held.fault.to_string(), Duration::from_secs(6)).await;
        let late = after(deadline, stream.end().back());
        assert!(late < 1000, "traffic was back {late} ms after the deadline");
    }
}

#[tokio::test]
async fn the_kernel_needs_no_janitor_to_let_traffic_through() {
    if lacks_root("the_kernel_needs_no_janitor_to_let_traffic_through") {
        return;
    }
    let network = Network::new();
    let (tools, _directory) = without_owners(Tools::of_debian());
    let machine = Machine::in_namespace(tools, Some(network.near.name()));
    let stream = Stream::begin(&network.far, &network.near);
    let held = Held::inject(&machine, everything(Duration::from_secs(4))).await;
    signal(&marked(&held.fault.to_string()), Signal::KILL);
    assert!(network.near.rules().contains(&held.table()));
    let record = held.ended().await;
    assert_eq!(network.near.rules(), "");
    until("there is some traffic again", Duration::from_secs(2), async || {
        after(record.deadline, SystemClock::default().now()) > 500
    })
    .await;
    let late = after(record.deadline, stream.end().back());
    assert!(late < 1000, "traffic was back {late} ms after the deadline");
}

#[tokio::test]
async fn rules_in_another_network_are_removed_with_their_janitor_and_without() {
    if lacks_root("rules_in_another_network_are_removed_with_their_janitor_and_without") {
        return;
    }
    for (has_nft, is_killed) in [(true, false), (true, true), (false, false), (false, true)] {
        let (old_nft, _directory) = without_owners(Tools::of_debian());
        let tools = if has_nft { old_nft } else { with_iptables_only(Tools::of_debian()) };
        let (network, elsewhere) = (Network::new(), Network::new());
        let before = with_tables_of_iptables(&network);
        let machine = Machine::in_namespace(tools, Some(network.near.name()));
        let held = Held::inject(&machine, everything(Duration::from_secs(60))).await;
        machine.move_to(elsewhere.near.name());
        if is_killed {
            signal(&marked(&held.fault.to_string()), Signal::KILL);
            assert!(!network.far.reaches(&network.near, 9), "nobody is left who would remove them");
        }
        held.cut_short().await;
        assert_eq!(uncounted(&network.near.rules()), uncounted(&before));
        assert!(network.far.reaches(&network.near, 9));
    }
}

#[tokio::test]
async fn without_nft_there_is_iptables() {
    if lacks_root("without_nft_there_is_iptables") {
        return;
    }
    for tools in all_tools() {
        let network = Network::new();
        let (near, far) = (&network.near, &network.far);
        let before = uncounted(&with_tables_of_iptables(&network));
        let machine = Machine::in_namespace(with_iptables_only(tools), Some(near.name()));

        let held = Held::inject(&machine, everything(Duration::from_secs(60))).await;
        let fault = held.fault.to_string();
        assert!(!far.reaches(near, 9) && !near.reaches(far, 9) && near.reaches(near, 9));
        assert!(far.connects(near, 22) && !near.connects(far, 22));
        assert!(far.reaches(near, 68) && near.reaches(far, 67));
        assert_eq!(machine.again(&machine.ran()[0]).await.status, 0);
        let record = held.cut_short().await;
        assert!(record.note.as_deref().unwrap().contains("no nftables"), "{record:?}");
        assert!(record.achieved.get("dropped_packets").unwrap() > 0.0, "{record:?}");
        assert_eq!((uncounted(&near.rules()), marked(&fault)), (before.clone(), Vec::new()));

        let hosts = ["10.77.0.2", "10.9.0.0/16", "fd77::2"];
        let blackhole = NetworkBlackhole::hosts(hosts).unwrap().direction(Direction::Ingress);
        let held = Held::inject(&machine, blackhole).await;
        assert!(!far.reaches(near, 9) && near.reaches(far, 9));
        held.cut_short().await;

        let ports = [8080].into_iter().chain(9000..=9010);
        let held = Held::inject(&machine, NetworkBlackhole::ports(Protocol::Tcp, ports).unwrap()).await;
        assert!(!far.connects(near, 8080) && !near.connects(far, 9005) && far.connects(near, 8999));
        assert!(far.reaches(near, 8080));
        held.cut_short().await;
        assert_eq!(uncounted(&near.rules()), before);
    }
}

#[tokio::test]
async fn iptables_rules_end_at_the_deadline_without_any_recovery() {
    if lacks_root("iptables_rules_end_at_the_deadline_without_any_recovery") {
        return;
    }
    let network = Network::new();
    let before = with_tables_of_iptables(&network);
    let machine = Machine::in_namespace(with_iptables_only(Tools::of_debian()), Some(network.near.name()));
    let stream = Stream::begin(&network.far, &network.near);
    let held = Held::inject(&machine, everything(Duration::from_secs(3))).await;
    machine.lose();
    let deadline = held.record().await.unwrap().deadline;
    let clock = SystemClock::default();
    until("the deadline", Duration::from_secs(10), async || clock.now() > deadline).await;
    until("nothing of the fault is left", Duration::from_secs(6), async || {
        uncounted(&network.near.rules()) == uncounted(&before) && marked(&held.fault.to_string()).is_empty()
    })
    .await;
    let late = after(deadline, stream.end().back());
    assert!(late < 1000, "traffic was back {late} ms after the deadline");
}

#[tokio::test]
async fn iptables_rules_have_no_effect_after_the_deadline_where_the_kernel_knows_the_time() {
    if lacks_root("iptables_rules_have_no_effect_after_the_deadline_where_the_kernel_knows_the_time") {
        return;
    }
    let network = Network::new();
    let machine = Machine::in_namespace(with_iptables_only(Tools::of_debian()), Some(network.near.name()));
    let stream = Stream::begin(&network.far, &network.near);
    let held = Held::inject(&machine, everything(Duration::from_secs(3))).await;
    if !network.near.run(&["iptables-save"]).contains("datestop") {
        eprintln!("skipped: the kernel has no xt_time");
        return;
    }
    machine.lose();
    signal(&marked(&held.fault.to_string()), Signal::KILL);
    let deadline = held.record().await.unwrap().deadline;
    let clock = SystemClock::default();
    until("a while after the deadline", Duration::from_secs(6), async || after(deadline, clock.now()) > 1500)
        .await;
    let late = after(deadline, stream.end().back());
    assert!(late < 1100, "traffic was back {late} ms after the deadline");
}

#[tokio::test]
async fn iptables_rules_are_removed_by_the_recovery_where_the_janitor_was_killed() {
    if lacks_root("iptables_rules_are_removed_by_the_recovery_where_the_janitor_was_killed") {
        return;
    }
    let network = Network::new();
    let before = with_tables_of_iptables(&network);
    let machine = Machine::in_namespace(with_iptables_only(Tools::of_debian()), Some(network.near.name()));
    let held = Held::inject(&machine, everything(Duration::from_secs(60))).await;
    let names: Vec<_> = named(&held.fault.to_string()).into_iter().map(|(_, name)| name).collect();
    assert!(names.contains(&"sh".to_owned()) && names.contains(&"sleep".to_owned()), "{names:?}");
    signal(&marked(&held.fault.to_string()), Signal::KILL);
    assert!(!network.far.reaches(&network.near, 9));
    held.cut_short().await;
    assert_eq!(uncounted(&network.near.rules()), uncounted(&before));
    assert!(network.far.reaches(&network.near, 9));
}

#[tokio::test]
async fn a_start_with_a_janitor_that_is_cut_anywhere_leaves_nothing_after_its_recovery() {
    if lacks_root("a_start_with_a_janitor_that_is_cut_anywhere_leaves_nothing_after_its_recovery") {
        return;
    }
    let (old_nft, _directory) = without_owners(Tools::of_debian());
    for tools in [old_nft, with_iptables_only(Tools::of_debian())] {
        let network = Network::new();
        let before = uncounted(&with_tables_of_iptables(&network));
        let machine = Machine::in_namespace(tools, Some(network.near.name()));
        for step in 0..20 {
            let held = Held::begin(&machine, everything(Duration::from_secs(60))).await;
            SystemClock::default().sleep(Duration::from_millis(8 * step)).await;
            let fault = held.fault.to_string();
            signal(&marked(&fault), Signal::KILL);
            held.injected_or_not().await;
            held.cut_short().await;
            assert_eq!((uncounted(&network.near.rules()), marked(&fault)), (before.clone(), Vec::new()));
        }
    }
}

#[tokio::test]
async fn without_ip6tables_a_machine_that_uses_ipv6_is_left_alone() {
    if lacks_root("without_ip6tables_a_machine_that_uses_ipv6_is_left_alone") {
        return;
    }
    let tools = || with_iptables_only(Tools::of_debian()).without("ip6tables").without("ip6tables-restore");
    let network = Network::new();
    let machine = Machine::in_namespace(tools(), Some(network.near.name()));
    is_left_alone(&machine, "IPv6 is in use").await;
    assert_eq!(network.near.rules(), "");
    // There is nothing of IPv6 to drop.
    let v4 = Held::inject(&machine, NetworkBlackhole::hosts(["10.77.0.2"]).unwrap()).await;
    assert!(!network.far.sends((network.far.v4, 0), &network.near, (network.near.v4, 9)));
    v4.cut_short().await;
    network.near.run(&["sysctl", "-q", "-w", "net.ipv6.conf.all.disable_ipv6=1"]);
    let disabled = Held::inject(&machine, NetworkBlackhole::everything()).await;
    assert!(!network.far.sends((network.far.v4, 0), &network.near, (network.near.v4, 9)));
    disabled.cut_short().await;
    assert!(network.far.sends((network.far.v4, 0), &network.near, (network.near.v4, 9)));
}

#[tokio::test]
async fn without_tools_or_privilege_nothing_is_touched() {
    if lacks_root("without_tools_or_privilege_nothing_is_touched") {
        return;
    }
    let network = Network::new();
    let machine = |tools| Machine::in_namespace(tools, Some(network.near.name()));
    is_left_alone(&machine(Tools::of_debian().without("nft").without("iptables")), "nft is missing").await;
    if let Some(tools) = Tools::of_busybox() {
        is_left_alone(&machine(tools), "nft is missing").await;
    }
    is_left_alone(&machine(Tools::of_debian().without("setsid")), "setsid is missing").await;
    for less in
        ["--bounding-set -net_admin --inh-caps -net_admin", "--reuid 65534 --regid 65534 --clear-groups"]
    {
        let tools = Tools::of_debian().entered_through(&format!("exec setpriv {less} /bin/dash \"$@\""));
        is_left_alone(&machine(tools), "CAP_NET_ADMIN").await;
    }
    assert_eq!(network.near.rules(), "");
}

async fn is_left_alone(machine: &Machine, why: &str) {
    let report = machine.monkey().inject(NetworkBlackhole::everything(), &machine.id()).await.unwrap();
    assert_eq!(report.outcome(), Outcome::Skipped, "{report}");
    let reasons = report.why_nothing().join("; ");
    assert!(reasons.contains(why), "{reasons}");
    assert!(machine.ran().is_empty());
}
