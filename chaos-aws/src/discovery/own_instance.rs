//! The instance that this program runs on.

use std::{fs, path::Path, sync::Arc};

use crate::client::machines::validate_instance;

/// The folder in which the kernel shows the firmware's data about its machine.
pub(crate) const FIRMWARE: &str = "/sys/devices/virtual/dmi/id";

/// The instance on which this program runs, according to the firmware data in this folder: an instance of the Nitro
/// System has its id as the asset tag of its board. `None` anywhere else. This uses no network.
///
/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/identify_ec2_instances.html>.
pub(crate) fn own_instance(firmware: &Path) -> Option<Arc<str>> {
    let tag = fs::read_to_string(firmware.join("board_asset_tag")).ok()?;
    let id = tag.trim();
    validate_instance(id).is_ok().then(|| id.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_board_that_says_an_instance_is_one() {
        let folder = std::env::temp_dir().join(format!("chaos-aws-firmware-{}", std::process::id()));
        assert_eq!(own_instance(&folder), None, "no firmware at all");
        fs::create_dir_all(&folder).unwrap();
        for (tag, expected) in [
            ("i-0123456789abcdef0\n", Some("i-0123456789abcdef0")),
            ("Not Specified\n", None),
            ("", None),
            ("i-../../etc", None),
        ] {
            fs::write(folder.join("board_asset_tag"), tag).unwrap();
            assert_eq!(own_instance(&folder).as_deref(), expected, "{tag:?}");
        }
        fs::remove_dir_all(folder).unwrap();
    }
}
