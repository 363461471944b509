//! The traffic that is dropped, and the traffic that is not.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use chaos_core::{ErrorKind, Outcome, capability::NetworkShare};
use chaos_events::{Allowed, Direction, NetworkBlackhole, Protocol};

use super::{
    all_tools,
    fallbacks::{with_iptables_only, without_owners},
    namespace::Network,
};
use crate::host_faults::{
    held::{Held, own_note},
    machine::{Machine, Tools, lacks_root},
};

const ALL: [Direction; 3] = [Direction::Ingress, Direction::Egress, Direction::Both];

fn goes_in(direction: Direction) -> bool {
    direction != Direction::Egress
}

fn goes_out(direction: Direction) -> bool {
    direction != Direction::Ingress
}

/// Lets `look` see the network while `event` holds there.
async fn while_held(event: NetworkBlackhole, network: &Network, look: impl FnOnce(&Network)) {
    let machine = Machine::in_namespace(Tools::of_debian(), Some(network.near.name()));
    let held = Held::inject(&machine, event).await;
    look(network);
    let record = held.cut_short().await;
    assert!(record.achieved.get("dropped_packets").is_some(), "{record:?}");
    assert_eq!(own_note(&record), None);
    assert!(network.far.reaches(&network.near, 9) && network.near.reaches(&network.far, 9));
}

#[tokio::test]
async fn everything_but_what_keeps_a_machine_within_reach() {
    if lacks_root("everything_but_what_keeps_a_machine_within_reach") {
        return;
    }
    let network = Network::new();
    let with_cloud = |network: &Network, host: &str| {
        let address: IpAddr = host.parse().unwrap();
        network.far.address(&format!("{host}/32"));
        address
    };
    network.near.ip(&["route", "add", "default", "via", "10.77.0.2"]);
    let (metadata, stranger) = (with_cloud(&network, "169.254.169.254"), with_cloud(&network, "169.254.7.7"));
    for direction in ALL {
        while_held(NetworkBlackhole::everything().direction(direction), &network, |Network { near, far }| {
            assert_eq!(far.reaches(near, 9), !goes_in(direction));
            assert_eq!(near.reaches(far, 9), !goes_out(direction));
            assert!(!far.connects(near, 80) && !near.connects(far, 80));
            // SSH to the machine, and not from it.
            assert!(far.connects(near, 22) && !near.connects(far, 22));
            assert!(near.reaches(near, 9) && near.connects(near, 80), "loopback");
            assert!(far.reaches(near, 68) && near.reaches(far, 67), "DHCP");
            assert!(near.sends((near.v4, 0), far, (metadata, 80)), "metadata");
            assert!(far.sends((metadata, 80), near, (near.v4, 9)), "metadata");
            assert_eq!(near.sends((near.v4, 0), far, (stranger, 80)), !goes_out(direction));
            // The neighbours of IPv6 are found afresh.
            near.ip(&["neigh", "flush", "dev", "eth0"]);
            far.ip(&["neigh", "flush", "dev", "eth0"]);
            assert!(far.connects(near, 22), "neighbours");
        })
        .await;
    }
}

#[tokio::test]
async fn what_orders_to_its_shell_come_through() {
    if lacks_root("what_orders_to_its_shell_come_through") {
        return;
    }
    let network = Network::new();
    let Network { near, far } = &network;
    far.address("10.77.0.3/24");
    let stranger: IpAddr = "10.77.0.3".parse().unwrap();
    let tcp_443 = || NetworkBlackhole::ports(Protocol::Tcp, [443]).unwrap();
    for (blackhole, is_open, reaches_strangers) in [
        (NetworkBlackhole::everything(), true, false),
        (tcp_443(), true, true),
        (NetworkBlackhole::everything().allow_nothing(), false, false),
        (tcp_443().allow_nothing(), false, true),
        (NetworkBlackhole::hosts(["10.77.0.2", "fd77::2"]).unwrap(), false, true),
        (NetworkBlackhole::hosts(["10.77.0.2", "fd77::2"]).unwrap().allow(Allowed::shell()), true, true),
    ] {
        let machine = Machine::in_namespace(Tools::of_debian(), Some(near.name()));
        let machine = machine.reached_through(&[far.v4, far.v6]);
        let told = format!("{blackhole:?}");
        let held = Held::inject(&machine, blackhole).await;
        assert_eq!(near.connects(far, 443), is_open, "{told}");
        assert_eq!(near.sends((near.v4, 0), far, (stranger, 9)), reaches_strangers, "{told}");
        held.cut_short().await;
    }
}

#[tokio::test]
async fn everything_that_is_not_let_through() {
    if lacks_root("everything_that_is_not_let_through") {
        return;
    }
    let network = Network::new();
    while_held(NetworkBlackhole::everything().allow_nothing(), &network, |Network { near, far }| {
        assert!(!far.reaches(near, 9) && !near.reaches(far, 9) && !near.reaches(near, 9));
        assert!(!far.connects(near, 22));
    })
    .await;
    let allowed = [
        Allowed::host("10.77.0.2").unwrap(),
        Allowed::host("fd77::/64").unwrap(),
        Allowed::port(Protocol::Udp, 9).unwrap(),
    ];
    for (number, allowed) in allowed.into_iter().enumerate() {
        let blackhole = NetworkBlackhole::everything().allow_nothing().allow(allowed);
        while_held(blackhole, &network, |Network { near, far }| {
            let passes_v4 = number != 1;
            let passes_v6 = number != 0;
            assert_eq!(far.sends((far.v4, 0), near, (near.v4, 9)), passes_v4);
            assert_eq!(near.sends((near.v4, 9), far, (far.v4, 10)), passes_v4);
            // Neighbours are not let through.
            near.ip(&["neigh", "replace", "fd77::2", "lladdr", &far.link(), "dev", "eth0"]);
            far.ip(&["neigh", "replace", "fd77::1", "lladdr", &near.link(), "dev", "eth0"]);
            assert_eq!(far.sends((far.v6, 0), near, (near.v6, 9)), passes_v6);
            assert_eq!(near.sends((near.v6, 9), far, (far.v6, 10)), passes_v6);
        })
        .await;
        network.near.ip(&["neigh", "flush", "dev", "eth0", "nud", "permanent"]);
        network.far.ip(&["neigh", "flush", "dev", "eth0", "nud", "permanent"]);
    }
}

#[tokio::test]
async fn hosts_by_address_range_and_name() {
    if lacks_root("hosts_by_address_range_and_name") {
        return;
    }
    let network = Network::new();
    for namespace in [&network.near, &network.far] {
        // Somebody else on the same machine.
        let last = if namespace.name() == network.near.name() { 101 } else { 102 };
        namespace.address(&format!("10.78.0.{last}/24"));
        namespace.address(&format!("fd78::{last}/64"));
    }
    let (other_near, other_far): ([IpAddr; 2], [IpAddr; 2]) = (
        ["10.78.0.101".parse().unwrap(), "fd78::101".parse().unwrap()],
        ["10.78.0.102".parse().unwrap(), "fd78::102".parse().unwrap()],
    );
    let hosts: [&[&str]; 3] = [
        &["10.77.0.2", "fd77::2"],
        &["10.77.0.0/24", "10.77.0.2", "fd77::/64", "fd77:0::/48"],
        &["far.example"],
    ];
    for hosts in hosts {
        for direction in ALL {
            let blackhole = NetworkBlackhole::hosts(hosts).unwrap().direction(direction);
            let names = network.near.names("10.77.0.2 far.example\nfd77::2 far.example\n");
            while_held(blackhole, &network, |Network { near, far }| {
                assert_eq!(far.reaches(near, 9), !goes_in(direction), "{hosts:?} {direction:?}");
                assert_eq!(near.reaches(far, 9), !goes_out(direction), "{hosts:?} {direction:?}");
                for (near_address, far_address) in other_near.into_iter().zip(other_far) {
                    assert!(far.sends((far_address, 0), near, (near_address, 9)));
                    assert!(near.sends((near_address, 0), far, (far_address, 9)));
                }
            })
            .await;
            drop(names);
        }
    }
    // One address let through of a range that is not.
    let blackhole = NetworkBlackhole::hosts(["10.77.0.0/24", "10.78.0.0/24"])
        .unwrap()
        .allow(Allowed::host("10.78.0.102").unwrap());
    while_held(blackhole, &network, |Network { near, far }| {
        assert!(!near.sends((near.v4, 0), far, (far.v4, 9)));
        assert!(near.sends((other_near[0], 0), far, (other_far[0], 9)));
    })
    .await;
}

#[tokio::test]
async fn loopback_is_a_host_like_any_other_and_ports_have_no_exception_there() {
    if lacks_root("loopback_is_a_host_like_any_other_and_ports_have_no_exception_there") {
        return;
    }
    let network = Network::new();
    let loopback: IpAddr = "127.0.0.1".parse().unwrap();
    while_held(NetworkBlackhole::hosts(["127.0.0.0/8"]).unwrap(), &network, |Network { near, far }| {
        assert!(!near.sends((loopback, 0), near, (loopback, 9)));
        assert!(far.reaches(near, 9) && near.reaches(far, 9));
    })
    .await;
    let ports = NetworkBlackhole::ports(Protocol::Udp, [9]).unwrap();
    while_held(ports, &network, |Network { near, .. }| {
        assert!(!near.sends((loopback, 0), near, (loopback, 9)));
        assert!(near.sends((loopback, 9), near, (loopback, 10)));
    })
    .await;
    let resolver: IpAddr = "127.0.0.53".parse().unwrap();
    while_held(NetworkBlackhole::dns(), &network, |Network { near, .. }| {
        assert!(!near.sends((loopback, 0), near, (resolver, 53)));
    })
    .await;
}

#[tokio::test]
async fn ports_by_protocol() {
    if lacks_root("ports_by_protocol") {
        return;
    }
    let network = Network::new();
    for direction in ALL {
        for protocol in [Protocol::Tcp, Protocol::Udp, Protocol::Both] {
            let ports = [8080].into_iter().chain(9000..=9010);
            let blackhole = NetworkBlackhole::ports(protocol, ports).unwrap().direction(direction);
            while_held(blackhole, &network, |Network { near, far }| {
                let (tcp, udp) = (protocol != Protocol::Udp, protocol != Protocol::Tcp);
                for port in [8080, 9010] {
                    assert_eq!(far.connects(near, port), !(tcp && goes_in(direction)));
                    assert_eq!(near.connects(far, port), !(tcp && goes_out(direction)));
                    assert_eq!(far.reaches(near, port), !(udp && goes_in(direction)));
                    assert_eq!(near.reaches(far, port), !(udp && goes_out(direction)));
                }
                for port in [8999, 9011] {
                    assert!(far.connects(near, port) && near.connects(far, port));
                    assert!(far.reaches(near, port) && near.reaches(far, port));
                }
            })
            .await;
        }
    }
}

#[tokio::test]
async fn names_are_not_to_be_asked_for() {
    if lacks_root("names_are_not_to_be_asked_for") {
        return;
    }
    let network = Network::new();
    for direction in ALL {
        while_held(NetworkBlackhole::dns().direction(direction), &network, |Network { near, far }| {
            for port in [53, 853] {
                assert_eq!(far.reaches(near, port), !goes_in(direction));
                assert_eq!(near.reaches(far, port), !goes_out(direction));
                assert_eq!(far.connects(near, port), !goes_in(direction));
                assert_eq!(near.connects(far, port), !goes_out(direction));
            }
            assert!(far.reaches(near, 54) && near.connects(far, 80));
        })
        .await;
    }
}

#[tokio::test]
async fn what_a_machine_forwards_goes_both_ways_unless_the_hosts_tell() {
    if lacks_root("what_a_machine_forwards_goes_both_ways_unless_the_hosts_tell") {
        return;
    }
    let network = Network::new();
    let inside = network.inside();
    for direction in ALL {
        let both = direction == Direction::Both;
        while_held(
            NetworkBlackhole::everything().direction(direction),
            &network,
            |Network { far, .. }| {
                assert_eq!(far.reaches(&inside, 9), !both);
                assert_eq!(inside.reaches(far, 9), !both);
            },
        )
        .await;
        let dns = NetworkBlackhole::dns().direction(direction);
        while_held(dns, &network, |Network { far, .. }| {
            assert_eq!(inside.reaches(far, 53), !both);
            assert!(inside.reaches(far, 54));
        })
        .await;
        let hosts = NetworkBlackhole::hosts(["10.77.0.2", "fd77::2"]).unwrap().direction(direction);
        while_held(hosts, &network, |Network { far, .. }| {
            assert_eq!(far.reaches(&inside, 9), !goes_in(direction));
            assert_eq!(inside.reaches(far, 9), !goes_out(direction));
        })
        .await;
    }
    while_held(NetworkBlackhole::everything(), &network, |Network { far, .. }| {
        assert!(far.connects(&inside, 22) && inside.connects(far, 22));
    })
    .await;
}

#[tokio::test]
async fn a_process_among_others_loses_its_own_ports() {
    if lacks_root("a_process_among_others_loses_its_own_ports") {
        return;
    }
    let network = Network::new();
    let Network { near, far } = &network;
    for tools in all_tools() {
        let machine = Machine::in_namespace(tools, Some(near.name())).sharing(&[8080]);
        let held = Held::inject(&machine, NetworkBlackhole::everything()).await;
        assert!(!far.connects(near, 8080) && !far.reaches(near, 8080) && !near.connects(near, 8080));
        assert!(far.connects(near, 8081) && far.reaches(near, 8081) && near.connects(near, 8081));
        // The same port of somebody else.
        assert!(near.connects(far, 8080) && near.reaches(far, 8080));
        held.cut_short().await;

        let held = Held::inject(&machine, NetworkBlackhole::everything().direction(Direction::Egress)).await;
        assert!(far.reaches(near, 8080) && !far.connects(near, 8080));
        assert!(!near.sends((near.v4, 8080), far, (far.v4, 9)));
        held.cut_short().await;

        let held = Held::inject(&machine, NetworkBlackhole::hosts(["10.77.0.2", "fd77::2"]).unwrap()).await;
        assert!(!far.connects(near, 8080) && far.connects(near, 8081) && near.connects(near, 8080));
        held.cut_short().await;

        let both = NetworkBlackhole::ports(Protocol::Tcp, [8080, 8081]).unwrap();
        let held = Held::inject(&machine, both).await;
        assert!(!far.connects(near, 8080) && far.connects(near, 8081) && far.reaches(near, 8080));
        held.cut_short().await;

        for (blackhole, kind) in [
            (NetworkBlackhole::ports(Protocol::Tcp, [8081]).unwrap(), ErrorKind::Refused),
            (NetworkBlackhole::dns(), ErrorKind::Unsupported),
        ] {
            let report = machine.monkey().inject(blackhole, &machine.id()).await.unwrap();
            assert_eq!(report.outcome(), Outcome::Skipped, "{report}");
            let why = report.why_nothing().join("; ");
            assert!(why.contains(if kind == ErrorKind::Refused { "8080" } else { "DNS" }), "{why}");
        }
    }
}

/// The same port of another address is a neighbour's.
#[tokio::test]
async fn a_process_among_others_loses_its_own_addresses() {
    if lacks_root("a_process_among_others_loses_its_own_addresses") {
        return;
    }
    let network = Network::new();
    let Network { near, far } = &network;
    let [loopback, loopback6]: [IpAddr; 2] = ["127.0.0.1", "::1"].map(|address| address.parse().unwrap());
    let older = without_owners(Tools::of_debian());
    let tools = all_tools().into_iter().chain([older.0, with_iptables_only(Tools::of_debian())]);
    for tools in tools {
        let having = |share: NetworkShare, tools: &Tools| {
            Machine::in_namespace(tools.copied(), Some(near.name())).having(share)
        };
        let one = |address: IpAddr| NetworkShare::sockets([], [SocketAddr::new(address, 8080)]);
        let meets = |from: IpAddr, to: IpAddr| near.sends((from, 0), near, (to, 8080));
        // Those of loopback, over IPv4 and IPv6, and those of the cable: each is cut off alone.
        let all = [(loopback, loopback), (loopback6, loopback6), (near.v4, near.v4), (near.v6, near.v6)];
        for own in [loopback, loopback6, near.v4, near.v6] {
            let held = Held::inject(&having(one(own), &tools), NetworkBlackhole::everything()).await;
            for (from, to) in all {
                assert_eq!(meets(from, to), to != own, "{to} with {own} cut off");
            }
            assert_eq!(far.sends((far.v4, 0), near, (near.v4, 8080)), own != near.v4, "{own}");
            assert_eq!(near.sends((near.v6, 8080), far, (far.v6, 9)), own != near.v6, "{own}");
            held.cut_short().await;
        }
        // One that is everywhere, in its own family.
        for everywhere in ["0.0.0.0", "::"].map(|address| address.parse::<IpAddr>().unwrap()) {
            let held = Held::inject(&having(one(everywhere), &tools), NetworkBlackhole::everything()).await;
            for (from, to) in all {
                assert_eq!(meets(from, to), to.is_ipv4() != everywhere.is_ipv4(), "{to} and {everywhere}");
            }
            held.cut_short().await;
        }
        // With hosts: of both families, where the sockets are of one.
        let hosts = || NetworkBlackhole::hosts(["10.77.0.2", "fd77::2"]).unwrap();
        let held = Held::inject(&having(one(near.v6), &tools), hosts()).await;
        assert!(!far.sends((far.v6, 0), near, (near.v6, 8080)) && meets(near.v6, near.v6));
        assert!(far.sends((far.v4, 0), near, (near.v4, 8080)));
        held.cut_short().await;
    }
    drop(older.1);
}

#[tokio::test]
async fn what_was_dropped_is_counted() {
    if lacks_root("what_was_dropped_is_counted") {
        return;
    }
    let network = Network::new();
    let machine = Machine::in_namespace(Tools::of_debian(), Some(network.near.name()));
    let blackhole =
        NetworkBlackhole::ports(Protocol::Udp, [9]).unwrap().lasting(Duration::from_secs(5)).unwrap();
    let held = Held::inject(&machine, blackhole).await;
    for _ in 0..3 {
        assert!(!network.far.reaches(&network.near, 9));
        assert!(!network.near.reaches(&network.far, 9));
    }
    let record = held.ended().await;
    assert_eq!(record.achieved.get("dropped_packets"), Some(12.0));
    assert_eq!(record.requested.get("seconds"), Some(5.0));
    assert_eq!(own_note(&record), None);
}

#[tokio::test]
async fn what_is_dropped_never_reaches_the_rules_of_others() {
    if lacks_root("what_is_dropped_never_reaches_the_rules_of_others") {
        return;
    }
    let network = Network::new();
    // Earlier than where firewalls are, and than where connections are tracked.
    network.near.load(
        "table inet early { chain c { type filter hook input priority -250; policy accept; udp dport 9 counter; }; }",
    );
    let early = || network.near.run(&["nft", "list", "table", "inet", "early"]);
    let nothing_seen = || early().contains("counter packets 0 ");
    assert!(nothing_seen());
    let machine = Machine::in_namespace(Tools::of_debian(), Some(network.near.name()));
    let held = Held::inject(&machine, NetworkBlackhole::everything()).await;
    assert!(!network.far.reaches(&network.near, 9));
    assert!(nothing_seen(), "{}", early());
    held.cut_short().await;
    assert!(network.far.reaches(&network.near, 9));
    assert!(!nothing_seen(), "{}", early());
}
