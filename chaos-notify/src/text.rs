//! Plain text from names and failures of any content.

use std::{fmt::Display, time::Duration};

use chaos_core::text::escaped;
use jiff::Timestamp;

/// SNS takes subjects of less than 100 characters.
const LONGEST_SUBJECT: usize = 99;

/// The longest body, in bytes: SNS accepts 256 KiB including everything else.
const LONGEST_BODY: usize = 200 * 1024;

/// How much of a foreign text is shown, in characters.
const LONGEST_WORDS: usize = 8_000;

/// `before`, `name` and `after` as one subject. If that is too long, the start of the name is left out, because the
/// ends of names tell targets apart.
pub(crate) fn subject(before: &str, name: &str, after: &str) -> String {
    let (before, name, after) = (ascii(before), ascii(name), ascii(after));
    let room = LONGEST_SUBJECT.saturating_sub(before.len() + after.len());
    let name = if name.len() <= room {
        name
    } else {
        let kept = room.saturating_sub(3);
        format!("...{}", &name[name.len() - kept..])
    };
    let mut subject = format!("{before}{name}{after}");
    subject.truncate(LONGEST_SUBJECT);
    subject
}

/// Every character that is not printable ASCII as a question mark.
fn ascii(text: &str) -> String {
    let printable = |character: char| character == ' ' || character.is_ascii_graphic();
    text.chars().map(|character| if printable(character) { character } else { '?' }).collect()
}

/// A foreign text, limited in length, line by line. All characters that could forge another line, move a cursor or
/// change the direction of writing are escaped.
pub(crate) fn plain(words: &str) -> String {
    let cut = words.char_indices().nth(LONGEST_WORDS).map(|(at, _)| at);
    let words = &words[..cut.unwrap_or(words.len())];
    let lines: Vec<String> =
        words.split('\n').map(|line| escaped(line.trim_end_matches('\r')).to_string()).collect();
    let text = lines.join("\n");
    if cut.is_some() { format!("{text} [cut off here]") } else { text }
}

/// As [`plain`], in one line.
pub(crate) fn one_line(words: &str) -> String {
    plain(words.trim()).replace('\n', " ")
}

/// A text that was cut off before `rest`, and says so.
#[cfg(feature = "webhook")]
pub(crate) fn cut(text: String, rest: &str) -> String {
    let lines = rest.trim_end().lines().count();
    format!("{text}\n\n[cut off here: {lines} more lines are in the journal and the log]")
}

/// An instant to the second, in UTC.
pub(crate) fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// The time from one instant until another; zero if clocks went back.
pub(crate) fn between(from: Timestamp, until: Timestamp) -> Duration {
    Duration::try_from(until.duration_since(from)).unwrap_or(Duration::ZERO)
}

/// A duration for people: `850 ms`, `4.2 s`, `5 min 3 s`, `2 h 5 min`.
pub(crate) fn humanly(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 if time.is_zero() => "0 s".to_owned(),
        0 => format!("{} ms", time.as_millis().max(1)),
        1..60 => format!("{:.1} s", time.as_secs_f64()),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// The room in a body for the note that it is truncated.
const ROOM_FOR_THE_REST: usize = 1024;

/// A body that grows by lines and paragraphs.
#[derive(Debug, Default)]
pub(crate) struct Body(String);

impl Body {
    pub(crate) fn saying(lead: &str) -> Self {
        let mut body = Self::default();
        body.paragraph(lead);
        body
    }

    pub(crate) fn paragraph(&mut self, words: &str) {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        self.0.push_str(plain(words).trim_end());
        self.0.push('\n');
    }

    /// Adds a named value, in a line of its own.
    pub(crate) fn line(&mut self, name: &str, value: impl Display) {
        self.0.push_str(&format!("{name}: {}\n", one_line(&value.to_string())));
    }

    /// Adds a line for each value with this name, as many as there is room for. A note says where the others are.
    pub(crate) fn lines(&mut self, name: &str, values: &[String], elsewhere: &str) {
        for (number, value) in values.iter().enumerate() {
            let before = self.0.len();
            self.line(name, value);
            if self.0.len() > LONGEST_BODY - ROOM_FOR_THE_REST {
                self.0.truncate(before);
                let left_out = values.len() - number;
                self.paragraph(&format!("{left_out} more are left out here: {elsewhere}."));
                return;
            }
        }
    }

    pub(crate) fn gap(&mut self) {
        self.0.push('\n');
    }

    /// Adds a foreign text, limited in length.
    pub(crate) fn finish(mut self) -> String {
        if self.0.len() > LONGEST_BODY {
            let most = LONGEST_BODY - ROOM_FOR_THE_REST;
            let end = (0..=most).rev().find(|end| self.0.is_char_boundary(*end)).unwrap_or(0);
            self.0.truncate(end);
            self.0.push_str("\n[cut off here: the rest is in the journal and the log]\n");
        }
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_short_ascii_and_keeps_the_end_of_the_name() {
        assert_eq!(subject("Chaos: ", "x:web/one", " is back"), "Chaos: x:web/one is back");
        let long = format!("x:{}/i-0abc", "web".repeat(100));
        let short = subject("Chaos: ", &long, " is back");
        assert_eq!(short.len(), 99);
        assert!(short.starts_with("Chaos: ...") && short.ends_with("web/i-0abc is back"), "{short}");
        for (name, shown) in [("é\n\u{202e}\u{0}", "????"), ("a b~", "a b~")] {
            assert_eq!(subject("", name, ""), shown);
        }
        assert_eq!(subject(&"a".repeat(200), "name", &"b".repeat(200)).len(), 99);
        assert_eq!(subject(&"é".repeat(97), "name", "").len(), 99);
    }

    #[test]
    fn what_others_write_is_plain_text_of_some_length() {
        assert_eq!(plain("a\tb\r\nc\u{1b}[2K\u{202e}é"), "a\\tb\nc\\u{1b}[2K\\u{202e}é");
        assert_eq!(plain("a\u{61c}b\u{200b}"), "a\\u{61c}b\\u{200b}", "every mark that turns or hides");
        assert_eq!(one_line(" a\nb\n"), "a b");
        let cut = plain(&"x".repeat(20_000));
        assert!(cut.ends_with("x [cut off here]") && cut.len() < 9_000);
    }

    #[test]
    fn a_body_ends_where_services_take_no_more_and_says_so() {
        let mut body = Body::saying("A run injected nothing.");
        let values: Vec<String> = (0..1_500).map(|number| format!("{number} {}", "é".repeat(100))).collect();
        body.lines("Why", &values, "the report has them all");
        let text = body.finish();
        assert!((150_000..=LONGEST_BODY).contains(&text.len()), "{}", text.len());
        let told = text.matches("Why: ").count();
        assert!(
            text.ends_with(&format!("\n{} more are left out here: the report has them all.\n", 1_500 - told))
        );
        let mut body = Body::default();
        for _ in 0..5 {
            body.paragraph(&"\u{202e}".repeat(LONGEST_WORDS));
        }
        let text = body.finish();
        assert!(text.len() <= LONGEST_BODY && text.contains("[cut off here: the rest"), "{}", text.len());
    }

    #[test]
    fn times_are_for_people() {
        for (milliseconds, shown) in [
            (0, "0 s"),
            (7, "7 ms"),
            (999, "999 ms"),
            (4_230, "4.2 s"),
            (303_900, "5 min 3 s"),
            (7_500_000, "2 h 5 min"),
        ] {
            assert_eq!(humanly(Duration::from_millis(milliseconds)), shown);
        }
        assert_eq!(instant("2026-03-02T09:00:07.999Z".parse().unwrap()), "2026-03-02 09:00:07 UTC");
    }
}
