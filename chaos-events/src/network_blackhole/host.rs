use std::net::IpAddr;

use chaos_core::{Error, Result};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// The other ends of traffic: addresses, ranges of addresses, and names that the target resolves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Hosts {
    pub(super) v4: Vec<Ipv4Net>,
    pub(super) v6: Vec<Ipv6Net>,
    pub(super) names: Vec<HostName>,
}

/// One entry of [`Hosts`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    Network(IpNet),
    Name(HostName),
}

/// A host name by RFC 1123. It is never an option of a command, and never an address in an unusual form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HostName(String);

/// The number of hosts, of any kind, that one environment variable can carry.
const MOST_HOSTS: usize = 256;

impl Hosts {
    pub(super) fn parse<S: AsRef<str>>(hosts: impl IntoIterator<Item = S>) -> Result<Self> {
        let mut found = Self::default();
        found.add(hosts.into_iter().map(|host| Host::parse(host.as_ref())).collect::<Result<Vec<_>>>()?);
        if found.len() == 0 {
            return Err(Error::invalid(
                "hosts",
                "none",
                "at least one address, range of addresses or host name",
            ));
        }
        found.check_number("hosts")?;
        Ok(found)
    }

    /// Refuses more hosts than one command can carry.
    pub(super) fn check_number(&self, name: &'static str) -> Result<()> {
        match self.len() {
            ..=MOST_HOSTS => Ok(()),
            many => Err(Error::invalid(name, format!("{many} of them"), format!("at most {MOST_HOSTS}"))),
        }
    }

    /// Adds all of them at once, because merging networks costs as much as sorting them.
    pub(super) fn add(&mut self, hosts: impl IntoIterator<Item = Host>) {
        for host in hosts {
            match host {
                Host::Network(IpNet::V4(network)) => self.v4.push(network),
                Host::Network(IpNet::V6(network)) => self.v6.push(network),
                Host::Name(name) => self.names.push(name),
            }
        }
        // No network is listed twice or inside another one.
        self.v4 = Ipv4Net::aggregate(&self.v4);
        self.v6 = Ipv6Net::aggregate(&self.v6);
    }

    fn len(&self) -> usize {
        self.v4.len() + self.v6.len() + self.names.len()
    }

    pub(super) fn names(&self) -> String {
        self.names.iter().map(|name| name.0.as_str()).collect::<Vec<_>>().join(",")
    }
}

impl Host {
    pub(super) fn parse(text: &str) -> Result<Self> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Network(address.to_canonical().into()));
        }
        if let Ok(network) = text.parse::<IpNet>() {
            return Ok(Self::Network(as_on_the_wire(network.trunc())));
        }
        HostName::parse(text).map(Self::Name).ok_or_else(|| {
            Error::invalid(
                "host",
                format!("{text:?}"),
                "an address (10.0.0.1, ::1), a range of addresses (10.0.0.0/8) or a host name of letters, digits, \
                 hyphens and dots",
            )
        })
    }
}

/// The network that a socket calls `::ffff:10.0.0.0/104` is `10.0.0.0/8` on the wire.
fn as_on_the_wire(network: IpNet) -> IpNet {
    let v4 = match network {
        IpNet::V4(_) => None,
        IpNet::V6(network) => network.addr().to_ipv4_mapped().zip(network.prefix_len().checked_sub(96)),
    };
    v4.and_then(|(address, prefix)| Ipv4Net::new(address, prefix).ok()).map_or(network, IpNet::V4)
}

impl HostName {
    fn parse(text: &str) -> Option<Self> {
        // The dot at the end of an absolute name has no meaning here.
        let labels: Vec<&str> = text.strip_suffix('.').unwrap_or(text).split('.').collect();
        let is_name = text.len() <= 253
            && labels.iter().all(|label| is_label(label))
            && labels.last().is_some_and(|last| !is_number(last));
        is_name.then(|| Self(text.to_owned()))
    }
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Most resolvers take a name that ends in a number for an address: `10.1` is 10.0.0.1, and `0x7f.1` is 127.0.0.1.
fn is_number(label: &str) -> bool {
    let lower = label.to_ascii_lowercase();
    match lower.strip_prefix("0x") {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => lower.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

#[cfg(test)]
mod tests {
    use std::{net::Ipv4Addr, time::Duration};

    use chaos_core::clock::{Clock, SystemClock};

    use super::*;

    fn network(text: &str) -> String {
        match Host::parse(text).unwrap() {
            Host::Network(network) => network.to_string(),
            Host::Name(name) => panic!("{name:?}"),
        }
    }

    #[test]
    fn addresses_and_ranges_are_what_travels() {
        assert_eq!(network("10.0.0.1"), "10.0.0.1/32");
        assert_eq!(network("10.1.2.3/8"), "10.0.0.0/8");
        assert_eq!(network("::1"), "::1/128");
        assert_eq!(network("2001:db8::1/32"), "2001:db8::/32");
        assert_eq!(network("::ffff:10.0.0.1"), "10.0.0.1/32");
        assert_eq!(network("::ffff:10.0.0.1/104"), "10.0.0.0/8");
        assert_eq!(network("::ffff:0:0/95"), "::fffe:0:0/95");
        assert_eq!(network("0.0.0.0/0"), "0.0.0.0/0");
    }

    #[test]
    fn names_are_those_of_hosts() {
        let longest = format!("{0}.{0}.{0}.{1}", "a".repeat(63), "b".repeat(61));
        assert_eq!(longest.len(), 253);
        for name in ["db", "db.example", "db.example.", "1and1.example", "xn--bcher-kva.example", &longest] {
            assert!(matches!(Host::parse(name), Ok(Host::Name(_))), "{name}");
        }
    }

    #[test]
    fn what_is_neither_is_refused_by_name() {
        let label = "a".repeat(64);
        let (hundreds, too_long) = ("a".repeat(300), vec!["a".repeat(50); 6].join("."));
        for text in [
            "",
            ".",
            "..",
            "a..b",
            "-h",
            "--help",
            "a-",
            "-a.example",
            "a b",
            "a,b",
            "a/b",
            "a\nb",
            "a\0b",
            "$(reboot)",
            "`reboot`",
            "a'b",
            "a\"b",
            "a;b",
            "a_b",
            "bücher.example",
            "10.1",
            "1",
            "0x7f.1",
            "0x",
            "999.1.1.1",
            "10.0.0.0/33",
            "::1/129",
            "fe80::1%eth0",
            " 10.0.0.1",
            "10.0.0.1:80",
            "[::1]",
            "*.example",
            &label,
            &hundreds,
            &too_long,
        ] {
            let error = Host::parse(text).unwrap_err().to_string();
            assert!(error.contains(&format!("{text:?}")), "{error}");
        }
    }

    #[test]
    fn ranges_swallow_what_they_hold() {
        let hosts = Hosts::parse(["10.0.0.0/8", "10.1.2.3", "192.168.0.0/25", "192.168.0.128/25"]).unwrap();
        assert_eq!(
            hosts.v4.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["10.0.0.0/8", "192.168.0.0/24"]
        );
    }

    /// This many networks, none of which merges with another, took 4 s when each was added separately.
    #[test]
    fn thousands_of_ranges_are_put_together_at_once() {
        let clock = SystemClock::default();
        let apart = (0..8_000_u32).map(|number| Ipv4Addr::from(0x0a00_0000 + 2 * number).to_string());
        let begun = clock.now();
        let error = Hosts::parse(apart).unwrap_err().to_string();
        let took = clock.now().duration_since(begun).unsigned_abs();
        assert!(error.contains("8000"), "{error}");
        assert!(took < Duration::from_millis(1500), "{took:?}");
    }

    #[test]
    fn there_are_some_and_not_too_many() {
        assert!(Hosts::parse([""; 0]).is_err());
        let names = |count| (0..count).map(|number| format!("host-{number}.example"));
        assert!(Hosts::parse(names(MOST_HOSTS)).is_ok());
        assert!(Hosts::parse(names(MOST_HOSTS + 1)).is_err());
    }
}
