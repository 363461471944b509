//! The machine that this program runs on.

use std::{fs, path::Path};

/// The folder in which the kernel shows the firmware's data about its machine.
pub(crate) const FIRMWARE: &str = "/sys/devices/virtual/dmi/id";

/// The unique id of a machine, as its firmware or as Azure writes it.
///
/// The byte order of its first three parts may differ: firmware stores them in little-endian order, and not every
/// kernel swaps them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnMachine(String);

impl OwnMachine {
    /// Reads the id of the firmware in this folder; `None` if there is none, or if only root may read it. This uses no
    /// network.
    pub(crate) fn find(firmware: &Path) -> Option<Self> {
        Self::of(&fs::read_to_string(firmware.join("product_uuid")).ok()?)
    }

    /// `None` if it is not such an id.
    pub(crate) fn of(id: &str) -> Option<Self> {
        let id = id.trim().to_ascii_lowercase();
        let parts: Vec<usize> = id.split('-').map(str::len).collect();
        let is_right =
            parts == [8, 4, 4, 4, 12] && id.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
        is_right.then_some(Self(id))
    }

    /// Whether Azure knows it by this `vmId`.
    pub(crate) fn is(&self, vm_id: &str) -> bool {
        Self::of(vm_id).is_some_and(|other| other == *self || other.turned_round() == self.0)
    }

    fn turned_round(&self) -> String {
        let parts = self.0.split('-').enumerate().map(|(index, part)| {
            let pairs = part.as_bytes().chunks(2).map(String::from_utf8_lossy);
            if index < 3 { pairs.rev().collect::<String>() } else { pairs.collect() }
        });
        parts.collect::<Vec<String>>().join("-")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_same_in_either_order_of_its_bytes() {
        let own = OwnMachine::of("5C1D3A2B-4F6E-8D7C-9A0B-112233445566\n").unwrap();
        assert!(own.is("5c1d3a2b-4f6e-8d7c-9a0b-112233445566"));
        assert!(own.is("2b3a1d5c-6e4f-7c8d-9a0b-112233445566"), "in the byte order of older firmware");
        for other in ["2b3a1d5c-6e4f-7c8d-0b9a-112233445566", "5c1d3a2b", ""] {
            assert!(!own.is(other), "{other}");
        }
    }

    #[test]
    fn only_firmware_that_says_an_id_has_one() {
        let folder = std::env::temp_dir().join(format!("chaos-azure-firmware-{}", std::process::id()));
        assert_eq!(OwnMachine::find(&folder), None, "no firmware at all");
        fs::create_dir_all(&folder).unwrap();
        for (text, is_one) in
            [("5C1D3A2B-4F6E-8D7C-9A0B-112233445566\n", true), ("Not Settable\n", false), ("", false)]
        {
            fs::write(folder.join("product_uuid"), text).unwrap();
            assert_eq!(OwnMachine::find(&folder).is_some(), is_one, "{text:?}");
        }
        fs::remove_dir_all(folder).unwrap();
    }
}
