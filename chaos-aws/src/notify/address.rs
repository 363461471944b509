use std::fmt;

use chaos_core::{Error, Result};

/// An e-mail address, with a name before it or without: `chaos@example.com`, `Chaos <chaos@example.com>`.
///
/// Only addresses that SES accepts without encoding: ASCII, and no quoted names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address(String);

impl Address {
    /// # Errors
    /// `InvalidInput` with `field` if it is not an address.
    pub(super) fn parse(field: &str, text: &str) -> Result<Self> {
        let text = text.trim();
        let (name, address) = match text.strip_suffix('>').and_then(|rest| rest.split_once('<')) {
            Some((name, address)) => (name.trim_end(), address),
            None => ("", text),
        };
        let is_right = name.chars().all(is_part_of_name) && is_address(address);
        if !is_right {
            let expected = "an address like chaos@example.com, or Chaos <chaos@example.com>, in ASCII";
            return Err(Error::invalid(field, format!("{text:?}"), expected));
        }
        Ok(Self(text.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The characters that need no quotes in a header.
fn is_part_of_name(character: char) -> bool {
    character == ' ' || character.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(character)
}

fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let is_local = |part: &str| {
        !part.is_empty() && part.chars().all(|character| character != ' ' && is_part_of_name(character))
    };
    let is_label = |part: &str| {
        !part.is_empty()
            && part.len() <= 63
            && !part.starts_with('-')
            && !part.ends_with('-')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    local.len() <= 64
        && local.split('.').all(is_local)
        && domain.len() <= 255
        && domain.contains('.')
        && domain.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_with_and_without_names() {
        for (text, kept) in [
            ("chaos@example.com", "chaos@example.com"),
            (" a.b+c@mail.example.co.uk ", "a.b+c@mail.example.co.uk"),
            ("Chaos Monkey <chaos@example.com>", "Chaos Monkey <chaos@example.com>"),
            ("<chaos@example.com>", "<chaos@example.com>"),
        ] {
            assert_eq!(Address::parse("recipient", text).unwrap().as_str(), kept);
        }
    }

    #[test]
    fn what_could_become_a_second_header_or_recipient_is_refused() {
        for text in [
            "",
            "chaos",
            "@example.com",
            "chaos@",
            "chaos@localhost",
            "a@b@example.com",
            "a..b@example.com",
            "a,b@example.com",
            "a@example.com,b@example.com",
            "a@example.com\nBcc: b@example.com",
            "A\r\nBcc: b <a@example.com>",
            "\"A, B\" <a@example.com>",
            "Müller <a@example.com>",
            "a@exämple.com",
            "a@-example.com",
            "a b@example.com",
            "A <a@example.com",
        ] {
            let error = Address::parse("sender", text).expect_err(text).to_string();
            assert!(error.starts_with("invalid sender: "), "{error}");
        }
    }
}
