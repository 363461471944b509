//! `except` takes what leaves time out, so that a calendar cannot be subtracted by mistake.

use chaos_core::calendar::{Always, CalendarExt, Never};

fn main() {
    let _ = Always.except(Never);
}
