use jiff::Timestamp;

/// Until when, for somebody who watches: `16:05 UTC`.
pub fn clock_time(at: Timestamp) -> String {
    at.strftime("%H:%M UTC").to_string()
}
