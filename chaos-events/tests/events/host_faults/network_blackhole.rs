//! The network blackhole, in network namespaces of the tests' own: real rules, real packets, none of them to anywhere
//! else.

pub(crate) mod fallbacks;
mod hostile;
mod lifetime;
mod looks;
pub(crate) mod namespace;
mod stream;
mod what;

use std::time::Duration;

use chaos_events::{NetworkBlackhole, RestoreTraffic};
use chaos_testkit::{Subject, Timing, contract};

use self::namespace::Network;
use crate::host_faults::machine::{Machine, Tools, lacks_root, program};

/// The tools of this system, and those of busybox together with the tools that no busybox has.
pub(crate) fn all_tools() -> Vec<Tools> {
    let with = |tools: Tools| tools.with("nft", program("nft")).with("getent", program("getent"));
    [Some(Tools::of_debian()), Some(Tools::of_bash()), Tools::of_busybox().map(with)]
        .into_iter()
        .flatten()
        .collect()
}

#[tokio::test]
async fn its_recovery_keeps_the_contract() {
    if lacks_root("its_recovery_keeps_the_contract") {
        return;
    }
    for tools in all_tools() {
        let network = Network::new();
        let machine = Machine::in_namespace(tools, Some(network.near.name()));
        let fresh = async || Ok(Subject::new(machine.clone(), machine.id()));
        let blackhole = NetworkBlackhole::everything();
        contract::recovery::check::<RestoreTraffic>(&Timing::default(), blackhole, fresh).await.assert_kept();
        assert_eq!(network.near.rules(), "");
    }
}

#[tokio::test]
async fn it_keeps_the_contract() {
    if lacks_root("it_keeps_the_contract") {
        return;
    }
    let network = Network::new();
    let machine = Machine::in_namespace(Tools::of_debian(), Some(network.near.name()));
    let fresh = async || Ok(Subject::new(machine.clone(), machine.id()));
    let blackhole = NetworkBlackhole::dns().lasting(Duration::from_secs(2)).unwrap();
    contract::event::check(&Timing::default(), blackhole, chaos_events::registry(), fresh)
        .await
        .assert_kept();
    assert_eq!(network.near.rules(), "");
}
