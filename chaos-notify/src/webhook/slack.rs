use serde_json::json;

use crate::{message::Message, text::cut};

/// Slack cuts texts at 40,000 characters, of which an escaped one takes up to five.
const LONGEST: usize = 39_000;

/// Slack reads `&`, `<` and `>` as the marks of its own format, in which `<!channel>` calls everybody. Without
/// `mrkdwn` and `parse` it formats nothing else, and makes no links of addresses and names that stand in a text.
pub(super) fn body(message: &Message) -> String {
    let text = escaped(&format!("{}\n\n{}", message.subject, message.body));
    json!({
        "text": text,
        "mrkdwn": false,
        "parse": "none",
        "link_names": false,
        "unfurl_links": false,
        "unfurl_media": false,
    })
    .to_string()
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for (at, character) in text.char_indices() {
        if escaped.len() > LONGEST {
            return cut(escaped, &text[at..]);
        }
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slacks_own_marks_are_text_and_a_long_text_is_cut_between_them() {
        assert_eq!(escaped("<!channel> & <@U1|x>"), "&lt;!channel&gt; &amp; &lt;@U1|x&gt;");
        let long = escaped(&"<é".repeat(20_000));
        assert!(long.len() < 40_000 && long.contains("cut off here"), "{}", long.len());
        let (kept, _) = long.split_once("\n\n[").unwrap();
        assert!(kept.ends_with("é") || kept.ends_with("&lt;"), "{}", &kept[kept.len() - 10..]);
    }
}
