/// The one of `names` that `text` is most likely a misspelling of, in any case of letters. None for a text that is one
/// of them, and if none is near. Of more than 1,000 names, only the first are compared.
///
/// ```
/// use chaos_core::text::nearest;
///
/// assert_eq!(nearest("terminat", ["stop", "terminate"]), Some("terminate"));
/// assert_eq!(nearest("explode", ["stop", "terminate"]), None);
/// ```
pub fn nearest<'a>(text: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A text of this length is no misspelt name.
    let letters: Vec<char> = text.chars().take(LONGEST + 1).collect();
    if letters.len() > LONGEST {
        return None;
    }
    let near = names.into_iter().take(MOST).map(|name| (distance(&letters, name), name));
    let near = near.filter(|(distance, name)| *distance <= 1 + name.chars().count() / 4).min();
    near.filter(|(_, name)| *name != text).map(|(_, name)| name)
}

const LONGEST: usize = 128;
const MOST: usize = 1000;

/// The number of letters that must be inserted, removed, changed or swapped with the next one to turn one text into the
/// other.
fn distance(text: &[char], name: &str) -> usize {
    let name: Vec<char> = name.chars().map(|letter| letter.to_ascii_lowercase()).collect();
    let text: Vec<char> = text.iter().map(|letter| letter.to_ascii_lowercase()).collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=name.len()).collect();
    for (row, letter) in text.iter().enumerate() {
        let mut this = vec![row + 1];
        for (column, other) in name.iter().enumerate() {
            let changed = last[column] + usize::from(letter != other);
            let mut least = changed.min(last[column + 1] + 1).min(this[column] + 1);
            if row > 0 && column > 0 && *letter == name[column - 1] && text[row - 1] == *other {
                least = least.min(before_last[column - 1] + 1);
            }
            this.push(least);
        }
        before_last = std::mem::replace(&mut last, this);
    }
    last[name.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_near_and_another_word_is_not() {
        let names = ["terminate", "stop", "cpu-burn", "network-blackhole"];
        for (text, name) in [
            ("cpu_burn", Some("cpu-burn")),
            ("cpuburn", Some("cpu-burn")),
            ("pcu-burn", Some("cpu-burn")),
            ("CPU-BURN", Some("cpu-burn")),
            ("terminat", Some("terminate")),
            ("sotp", Some("stop")),
            ("explode", None),
            ("stop", None),
            ("", None),
        ] {
            assert_eq!(nearest(text, names), name, "{text}");
        }
        assert_eq!(nearest(&"x".repeat(1 << 20), names), None);
    }
}
