use std::{fmt, fs, io, str::FromStr};

use chaos_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

/// The scope in which process ids are valid: one boot of one machine, and one pid namespace.
///
/// Written as `namespace.boot.machine` in the ids of targets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    boot: String,
    pid_namespace: String,
    /// Outlives a boot. `None` in ids of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    machine: Option<String>,
}

/// The relation of a place to this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// It is this place.
    Here,
    /// It is an earlier boot of this machine: nothing is left of its processes.
    BeforeReboot,
    /// It is another machine or another container, or that is unknown: nothing is known about its processes.
    Elsewhere,
}

impl Place {
    /// That of this process.
    ///
    /// # Errors
    /// `Unavailable` if `/proc` does not tell it.
    pub(crate) fn here() -> Result<Self> {
        let read = || -> io::Result<Self> {
            let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned();
            let pid_namespace = fs::read_link("/proc/self/ns/pid")?.to_string_lossy().into_owned();
            // Images are copied with their machine id, and host names are used twice: only both together tell machines
            // apart.
            let id = fs::read_to_string("/etc/machine-id").unwrap_or_default();
            let name = fs::read_to_string("/proc/sys/kernel/hostname")?;
            let machine = format!("{:016x}", fnv_1a(format!("{}\n{}", id.trim(), name.trim()).as_bytes()));
            Ok(Self { boot, pid_namespace, machine: Some(machine) })
        };
        read().map_err(|error| {
            Error::new(ErrorKind::Unavailable, "/proc does not say which machine this is").caused_by(error)
        })
    }

    pub(crate) fn seen_from(&self, here: &Self) -> Seen {
        // The kernel draws the id of a boot at random, so it is unique to one machine.
        match self.boot() == here.boot() {
            true if self.pid_namespace() == here.pid_namespace() => Seen::Here,
            true => Seen::Elsewhere,
            false if self.machine.is_some() && self.machine == here.machine => Seen::BeforeReboot,
            false => Seen::Elsewhere,
        }
    }

    /// Half of its digits, which is enough to be unique.
    fn boot(&self) -> String {
        self.boot.chars().filter(|character| *character != '-').take(16).collect()
    }

    /// The number in `pid:[number]`.
    fn pid_namespace(&self) -> &str {
        self.pid_namespace.trim_start_matches("pid:[").trim_end_matches(']')
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let machine = self.machine.as_deref().unwrap_or("unknown");
        write!(f, "{}.{}.{machine}", self.pid_namespace(), self.boot())
    }
}

impl FromStr for Place {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let is_hexadecimal = |part: &&str| {
            part.len() == 16 && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        let mut parts = text.split('.');
        let pid_namespace = parts.next().filter(|part| {
            !part.is_empty() && part.len() <= 20 && part.bytes().all(|byte| byte.is_ascii_digit())
        });
        let (boot, machine) = (parts.next().filter(is_hexadecimal), parts.next().filter(is_hexadecimal));
        match (pid_namespace, boot, machine, parts.next()) {
            (Some(pid_namespace), Some(boot), Some(machine), None) => Ok(Self {
                boot: boot.to_owned(),
                pid_namespace: pid_namespace.to_owned(),
                machine: Some(machine.to_owned()),
            }),
            _ => Err(Error::invalid("place of a process", format!("{text:?}"), "namespace.boot.machine")),
        }
    }
}

/// A hash, because the machine's id is confidential and its name may contain anything. See Fowler, Noll and Vo, 64
/// bits.
fn fnv_1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_back_from_its_text() {
        let here = Place::here().unwrap();
        let again: Place = here.to_string().parse().unwrap();
        assert_eq!(again.to_string(), here.to_string());
        assert_eq!(again.seen_from(&here), Seen::Here);
        for text in ["", "1.2.3", "4026531836.d9a5c8f01b2c4d3e", "x.d9a5c8f01b2c4d3e.90f1a2b3c4d5e6f7"] {
            assert!(text.parse::<Place>().is_err(), "{text}");
        }
    }

    #[test]
    fn only_another_boot_of_this_very_machine_is_before_a_reboot() {
        let place = |namespace: &str, boot: &str, machine: &str| -> Place {
            format!("{namespace}.{boot}.{machine}").parse().unwrap()
        };
        let (boot, other_boot) = ("d9a5c8f01b2c4d3e", "e9a5c8f01b2c4d3e");
        let (machine, other_machine) = ("90f1a2b3c4d5e6f7", "a0f1a2b3c4d5e6f7");
        let here = place("7", boot, machine);
        assert_eq!(place("7", boot, machine).seen_from(&here), Seen::Here);
        assert_eq!(place("8", boot, machine).seen_from(&here), Seen::Elsewhere);
        assert_eq!(place("7", other_boot, machine).seen_from(&here), Seen::BeforeReboot);
        assert_eq!(place("7", other_boot, other_machine).seen_from(&here), Seen::Elsewhere);
        // In the format of an earlier version.
        let old = |boot: &str| Place { machine: None, ..place("7", boot, machine) };
        assert_eq!(old(boot).seen_from(&here), Seen::Here);
        assert_eq!(old(other_boot).seen_from(&here), Seen::Elsewhere);
    }

    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!((fnv_1a(b""), fnv_1a(b"a")), (0xcbf2_9ce4_8422_2325, 0xaf63_dc4c_8601_ec8c));
    }
}
