//! Texts of others in Markdown, as it is read by GitHub and by those who keep to CommonMark.

use super::text::shown;

/// A text that stays a text: it makes no link, no mention, no markup and no second line.
pub(super) fn plain(text: &str) -> String {
    let text = shown(text);
    let mut escaped = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(character) = rest.chars().next() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            // A mention or a link is made of what is left once the markup is read, so only a comment parts it.
            '@' | '#' => escaped.extend([character.to_string().as_str(), PARTED]),
            ':' if rest.starts_with("://") => escaped.extend([":", PARTED]),
            '.' if escaped.to_ascii_lowercase().ends_with("www") => escaped.extend([PARTED, "."]),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '|' | '~' | '!' | '$' => {
                escaped.push('\\');
                escaped.push(character);
            }
            other => escaped.push(other),
        }
        rest = &rest[character.len_utf8()..];
    }
    escaped
}

const PARTED: &str = "<!-- -->";

/// A text as code, within a line or a cell of a table.
pub(super) fn code(text: &str) -> String {
    let text = shown(text);
    if text.is_empty() {
        return "(empty)".to_owned();
    }
    let fence = "`".repeat(longest_run(&text) + 1);
    // Before it is read as code, a cell ends at each pipe that is not escaped.
    let text = text.replace('|', r"\|");
    if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) {
        format!("{fence} {text} {fence}")
    } else {
        format!("{fence}{text}{fence}")
    }
}

/// A text as a block of code.
pub(super) fn block(text: &str) -> String {
    let text = shown(text);
    let fence = "`".repeat((longest_run(&text) + 1).max(3));
    format!("{fence}sh\n{text}\n{fence}\n")
}

fn longest_run(text: &str) -> usize {
    text.split(|character| character != '`').map(str::len).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stays_a_text() {
        for (text, escaped) in [
            ("a|b\nc", r"a\|b\\nc"),
            ("<script>&", "&lt;script&gt;&amp;"),
            ("ask @team about #12", "ask @<!-- -->team about #<!-- -->12"),
            ("[x](http://a)", r"\[x\]\(http:<!-- -->//a\)"),
            ("`_*", r"\`\_\*"),
            ("www.example.org", "www<!-- -->.example.org"),
        ] {
            assert_eq!(plain(text), escaped);
        }
    }

    #[test]
    fn code_ends_where_it_is_meant_to() {
        for (text, escaped) in [("26\n", "`26`"), ("a`b", "``a`b``"), ("``", "``` `` ```"), ("", "(empty)")] {
            assert_eq!(code(text), escaped);
        }
        assert_eq!(code("a|b"), r"`a\|b`");
        assert_eq!(block("a\n```\nb"), "````sh\na\\n```\\nb\n````\n");
    }
}
