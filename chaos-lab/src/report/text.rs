//! Text of others, and numbers, as a person reads them.

use std::fmt::Write;

use chaos_core::{jiff::Timestamp, text::escaped};
use serde_json::Value;

/// The most characters of one text of others.
const MOST: usize = 400;

/// A text of others: one line without control characters, and not longer than a person reads.
pub(super) fn shown(text: &str) -> String {
    let text = text.trim_end();
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", escaped(&text[..end])),
        None => escaped(text).to_string(),
    }
}

/// A value of others. A process and an answer over HTTP are told by what they say, not by every header.
pub(super) fn shown_value(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => shown(text),
        Value::Object(fields) => match (fields.get("status"), fields.get("stdout").or(fields.get("body"))) {
            (Some(status), Some(Value::String(said))) if said.trim().is_empty() => format!("status {status}"),
            (Some(status), Some(Value::String(said))) => format!("status {status}: {}", shown(said)),
            _ => shown(&value.to_string()),
        },
        other => shown(&other.to_string()),
    }
}

/// A number without needless digits.
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e15).contains(&size) {
        return format!("{value:e}");
    }
    let places = match size {
        _ if size >= 1e4 => 1,
        _ if size >= 10.0 => 3,
        _ => 6,
    };
    let text = format!("{value:.places$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// A time since the beginning of a run, or a length of time.
pub(super) fn seconds(seconds: f64) -> String {
    match seconds {
        _ if seconds < 0.01 => format!("{:.1} ms", seconds * 1e3),
        _ if seconds < 0.1 => format!("{:.0} ms", seconds * 1e3),
        _ if seconds < 10.0 => format!("{seconds:.2} s"),
        _ if seconds < 120.0 => format!("{seconds:.1} s"),
        _ => clock(seconds),
    }
}

/// Minutes and seconds, and hours if there are any.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of seconds of a run")]
fn clock(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    let (hours, minutes, seconds) = (whole / 3_600, whole / 60 % 60, whole % 60);
    let mut text = String::new();
    if hours > 0 {
        let _ = write!(text, "{hours} h ");
    }
    let _ = write!(text, "{minutes} min");
    if hours == 0 && seconds > 0 {
        let _ = write!(text, " {seconds} s");
    }
    text
}

/// A time of day, for a person anywhere.
pub(super) fn date(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// As in "1 look" and "3 looks".
pub(super) fn counted(count: usize, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_no_needless_digits() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (25.0, "25"),
            (0.25, "0.25"),
            (1234.5678, "1234.568"),
            (1e20, "1e20"),
            (-0.000_001, "-1e-6"),
            (100.0, "100"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn times_are_as_exact_as_a_person_reads_them() {
        let times = [
            (0.0041, "4.1 ms"),
            (0.0123, "12 ms"),
            (3.456, "3.46 s"),
            (59.96, "60.0 s"),
            (125.0, "2 min 5 s"),
        ];
        for (time, text) in times.into_iter().chain([(180.0, "3 min"), (3_725.0, "1 h 2 min")]) {
            assert_eq!(seconds(time), text);
        }
    }

    #[test]
    fn texts_of_others_are_one_short_line() {
        assert_eq!(shown("26\n"), "26");
        assert_eq!(shown("a\nb\u{1b}[31m\u{202e}"), r"a\nb\u{1b}[31m\u{202e}");
        assert_eq!(shown(&"ä".repeat(500)).chars().count(), 401);
    }
}
