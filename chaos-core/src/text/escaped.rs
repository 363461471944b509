use std::fmt;

/// Makes `text` safe for a person to read. It escapes all characters that could forge another line, move the cursor, or
/// change the direction of writing: control characters, line and paragraph separators, bidirectional and other
/// invisible marks.
///
/// Use it for text from a target or a platform, such as names and tags, before you put the text into a message, a table
/// or a log.
///
/// ```
/// use chaos_core::text::escaped;
///
/// assert_eq!(escaped("web\n2026-03-02 all is well").to_string(), r"web\n2026-03-02 all is well");
/// assert_eq!(escaped("user\u{202e}nimda").to_string(), r"user\u{202e}nimda");
/// assert_eq!(escaped("caf\u{e9} \"7\"").to_string(), "caf\u{e9} \"7\"");
/// ```
///
/// The marks are those of Unicode's [UAX #9](https://www.unicode.org/reports/tr9/) and the separators and invisible
/// characters that [Trojan Source](https://trojansource.codes/) lists.
pub fn escaped(text: &str) -> Escaped<'_> {
    Escaped(text)
}

/// The result of [`escaped`].
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut plain = 0;
        for (at, character) in self.0.char_indices().filter(|(_, character)| is_deceptive(*character)) {
            write!(f, "{}{}", &self.0[plain..at], character.escape_default())?;
            plain = at + character.len_utf8();
        }
        f.write_str(&self.0[plain..])
    }
}

fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}
