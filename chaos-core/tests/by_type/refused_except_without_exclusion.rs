//! `except` takes an exclusion, so a calendar cannot be subtracted by mistake.

use chaos_core::calendar::{Always, CalendarExt, Never};

fn main() {
    let _ = Always.except(Never);
}
