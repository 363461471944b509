use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
};

/// Replaces every `{index}` and `{port}` by the replica's numbers. Every other brace stays as it is, and no shell ever
/// sees the text.
pub(crate) fn substitute(template: &OsStr, index: usize, port: u16) -> OsString {
    let (index, port) = (index.to_string(), port.to_string());
    let mut rest = template.as_bytes();
    let mut text = Vec::with_capacity(rest.len());
    while let Some((first, after_first)) = rest.split_first() {
        let known = [("{index}", &index), ("{port}", &port)]
            .into_iter()
            .find_map(|(name, value)| Some((rest.strip_prefix(name.as_bytes())?, value)));
        match known {
            Some((after_name, value)) => {
                text.extend_from_slice(value.as_bytes());
                rest = after_name;
            }
            None => {
                text.push(*first);
                rest = after_first;
            }
        }
    }
    OsString::from_vec(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_two_names_are_replaced() {
        for (template, expected) in [
            ("", ""),
            ("--port={port}", "--port=4001"),
            ("{index}{port}{index}", "340013"),
            (r#"{"port": {port}, "name": "{ index }"}"#, r#"{"port": 4001, "name": "{ index }"}"#),
            ("{{port}}", "{4001}"),
            ("{port", "{port"),
            ("{PORT} ${port} $(reboot) `x` ' \" \\", "{PORT} $4001 $(reboot) `x` ' \" \\"),
            ("héllo {index}", "héllo 3"),
        ] {
            assert_eq!(substitute(OsStr::new(template), 3, 4001), expected, "{template:?}");
        }
        let not_text = OsStr::from_bytes(b"\xff{port}\xfe");
        assert_eq!(substitute(not_text, 3, 4001).as_bytes(), b"\xff4001\xfe");
    }
}
