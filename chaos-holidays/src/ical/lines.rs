//! Lines of a calendar and the components that they make.
//!
//! A component is put together without recursion: the parser of the crate for whole files overflows the stack if a file
//! nests deeply. A single line is read by that crate.

use icalendar::parser;

use super::misread::{Misread, Read};

/// Largest text.
const MOST_BYTES: usize = 16 << 20;

/// How deep components nest at most. A `VALARM` in a `VEVENT` in a `VCALENDAR` is 3.
const DEEPEST: usize = 16;

/// What lies between a `BEGIN` and its `END`.
#[derive(Debug)]
pub(super) struct Component {
    pub(super) name: String,
    /// On which it begins.
    pub(super) line: usize,
    pub(super) properties: Vec<Property>,
    pub(super) components: Vec<Component>,
}

impl Component {
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Property> {
        self.properties.iter().filter(move |property| property.name == name)
    }

    /// A property that occurs at most once.
    pub(super) fn one(&self, name: &str) -> Read<Option<&Property>> {
        let mut all = self.properties.iter().filter(|property| property.name == name);
        let first = all.next();
        match all.next() {
            Some(second) => Err(Misread::new(second.line, name, format!("one {name} in a {}", self.name))),
            None => Ok(first),
        }
    }
}

/// A content line.
#[derive(Debug)]
pub(super) struct Property {
    pub(super) line: usize,
    pub(super) name: String,
    pub(super) value: String,
    parameters: Vec<(String, String)>,
}

impl Property {
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let mut parameters = self.parameters.iter();
        parameters.find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn misread(&self, expected: impl Into<String>) -> Misread {
        Misread::new(self.line, &format!("{}:{}", self.name, self.value), expected)
    }
}

/// Reads whole calendars, of which there is at least one.
pub(super) fn calendars(text: &[u8]) -> Read<Vec<Component>> {
    if text.len() > MOST_BYTES {
        let found = format!("{} bytes", text.len());
        return Err(Misread::new(1, &found, format!("at most {MOST_BYTES} bytes")));
    }
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut open: Vec<Component> = Vec::new();
    let mut calendars = Vec::new();
    let mut last = 1;
    for (line, text) in unfolded(text) {
        last = line;
        let text = String::from_utf8(text).map_err(|error| {
            let found = String::from_utf8_lossy(error.as_bytes()).into_owned();
            Misread::new(line, &found, "UTF-8").caused_by(error)
        })?;
        let text = text.trim_end();
        if text.is_empty() {
            continue;
        }
        if let Some(name) = after(text, "BEGIN:") {
            if open.is_empty() && name != "VCALENDAR" {
                return Err(Misread::new(line, text, "BEGIN:VCALENDAR"));
            }
            if open.len() == DEEPEST {
                return Err(Misread::new(line, text, format!("components that nest at most {DEEPEST} deep")));
            }
            open.push(Component { name, line, properties: Vec::new(), components: Vec::new() });
        } else if let Some(name) = after(text, "END:") {
            let Some(ended) = open.pop_if(|component| component.name == name) else {
                let expected = match open.last() {
                    Some(inner) => format!("END:{}, which began in line {}", inner.name, inner.line),
                    None => "BEGIN:VCALENDAR".to_owned(),
                };
                return Err(Misread::new(line, text, expected));
            };
            let siblings = open.last_mut().map_or(&mut calendars, |outer| &mut outer.components);
            siblings.push(ended);
        } else {
            let Some(component) = open.last_mut() else {
                return Err(Misread::new(line, text, "BEGIN:VCALENDAR"));
            };
            component.properties.push(property(line, text)?);
        }
    }
    match (open.last(), calendars.is_empty()) {
        (Some(cut_off), _) => {
            let expected =
                format!("END:{}, which began in line {}: the text is cut off", cut_off.name, cut_off.line);
            Err(Misread::new(last, "the end of the text", expected))
        }
        (None, true) => Err(Misread::new(last, "the end of the text", "BEGIN:VCALENDAR")),
        (None, false) => Ok(calendars),
    }
}

/// The name after `BEGIN:` or `END:`.
fn after(text: &str, keyword: &str) -> Option<String> {
    let (start, name) = text.split_at_checked(keyword.len())?;
    start.eq_ignore_ascii_case(keyword).then(|| name.trim().to_ascii_uppercase())
}

/// The lines with their numbers. A line that begins with a space or a tabulator continues the one before, even in the
/// middle of a character.
fn unfolded(text: &[u8]) -> Vec<(usize, Vec<u8>)> {
    let mut lines: Vec<(usize, Vec<u8>)> = Vec::new();
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match (line.first(), lines.last_mut()) {
            (Some(b' ' | b'\t'), Some((_, before))) => before.extend_from_slice(&line[1..]),
            _ => lines.push((index + 1, line.to_vec())),
        }
    }
    lines
}

fn property(line: usize, text: &str) -> Read<Property> {
    let none = || Misread::new(line, text, "a line such as NAME;PARAMETER=VALUE:VALUE");
    let property = parser::Property::try_from(text).map_err(|_| none())?;
    let (name, value) = (property.name.as_str().to_ascii_uppercase(), property.val.as_str().to_owned());
    // The crate reads a name without a colon as well, and leaves out what it cannot read behind it.
    if name.is_empty() || (value.is_empty() && !text.ends_with(':')) {
        return Err(none());
    }
    let mut parameters: Vec<(String, String)> = Vec::new();
    for parameter in &property.params {
        let key = parameter.key.as_str().to_ascii_uppercase();
        let value = parameter.val.as_ref().map(|value| value.as_str().to_owned()).unwrap_or_default();
        if matches!(key.as_str(), "TZID" | "VALUE" | "RANGE")
            && parameters.iter().any(|(known, _)| *known == key)
        {
            return Err(Misread::new(line, text, format!("one {key} in a line")));
        }
        parameters.push((key, value));
    }
    Ok(Property { line, name, value, parameters })
}
