use crate::host_script::HostScript;

/// The script that drops the packets on a target, and stops.
pub(super) const SCRIPT: HostScript = HostScript {
    event: "network-blackhole",
    program: concat!(
        include_str!("rules.sh"),
        include_str!("nft.sh"),
        include_str!("iptables.sh"),
        include_str!("network_blackhole.sh")
    ),
};
