use std::sync::Arc;

use chaos_core::{
    ChaosEvent, Error, Registry, Result,
    catalogue::{Arguments, EventCatalogue, EventSpec, FromArguments, Parameter},
};

use super::{Allowed, Direction, NetworkBlackhole, Protocol, RestoreTraffic};
use crate::RestoreSettings;

/// The parameter that selects the other way: by settings of the target's platform.
const FROM_OUTSIDE: &str = "from-outside";

/// Adds the blackhole in both its ways.
pub(crate) fn both_ways(catalogue: EventCatalogue) -> EventCatalogue {
    let about = "not on the target but by settings of its platform, such as security groups; nothing but the recovery \
                 ends it, and open connections may survive it";
    let spec = NetworkBlackhole::spec().with(Parameter::flag(FROM_OUTSIDE, about).only_with("all"));
    let recoveries = NetworkBlackhole::recoveries().register::<RestoreSettings>();
    catalogue.register_with(spec, recoveries, |given| {
        let blackhole = NetworkBlackhole::from_arguments(given)?;
        let event: Arc<dyn ChaosEvent> = match given.is_given(FROM_OUTSIDE) {
            true => Arc::new(blackhole.from_outside()?),
            false => Arc::new(blackhole),
        };
        Ok(event)
    })
}

impl FromArguments for NetworkBlackhole {
    fn spec() -> EventSpec {
        EventSpec::new("network-blackhole", "Drop traffic of the target for a while; needs root")
            .with(Parameter::flag(
                "all",
                "all traffic of the target; for a process of this machine, all traffic of the ports on which it \
                 listens",
            ))
            .with(
                Parameter::text("hosts", "traffic with these hosts, such as 10.0.0.0/8,db.example")
                    .value_name("HOSTS")
                    .list(),
            )
            .with(Parameter::ports("ports", "traffic to these ports, such as 8080,9000-9010"))
            .with(Parameter::flag("dns", "DNS"))
            .one_of(["all", "hosts", "ports", "dns"])
            .with(
                Parameter::choice("protocol", [("tcp", ""), ("udp", "")], "the protocol of the ports")
                    .default("both")
                    .only_with("ports"),
            )
            .with(
                Parameter::choice(
                    "direction",
                    [("ingress", "To the target"), ("egress", "From the target")],
                    "only packets in this direction",
                )
                .value_name("WAY")
                .default("both"),
            )
            .with(Parameter::text("allow", "let traffic with these hosts through").value_name("HOSTS").list())
            .with(Parameter::hold())
    }

    fn from_arguments(given: &Arguments) -> Result<Self> {
        let hosts = given.texts("hosts")?;
        let ports = given.ports("ports")?;
        let mut blackhole = if !hosts.is_empty() {
            Self::hosts(hosts).map_err(|error| of_parameter("hosts", error))?
        } else if !ports.is_empty() {
            let protocol = match given.text("protocol")? {
                Some("tcp") => Protocol::Tcp,
                Some("udp") => Protocol::Udp,
                _ => Protocol::Both,
            };
            Self::ports(protocol, ports)?
        } else if given.is_given("dns") {
            Self::dns()
        } else {
            Self::everything()
        };
        match given.text("direction")? {
            Some("ingress") => blackhole = blackhole.direction(Direction::Ingress),
            Some("egress") => blackhole = blackhole.direction(Direction::Egress),
            _ => {}
        }
        for host in given.texts("allow")? {
            let allowed = Allowed::host(host).map_err(|error| of_parameter("allow", error))?;
            blackhole = blackhole.allow(allowed);
        }
        match given.duration("duration")? {
            Some(duration) => blackhole.lasting(duration),
            None => Ok(blackhole),
        }
    }

    fn recoveries() -> Registry {
        Registry::default().register::<RestoreTraffic>()
    }
}

/// A mistake in one host of a list is a mistake in the parameter.
fn of_parameter(name: &str, error: Error) -> Error {
    match error.field() {
        Some("host") => error.in_field(name),
        _ => error,
    }
}
