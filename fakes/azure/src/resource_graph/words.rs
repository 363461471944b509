//! The words of a query in Kusto's language.

/// One word of a query.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Word {
    /// A name or an operator that is spelled like one: `where`, `in~`, `!contains`.
    Name(String),
    Text(String),
    Number(f64),
    /// An operator or a bracket: `|`, `==`, `(`.
    Sign(&'static str),
}

/// Longer ones first.
const SIGNS: [&str; 16] =
    ["==", "!=", "=~", "!~", "<=", ">=", "|", "(", ")", "[", "]", ",", ".", "=", "<", ">"];

impl Word {
    /// Its spelling in a query.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Name(name) => name.clone(),
            Self::Text(text) => format!("'{text}'"),
            Self::Number(number) => number.to_string(),
            Self::Sign(sign) => (*sign).to_owned(),
        }
    }
}

/// All words of a query. The error is the text that is no word.
pub(super) fn words(query: &str) -> Result<Vec<Word>, String> {
    let mut words = Vec::new();
    let mut rest = query.trim_start();
    while let Some(first) = rest.chars().next() {
        let (word, after) = if let Some(after) = rest.strip_prefix("//") {
            (None, after.split_once('\n').map_or("", |(_, after)| after))
        } else if first == '\'' || first == '"' {
            let (text, after) = text(&rest[1..], first).ok_or_else(|| rest.to_owned())?;
            (Some(Word::Text(text)), after)
        } else if first.is_ascii_digit() {
            let (number, after) = split(rest, |character| character.is_ascii_digit() || character == '.');
            (Some(Word::Number(number.parse().map_err(|_| number.to_owned())?)), after)
        } else if let Some((name, after)) = name(rest) {
            (Some(Word::Name(name)), after)
        } else {
            let sign = SIGNS.into_iter().find(|sign| rest.starts_with(sign));
            let sign = sign.ok_or_else(|| first.to_string())?;
            (Some(Word::Sign(sign)), &rest[sign.len()..])
        };
        words.extend(word);
        rest = after.trim_start();
    }
    Ok(words)
}

/// A name; a negated operator begins with `!`, and one that ignores case may end in `~`.
fn name(text: &str) -> Option<(String, &str)> {
    let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let (mark, rest) = text.strip_prefix('!').map_or(("", text), |rest| ("!", rest));
    let (name, after) = split(rest, is_part);
    if name.is_empty() {
        return None;
    }
    let (end, after) = match after.strip_prefix('~') {
        Some(after) if name == "in" => ("~", after),
        _ => ("", after),
    };
    Some((format!("{mark}{name}{end}"), after))
}

/// A text up to its closing quote, with its escapes resolved.
fn text(rest: &str, quote: char) -> Option<(String, &str)> {
    let mut text = String::new();
    let mut characters = rest.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            _ if character == quote => return Some((text, &rest[index + 1..])),
            '\\' => text.push(match characters.next()?.1 {
                'n' => '\n',
                't' => '\t',
                other => other,
            }),
            other => text.push(other),
        }
    }
    None
}

fn split(text: &str, is_part: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|character| !is_part(character)).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_falls_into_its_words() {
        let shown = |query: &str| -> Vec<String> { words(query).unwrap().iter().map(Word::shown).collect() };
        assert_eq!(
            shown("Resources| where a.b=='it\\'s' // all\n and c in~(\"x\",2) or d !contains 'é'"),
            [
                "Resources",
                "|",
                "where",
                "a",
                ".",
                "b",
                "==",
                "'it's'",
                "and",
                "c",
                "in~",
                "(",
                "'x'",
                ",",
                "2",
                ")",
                "or",
                "d",
                "!contains",
                "'é'",
            ]
        );
        assert_eq!(words("a == 'open"), Err("'open".to_owned()));
        assert_eq!(words("a ; b"), Err(";".to_owned()));
    }
}
