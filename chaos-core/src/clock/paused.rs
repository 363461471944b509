use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};

/// Returns an error if tokio's time is paused, as in `#[tokio::test(start_paused = true)]`.
///
/// Call this before you wait for real things, such as processes and files. Paused time jumps ahead whenever a runtime
/// has nothing to do, so every time limit would pass before a real thing has moved. The check takes a few microseconds,
/// and succeeds outside of a runtime. `what` names the caller in the error.
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
/// `Unsupported` if the time is paused.
pub fn require_real_time(what: &str) -> Result<()> {
    if is_paused() {
        let why = "tokio's time is paused, and this part works in real time: leave out `start_paused`, or use the \
            in-memory parts";
        return Err(Error::new(ErrorKind::Unsupported, why).with("for", what));
    }
    Ok(())
}

/// Tokio does not expose whether its time is paused. But unless it is paused, it moves with the machine's time: if the
/// machine's time has moved and tokio's has not, it is paused. A runtime lets paused time jump only when nothing runs
/// on its thread.
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
