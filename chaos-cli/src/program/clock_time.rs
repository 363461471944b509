use jiff::Timestamp;

/// A time of day for a watching person, such as `16:05 UTC`.
pub fn clock_time(at: Timestamp) -> String {
    at.strftime("%H:%M UTC").to_string()
}
