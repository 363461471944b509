use serde_json::{Value, json};

use crate::{message::Message, text::cut};

/// Teams takes messages of at most 28 KB, with everything around the text, and may count two bytes for each character.
const LONGEST: usize = 13_000;

/// What surrounds one line, in bytes.
const AROUND: usize = 85;

/// A card whose text is in `TextRun`s: those of a `TextBlock` are Markdown, in which a name makes a link. Each line is
/// an element of its own, because a run shows no line ends.
pub(super) fn body(message: &Message) -> String {
    let mut elements = vec![line(&message.subject, true)];
    let mut room = LONGEST;
    let mut rest = message.body.as_str();
    while !rest.is_empty() {
        let (next, after) = rest.split_once('\n').unwrap_or((rest, ""));
        let Some(left) = room.checked_sub(json!(next).to_string().len() + AROUND) else {
            elements.push(line(cut(String::new(), rest).trim(), false));
            break;
        };
        (room, rest) = (left, after);
        elements.push(line(next, false));
    }
    let card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": { "width": "Full" },
        "body": elements,
    });
    let attachment = json!({
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": null,
        "content": card,
    });
    json!({ "type": "message", "attachments": [attachment] }).to_string()
}

fn line(text: &str, is_title: bool) -> Value {
    // An empty run takes no room.
    let text = if text.trim().is_empty() { "\u{a0}" } else { text };
    let mut run = json!({ "type": "TextRun", "text": text });
    if is_title {
        run["weight"] = "Bolder".into();
    }
    json!({ "type": "RichTextBlock", "spacing": "None", "inlines": [run] })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::message::Kind;

    #[test]
    fn a_card_is_small_enough_and_says_that_it_was_cut() {
        for line in
            ["x", "\"\\\u{1}é\u{fffd}", "a line as long as lines of messages often are: about a hundred"]
        {
            let message = Message {
                kind: Kind::Recovered,
                fault: None,
                run: None,
                detail: 0,
                at: Timestamp::UNIX_EPOCH,
                stands_for: 1,
                subject: "Chaos: is over".to_owned(),
                body: format!("{line}\n").repeat(3_000),
            };
            let card = body(&message);
            assert!((12_000..14 * 1024).contains(&card.len()), "{}", card.len());
            let card: Value = serde_json::from_str(&card).unwrap();
            let lines = card["attachments"][0]["content"]["body"].as_array().unwrap().clone();
            let last = lines.last().unwrap()["inlines"][0]["text"].as_str().unwrap().to_owned();
            assert!(last.starts_with("[cut off here: "), "{last}");
            assert_eq!(lines[1]["inlines"][0]["text"], line);
        }
    }
}
