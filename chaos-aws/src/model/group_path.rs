//! Converts a group's account, region and name to the path of its id, and back.

use std::fmt::Write as _;

use chaos_core::{Error, GroupId, Result};

/// The scheme of this provider's ids.
pub(crate) const SCHEME: &str = "aws-asg";

/// The parts of a group's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GroupPath<'a> {
    /// The account that owns it: with the credentials of another account, everything looks gone.
    pub(crate) account: &'a str,
    pub(crate) region: &'a str,
    pub(crate) name: String,
}

impl<'a> GroupPath<'a> {
    /// # Errors
    /// `InvalidInput` for an id of another form.
    pub(crate) fn of(id: &'a GroupId) -> Result<Self> {
        let expected = "aws-asg:account/region/group";
        let wrong = || Error::invalid("group id", format!("{:?}", id.as_str()), expected);
        if id.scheme() != SCHEME {
            return Err(wrong());
        }
        let (account, rest) = id.path().split_once('/').ok_or_else(wrong)?;
        let (region, name) = rest.split_once('/').ok_or_else(wrong)?;
        let name = unescape(name).filter(|name| !name.is_empty() && is_account(account)).ok_or_else(wrong)?;
        Ok(Self { account, region, name })
    }

    /// `aws-asg:<account>/<region>/<name>`. Slashes, spaces and colons in a name stay as they are. Control characters,
    /// which an id cannot contain, and percent signs are written as `%` and two digits.
    pub(crate) fn id(&self) -> Result<GroupId> {
        let mut path = format!("{}/{}/", self.account, self.region);
        for character in self.name.chars() {
            if character.is_control() || character == '%' {
                let mut bytes = [0; 4];
                for byte in character.encode_utf8(&mut bytes).bytes() {
                    let _ = write!(path, "%{byte:02X}");
                }
            } else {
                path.push(character);
            }
        }
        GroupId::new(SCHEME, &path)
    }
}

/// Whether this is an account id: twelve digits.
pub(crate) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        let digits =
            std::str::from_utf8(&digits).ok().filter(|_| digits.iter().all(u8::is_ascii_hexdigit))?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_goes_into_an_id_and_comes_back() {
        for name in [
            "web",
            "a/b",
            "/",
            "x/",
            "/x",
            "a b:c",
            "50%",
            "%2F",
            "tab\tand\nline\r\u{85}",
            "$(reboot)",
            "é",
            "*",
        ] {
            let path = GroupPath { account: "123456789012", region: "eu-west-1", name: name.to_owned() };
            let id = path.id().unwrap();
            assert_eq!(GroupPath::of(&id).unwrap(), path);
            let target = id.target("i-0abc").unwrap();
            assert_eq!(target.group(), id, "{name:?}");
        }
        let path = GroupPath { account: "123456789012", region: "eu-west-1", name: "a/b c:d".to_owned() };
        assert_eq!(path.id().unwrap().as_str(), "aws-asg:123456789012/eu-west-1/a/b c:d");
    }

    #[test]
    fn what_is_no_id_of_a_group_is_refused() {
        for text in [
            "aws-asg:123456789012",
            "aws-asg:123456789012/eu-west-1",
            "aws-asg:123456789012/eu-west-1/",
            "aws-asg:eu-west-1/web",
            "aws-asg:12345678901/eu-west-1/web",
            "aws-asg:12345678901x/eu-west-1/web",
            "local:123456789012/eu-west-1/web",
            "aws-asg:123456789012/a/%",
            "aws-asg:123456789012/a/%zz",
            "aws-asg:123456789012/a/%FF",
        ] {
            let error = GroupPath::of(&text.parse().unwrap()).expect_err(text).to_string();
            assert!(error.starts_with("invalid group id"), "{error}");
        }
    }
}
