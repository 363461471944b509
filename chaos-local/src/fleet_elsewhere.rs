//! Fleets inside other processes, which have no state that could be read.

use std::{fs, time::Duration};

use chaos_core::{Error, ErrorKind, GroupId, Result, clock::Clock};

/// What every replica of a fleet without a state directory finds in its environment: the fleet's name.
pub(crate) const MARK: &str = "CHAOS_FLEET";

/// How long replicas may take to end with the process that has started them.
const ENDS_WITHIN: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Makes sure that no process runs as a replica of the fleet `id`, which has a bare name: then its own process is gone,
/// and it with that.
///
/// # Errors
/// `Unsupported` where one does: the fleet lives inside another process, and only that can tell how it is.
/// `Unavailable` where `/proc` cannot be read.
pub(crate) async fn has_ended(id: &GroupId, clock: &dyn Clock) -> Result<()> {
    let began = clock.monotonic();
    while let Some(replica) = replica_of(id.path())? {
        if clock.monotonic().saturating_sub(began) >= ENDS_WITHIN {
            let what = "the fleet lives inside another process and cannot be seen from here; end that process, or let \
                it recover";
            return Err(Error::new(ErrorKind::Unsupported, what).with("group", id).with("replica", replica));
        }
        clock.sleep(LOOK_EVERY).await;
    }
    Ok(())
}

/// A living process whose environment says that it is one.
fn replica_of(name: &str) -> Result<Option<u32>> {
    let unreadable = |error| {
        Error::new(ErrorKind::Unavailable, "it cannot be told whether the fleet lives: /proc cannot be read")
            .caused_by(error)
    };
    let mark = format!("{MARK}={name}");
    for entry in fs::read_dir("/proc").map_err(unreadable)? {
        let file_name = entry.map_err(unreadable)?.file_name();
        let Some(pid) = file_name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // Of another user, or gone meanwhile. One that has ended has no environment any more.
        let Ok(environment) = fs::read(format!("/proc/{pid}/environ")) else { continue };
        if environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes()) {
            return Ok(Some(pid));
        }
    }
    Ok(None)
}
