//! The connection between Systems Manager and an instance, so that a fault that cuts the instance off can let it
//! through.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use chaos_core::{
    Error, ErrorKind, Result,
    capability::{Output, Script},
};

/// The endpoints of the agent; the last only in older regions.
///
/// <https://docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-setting-up-messageAPIs.html>
const SERVICES: [&str; 3] = ["ssm", "ssmmessages", "ec2messages"];

/// The domains of AWS by the first letters of their regions, as in `partitions.json` of its SDKs.
const DOMAINS: [(&str, &str); 7] = [
    ("cn-", "amazonaws.com.cn"),
    ("eusc-", "amazonaws.eu"),
    ("us-iso-", "c2s.ic.gov"),
    ("us-isob-", "sc2s.sgov.gov"),
    ("eu-isoe-", "cloud.adc-e.uk"),
    ("us-isof-", "csp.hci.ic.gov"),
    ("", "amazonaws.com"),
];

/// Determines them on the instance, because names may resolve to addresses of its own VPC.
pub(crate) fn lifeline_script(region: &str) -> Result<Script> {
    let is_there = |(first, _): &&(&str, &str)| region.starts_with(first);
    let domain = DOMAINS.iter().find(is_there).map_or("amazonaws.com", |(_, domain)| domain);
    let names = SERVICES.map(|service| format!("{service}.{region}.{domain}"));
    Script::new(include_str!("lifeline.sh")).parameter("names", names.join(" "))
}

/// The findings of the script.
///
/// # Errors
/// If it has found nothing, because a fault that cuts the instance off would then also cut off its recovery.
pub(crate) fn read_lifeline(output: &Output) -> Result<Vec<IpAddr>> {
    let mut addresses: Vec<IpAddr> = output.stdout.lines().filter_map(address).collect();
    addresses.retain(|address| !address.is_loopback() && !address.is_unspecified());
    addresses.sort_unstable();
    addresses.dedup();
    if addresses.is_empty() {
        let what = "the instance's connection to Systems Manager could not be determined: getent resolves no \
            endpoint's name, and no connection of the agent was seen";
        return Err(Error::new(ErrorKind::Unsupported, what)
            .with("exit status", output.status)
            .with("stderr", output.stderr.trim()));
    }
    Ok(addresses)
}

fn address(line: &str) -> Option<IpAddr> {
    match line.split_once(' ')? {
        ("means", address) => address.parse().ok(),
        ("connected", remote) => {
            in_hexadecimal(remote.split_once(':')?.0).map(|address| address.to_canonical())
        }
        _ => None,
    }
}

/// In the kernel's format: words of four bytes, little-endian on every processor of EC2.
fn in_hexadecimal(digits: &str) -> Option<IpAddr> {
    let word = |index: usize| {
        let digits = digits.get(index * 8..index * 8 + 8)?;
        u32::from_str_radix(digits, 16).ok().map(u32::to_le_bytes)
    };
    match digits.len() {
        8 => word(0).map(|bytes| Ipv4Addr::from(bytes).into()),
        32 => {
            let mut bytes = [0; 16];
            for index in 0..4 {
                bytes[index * 4..index * 4 + 4].copy_from_slice(&word(index)?);
            }
            Some(Ipv6Addr::from(bytes).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::{
        net::{TcpListener, TcpStream},
        process::Command,
    };

    use super::*;

    fn names(region: &str) -> String {
        let script = lifeline_script(region).unwrap();
        script.parameters().next().unwrap().1.to_owned()
    }

    #[test]
    fn endpoints_are_named_as_in_their_partition() {
        for (region, expected) in [
            ("eu-west-1", "ssm.eu-west-1.amazonaws.com"),
            ("us-gov-west-1", "ssm.us-gov-west-1.amazonaws.com"),
            ("cn-north-1", "ssm.cn-north-1.amazonaws.com.cn"),
            ("us-iso-east-1", "ssm.us-iso-east-1.c2s.ic.gov"),
            ("us-isob-east-1", "ssm.us-isob-east-1.sc2s.sgov.gov"),
        ] {
            assert_eq!(names(region).split(' ').next(), Some(expected));
        }
        assert_eq!(names("eu-west-1").split(' ').count(), 3);
    }

    #[test]
    fn addresses_are_read_and_nothing_else() {
        let output = |text: &str| Output::new(0, text, "");
        let found = read_lifeline(&output(
            "means 10.0.3.7\nmeans fd00::7\nmeans 10.0.3.7\nmeans $(reboot)\nmeans\nmeans 127.0.0.1\n\
             connected 0100007F:01BB\nconnected 0703000A:01BB\nconnected 0402FE36:01BB\nconnected 02FE36:01BB\n\
             connected 0000000000000000FFFF00000803000A:01BB\nconnected B80D0120000000000000000001000000:01BB\n",
        ));
        let expected = ["10.0.3.7", "10.0.3.8", "54.254.2.4", "2001:db8::1", "fd00::7"];
        assert_eq!(found.unwrap(), expected.map(|address| address.parse::<IpAddr>().unwrap()));
        let nothing = read_lifeline(&output("means ::1\nconnected zz:1\n")).unwrap_err();
        assert_eq!(nothing.kind(), ErrorKind::Unsupported);
    }

    /// The connections of the process that has started the script, and no others.
    #[test]
    fn connections_of_the_agent_are_seen() {
        for shell in ["sh", "dash", "busybox"] {
            let listeners = ["127.0.0.1:0", "[::1]:0"].map(|address| TcpListener::bind(address).ok());
            let addresses: Vec<_> =
                listeners.iter().flatten().map(|listener| listener.local_addr().unwrap()).collect();
            let connections: Vec<_> =
                addresses.iter().map(|address| TcpStream::connect(address).unwrap()).collect();
            let applet: &[&str] = if shell == "busybox" { &["sh"] } else { &[] };
            let run = || {
                let mut command = Command::new(shell);
                // In a shell of the shell, as the agent does it.
                command
                    .args(applet)
                    .args(["-c", "sh -c \"$program\"; exit"])
                    .env("program", include_str!("lifeline.sh"));
                command
                    .env("names", "localhost")
                    .output()
                    .ok()
                    .map(|output| String::from_utf8(output.stdout).unwrap())
            };
            let Some(found) = run() else { continue };
            for address in &addresses {
                assert!(
                    found.lines().any(|line| line.ends_with(&format!(":{:04X}", address.port()))),
                    "{shell}: {found}"
                );
            }
            assert!(found.contains("means 127.0.0.1") || found.contains("means ::1"), "{shell}: {found}");
            drop(connections);
        }
    }
}
