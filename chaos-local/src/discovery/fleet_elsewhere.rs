//! Fleets inside other processes, which have no readable state.

use std::{fs, time::Duration};

use chaos_core::{Error, ErrorKind, GroupId, Result, clock::Clock};

/// The variable with the fleet's name in the environment of every replica of a fleet without a state directory.
pub(crate) const MARK: &str = "CHAOS_FLEET";

/// How long replicas may take to end after the process that has started them.
const ENDS_WITHIN: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Checks that no process runs as a replica of the fleet `id`, which has a bare name. Then the fleet's own process is
/// gone, and so is the fleet.
///
/// # Errors
/// `Unsupported` if one does: the fleet lives inside another process, and only that process can tell its health.
/// `Unavailable` if `/proc` cannot be read.
pub(crate) async fn has_ended(id: &GroupId, clock: &dyn Clock) -> Result<()> {
    let began = clock.monotonic();
    while let Some(replica) = replica_of(id.path())? {
        if clock.monotonic().saturating_sub(began) >= ENDS_WITHIN {
            let what = "the fleet lives inside another process and cannot be seen from here; recover in that process, \
                or end it";
            return Err(Error::new(ErrorKind::Unsupported, what).with("group", id).with("replica", replica));
        }
        clock.sleep(LOOK_EVERY).await;
    }
    Ok(())
}

/// A live process whose environment names the fleet.
fn replica_of(name: &str) -> Result<Option<u32>> {
    let unreadable = |error| {
        Error::new(
            ErrorKind::Unavailable,
            "it is unknown whether the fleet is alive, because /proc cannot be read",
        )
        .caused_by(error)
    };
    let mark = format!("{MARK}={name}");
    for entry in fs::read_dir("/proc").map_err(unreadable)? {
        let file_name = entry.map_err(unreadable)?.file_name();
        let Some(pid) = file_name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // It belongs to another user, or has ended meanwhile. A process that has ended has no environment any more.
        let Ok(environment) = fs::read(format!("/proc/{pid}/environ")) else { continue };
        if environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes()) {
            return Ok(Some(pid));
        }
    }
    Ok(None)
}
