//! The commands with which a person undoes a fault without this library.

use chaos_core::FaultId;

use crate::host_script::vantage::Vantage;

/// Ends every process of a host fault. They are found as its script finds them: by the user that began the fault and by
/// their first variable, excluding set-user-id programs.
pub(crate) fn end_processes(fault: FaultId, vantage: &Vantage) -> String {
    let is_owned = match vantage.user() {
        Some(user) => format!(" && grep -qxE 'Uid:(.{user}){{4}}' \"/proc/$p/status\""),
        None => String::new(),
    };
    let mark = format!("CHAOS_FAULT={fault}");
    let length = mark.len() + 1;
    format!(
        "for p in $(grep -lsF {mark} /proc/[0-9]*/environ | cut -d/ -f3); do\n    \
         \x20 if [ \"$(head -c {length} \"/proc/$p/environ\" | tr '\\0' .)\" = {mark}. ]{is_owned} && [ ! -u \
         \"/proc/$p/exe\" ]\n    \
         \x20 then kill -9 \"$p\" && echo \"ended $p\"; fi\n    \
         done 2>/dev/null"
    )
}

/// A word for `sh`, in single quotes. `None` if it would not survive being displayed and copied.
pub(crate) fn quoted(text: &str) -> Option<String> {
    let is_plain = |character: char| {
        let turns_the_line =
            matches!(character, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        !character.is_control() && !turns_the_line
    };
    text.chars().all(is_plain).then(|| format!("'{}'", text.replace('\'', "'\\''")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_is_one_word_and_what_would_mislead_is_left_out() {
        for (text, expected) in [
            ("/var/lib", Some("'/var/lib'")),
            ("/a b; $(reboot) `x` \"y\"", Some("'/a b; $(reboot) `x` \"y\"'")),
            ("it's", Some(r"'it'\''s'")),
            ("é", Some("'é'")),
            ("a\nb", None),
            ("a\u{1b}[2K", None),
            ("a\u{202e}b", None),
        ] {
            assert_eq!(quoted(text).as_deref(), expected, "{text:?}");
        }
    }
}
