//! How a group's region and name make the path of its id, and back.

use std::fmt::Write as _;

use chaos_core::{Error, GroupId, Result};

/// What the ids of this provider start with.
pub(crate) const SCHEME: &str = "aws-asg";

/// `aws-asg:<region>/<name>`. A name may hold slashes, spaces and colons as it is; a control character, which no id can carry,
/// and the percent sign that stands for one are written as `%` and two digits.
pub(crate) fn group_id(region: &str, name: &str) -> Result<GroupId> {
    let mut path = format!("{region}/");
    for character in name.chars() {
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

/// The region and the group's name that an id holds.
pub(crate) fn region_and_name(id: &GroupId) -> Result<(&str, String)> {
    let wrong = || Error::invalid("group id", format!("{:?}", id.as_str()), "aws-asg:region/group");
    if id.scheme() != SCHEME {
        return Err(wrong());
    }
    let (region, name) = id.path().split_once('/').ok_or_else(wrong)?;
    let name = unescape(name).filter(|name| !name.is_empty()).ok_or_else(wrong)?;
    Ok((region, name))
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
            let id = group_id("eu-west-1", name).unwrap();
            assert_eq!(region_and_name(&id).unwrap(), ("eu-west-1", name.to_owned()));
            let target = id.target("i-0abc").unwrap();
            assert_eq!(target.group(), id, "{name:?}");
        }
        assert_eq!(group_id("eu-west-1", "a/b c:d").unwrap().as_str(), "aws-asg:eu-west-1/a/b c:d");
    }

    #[test]
    fn what_is_no_id_of_a_group_is_refused() {
        for text in [
            "aws-asg:eu-west-1",
            "aws-asg:eu-west-1/",
            "local:eu-west-1/web",
            "aws-asg:a/%",
            "aws-asg:a/%zz",
            "aws-asg:a/%FF",
        ] {
            let error = region_and_name(&text.parse().unwrap()).expect_err(text).to_string();
            assert!(error.starts_with("invalid group id"), "{error}");
        }
    }
}
