use std::time::Duration;

use async_trait::async_trait;
use chaos_core::{Capability, CapabilitySet, ChaosEvent, Error, Hold, Prepared, Result, Scope};

use super::{
    Allowed, BlackholeFromOutside, Direction, Protocol, RestoreTraffic, allowed::Openings, host::Hosts,
    ports::Ports, rules::Rules, script::SCRIPT, traffic::Traffic,
};
use crate::host_script::{HostFault, START_WITHIN};

/// Drops traffic of a target for a while: all of it, that with certain hosts, that of certain ports, or DNS.
///
/// The packets are dropped by rules in an nftables table of the fault's own, which come before all others of the
/// machine and leave those as they are. The kernel stops dropping at the deadline, and removes the table when the
/// process that holds it ends for any reason. If nftables is older, or there is only iptables, a process on the target
/// removes the rules instead; the report says so, and explains the difference.
///
/// If the target is one process of a machine
/// ([`NetworkShare::Sockets`](chaos_core::capability::NetworkShare::Sockets)), only traffic of the addresses and ports
/// on which it listens is dropped, on loopback too: [`ports`](Self::ports) must name some of these ports, and
/// [`dns`](Self::dns) is not supported. Another process that serves the same port on another address is not affected,
/// and neither are the outgoing connections of the target.
///
/// The number of dropped packets is reported as `dropped_packets`. If it is zero, nothing was hit, and the report says
/// so.
///
/// ```
/// use std::time::Duration;
/// use chaos_events::{Direction, NetworkBlackhole, Protocol};
///
/// let no_database = NetworkBlackhole::hosts(["10.0.3.0/24", "db.example", "2001:db8::5"])?
///     .direction(Direction::Egress)
///     .lasting(Duration::from_secs(30))?;
/// let no_service = NetworkBlackhole::ports(Protocol::Tcp, [443].into_iter().chain(8080..=8089))?;
/// assert!(NetworkBlackhole::hosts(["--help"]).is_err());
/// # let _ = (no_database, no_service);
/// # Ok::<(), chaos_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct NetworkBlackhole {
    traffic: Traffic,
    direction: Direction,
    allowed: Vec<Allowed>,
    hold: Hold,
}

impl NetworkBlackhole {
    /// Drops everything except the traffic that keeps a machine alive and within its operator's reach: loopback, SSH,
    /// DHCP, IPv6 neighbour discovery, the services of its cloud, and the traffic that carries orders to its shell. You
    /// can change that list with [`allow`](Self::allow) and [`allow_nothing`](Self::allow_nothing).
    pub fn everything() -> Self {
        Self::of(Traffic::Everything, Allowed::by_default())
    }

    /// Drops traffic with these hosts: addresses, ranges of addresses (`10.0.0.0/8`), and names. The target resolves
    /// the names when the fault is prepared; if it cannot resolve one, it is left alone. It resolves them again when
    /// the fault begins, and those addresses count.
    ///
    /// Neighbour discovery is let through, like ARP. The traffic that carries orders to the target's shell is not: if
    /// these hosts include its endpoints, nothing ends the fault before its deadline, unless it is
    /// [allowed](Allowed::shell).
    ///
    /// # Errors
    /// `InvalidInput` for any other text, and for no hosts or more than 256.
    pub fn hosts<S: AsRef<str>>(hosts: impl IntoIterator<Item = S>) -> Result<Self> {
        let hosts = Traffic::Hosts(Hosts::parse(hosts)?);
        Ok(Self::of(hosts, vec![Allowed::neighbour_discovery()]))
    }

    /// Drops packets that are sent to these ports, on loopback too: [`Ingress`](Direction::Ingress) those to the
    /// machine's own services, [`Egress`](Direction::Egress) those to services elsewhere.
    ///
    /// The traffic that carries orders to the target's shell is let through.
    ///
    /// # Errors
    /// `InvalidInput` for port 0 and for no ports.
    pub fn ports(protocol: Protocol, ports: impl IntoIterator<Item = u16>) -> Result<Self> {
        Ok(Self::of(Traffic::Ports(Ports::of(protocol, ports)?), vec![Allowed::shell()]))
    }

    /// Drops DNS: packets to ports 53 and 853. This includes loopback, because many machines have their resolver there.
    pub fn dns() -> Self {
        Self::of(Traffic::Dns, Vec::new())
    }

    /// Drops everything by settings of the target's platform, such as security groups, instead of by a script: it needs
    /// no shell, and nothing but its recovery ends it. [`BlackholeFromOutside`] lists the other differences.
    ///
    /// # Errors
    /// `InvalidInput` for hosts, ports, DNS, one direction, and a list of allowed traffic, because only a script can do
    /// these. [`everything`](Self::everything) as it is, and [with nothing let through](Self::allow_nothing), mean the
    /// same here.
    pub fn from_outside(self) -> Result<BlackholeFromOutside> {
        let lacking = if self.traffic != Traffic::Everything {
            "hosts, ports or DNS"
        } else if self.direction != Direction::Both {
            "one direction"
        } else if !self.allowed.is_empty() && self.allowed != Allowed::by_default() {
            "a list of allowed traffic"
        } else {
            return Ok(BlackholeFromOutside::held(self.hold));
        };
        let expected = "NetworkBlackhole::everything(): settings of a platform cut a target off as a whole; leave \
            out from_outside to do this by a script on a target with a shell";
        Err(Error::invalid("network blackhole from outside", lacking, expected))
    }

    fn of(traffic: Traffic, allowed: Vec<Allowed>) -> Self {
        Self { traffic, direction: Direction::Both, allowed, hold: Hold::DEFAULT }
    }

    /// Drops only packets in this direction. Packets that a machine merely forwards, for example for its containers,
    /// count for both directions, unless the hosts determine the direction.
    #[must_use]
    pub fn direction(mut self, direction: Direction) -> Self {
        self.direction = direction;
        self
    }

    /// Lets this through as well. For a process among others, only hosts and ports can be let through.
    #[must_use]
    pub fn allow(mut self, allowed: Allowed) -> Self {
        self.allowed.push(allowed);
        self
    }

    /// Lets nothing through, not even the default traffic. A machine may be out of reach for everybody until the
    /// deadline.
    #[must_use]
    pub fn allow_nothing(mut self) -> Self {
        self.allowed.clear();
        self
    }

    /// Drops for this long. Default: 60 seconds.
    ///
    /// # Errors
    /// `InvalidInput` for zero and for more than 12 hours.
    pub fn lasting(mut self, duration: Duration) -> Result<Self> {
        self.hold = Hold::lasting(duration)?;
        Ok(self)
    }
}

#[async_trait]
impl ChaosEvent for NetworkBlackhole {
    fn name(&self) -> &'static str {
        SCRIPT.event
    }

    fn requires(&self) -> CapabilitySet {
        CapabilitySet::of([Capability::Shell])
    }

    fn hold(&self) -> Hold {
        self.hold
    }

    async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
        let fault = HostFault::prepared(SCRIPT, scope)?;
        let dropped = self.traffic.on(&fault.shell().network().await?)?;
        let is_machine = dropped.own.is_none();
        let lifeline = match is_machine && self.allowed.contains(&Allowed::shell()) {
            true => fault.shell().lifeline().await?,
            false => Vec::new(),
        };
        let openings = Openings::of(&self.allowed, is_machine, &lifeline)?;
        let rules = Rules { dropped, direction: self.direction, openings };
        let ready = rules.tell(fault).preflight(scope).await?;
        let (vantage, network) = (ready.vantage.clone(), ready.answer.text("network")?.to_owned());
        let carried_by = ready.answer.text("carried_by")?.to_owned();
        let ready = ready.with("carried_by", &carried_by);
        let begun = scope.clone();
        let recovery = RestoreTraffic { vantage, network, carried_by, ..RestoreTraffic::default() };
        let prepared = Prepared::new(recovery, |permit| {
            Box::pin(async move {
                ready.start(START_WITHIN, permit).await?.tell_notes(&begun);
                // It returns when it has seen the rules in effect.
                begun.see_effect();
                Ok(())
            })
        });
        Ok(prepared.requesting("seconds", self.hold.duration().as_secs_f64()))
    }
}
