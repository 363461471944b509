/// What is expected, and the one of `names` that `text` is most likely a misspelling of.
pub(crate) fn or_nearest<'a>(expected: &str, text: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    match nearest(text, names) {
        Some(name) => format!("{expected}; did you mean {name:?}?"),
        None => expected.to_owned(),
    }
}

/// The one of `names` that `text` is most likely a misspelling of. None for a text that is one of them.
pub(super) fn nearest<'a>(text: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let text = letters(text)?;
    let near = names.into_iter().take(MOST).filter_map(|name| Some((distance(&text, &letters(name)?), name)));
    let near = near.filter(|(distance, name)| *distance <= 1 + name.chars().count() / 4);
    near.min().filter(|(distance, _)| *distance > 0).map(|(_, name)| name)
}

/// Of a longer list, only these names are compared.
const MOST: usize = 1000;
/// A longer text is no misspelt name.
const LONGEST: usize = 128;

fn letters(text: &str) -> Option<Vec<char>> {
    let letters: Vec<char> = text.chars().take(LONGEST + 1).collect();
    (letters.len() <= LONGEST).then_some(letters)
}

/// The number of letters that must be inserted, removed, changed or swapped with the next one to turn one text into the
/// other.
fn distance(one: &[char], other: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (row, letter) in one.iter().enumerate() {
        let mut this = vec![row + 1];
        for (column, expected) in other.iter().enumerate() {
            let changed = last[column] + usize::from(letter != expected);
            let mut least = changed.min(last[column + 1] + 1).min(this[column] + 1);
            if row > 0 && column > 0 && *letter == other[column - 1] && one[row - 1] == *expected {
                least = least.min(before_last[column - 1] + 1);
            }
            this.push(least);
        }
        before_last = std::mem::replace(&mut last, this);
    }
    last[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_near_and_another_word_is_not() {
        let names = ["method", "tolerance", "env", "the service answers"];
        for (text, name) in [
            ("metod", Some("method")),
            ("mehtod", Some("method")),
            ("tolerence", Some("tolerance")),
            ("enb", Some("env")),
            ("the srevice anwsers", Some("the service answers")),
            ("method", None),
            ("rollbacks", None),
            ("", None),
        ] {
            assert_eq!(nearest(text, names), name, "{text}");
        }
        assert_eq!(nearest(&"x".repeat(1 << 20), names), None);
        assert_eq!(or_nearest("a name", "envv", names), "a name; did you mean \"env\"?");
    }
}
