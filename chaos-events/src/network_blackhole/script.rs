use crate::host_script::HostScript;

/// What drops the packets on a target, and stops.
pub(super) const SCRIPT: HostScript = HostScript {
    event: "network-blackhole",
    program: concat!(
        include_str!("../../scripts/common.sh"),
        include_str!("../../scripts/network_blackhole/rules.sh"),
        include_str!("../../scripts/network_blackhole/nft.sh"),
        include_str!("../../scripts/network_blackhole/iptables.sh"),
        include_str!("../../scripts/network_blackhole.sh")
    ),
};
