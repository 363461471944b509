use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};

/// Refuses where tokio's time is paused, as `#[tokio::test(start_paused = true)]` does.
///
/// Whoever waits for real things, such as processes and files, calls this before it begins: paused time jumps ahead
/// whenever a runtime has nothing to do, so that every time limit is over before a real thing has moved. It takes a few
/// microseconds, and passes outside of a runtime. `what` names the caller in the error.
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let error = chaos_core::clock::require_real_time("a fleet of processes").unwrap_err();
/// assert!(error.to_string().contains("paused"), "{error}");
/// # }
/// ```
///
/// # Errors
/// `Unsupported` where the time is paused.
pub fn require_real_time(what: &str) -> Result<()> {
    if is_paused() {
        let why = "tokio's time is paused, and paused time and real things do not go together: leave out \
            `start_paused`, or use the parts that are in memory";
        return Err(Error::new(ErrorKind::Unsupported, why).with("for", what));
    }
    Ok(())
}

/// Tokio tells nobody, but its time is the machine's own unless it is paused: where the machine's has moved and tokio's
/// has not, it stands still. A runtime lets paused time jump only when nothing runs on its thread.
#[expect(clippy::disallowed_methods, reason = "what is asked is whether the two ambient clocks agree")]
fn is_paused() -> bool {
    let of_tokio = tokio::time::Instant::now();
    let of_machine = std::time::Instant::now();
    while of_machine.elapsed() == Duration::ZERO {
        std::hint::spin_loop();
    }
    tokio::time::Instant::now() == of_tokio
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn paused_time_is_told_and_refused() {
        assert!(is_paused());
        let error = require_real_time("a journal on disk").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("a journal on disk"), "{error}");
        tokio::time::resume();
        assert!(!is_paused());
    }

    #[tokio::test]
    async fn real_time_is_never_taken_for_paused() {
        for _ in 0..10_000 {
            require_real_time("a test").unwrap();
        }
    }

    #[test]
    fn outside_of_a_runtime_time_is_real() {
        require_real_time("a test").unwrap();
    }
}
