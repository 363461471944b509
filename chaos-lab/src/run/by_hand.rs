use std::fmt::Write;

use serde_json::Value;

/// What a person does to undo an experiment, from the data of its rollbacks. Names of the configuration and of secrets
/// stand as they are.
pub(crate) fn by_hand<'a>(rollbacks: &'a [Value], undo: impl Iterator<Item = (usize, &'a Value)>) -> String {
    let mut text = "Play the rollbacks of the experiment, in this order:".to_owned();
    let undo =
        undo.map(|(step, activity)| (format!(" (only if step {step} of the method was begun)"), activity));
    let rollbacks = rollbacks.iter().map(|activity| (String::new(), activity));
    for (number, (condition, activity)) in undo.chain(rollbacks).enumerate() {
        let name = activity["name"].as_str().unwrap_or("unnamed");
        let _ = write!(text, "\n{}. {}{condition}", number + 1, chaos_core::text::escaped(name));
        if let Some(line) = command(&activity["provider"]) {
            let _ = write!(text, ":\n    {line}");
        }
    }
    text
}

/// A line for a shell.
fn command(provider: &Value) -> Option<String> {
    match provider["type"].as_str()? {
        "process" => {
            let path = provider["path"].as_str()?;
            match &provider["arguments"] {
                Value::String(rest) => quotable(&format!("{path} {rest}")).then(|| format!("{path} {rest}")),
                Value::Array(words) => {
                    let words = words.iter().filter(|word| !word.is_null() && *word != "");
                    let words: Option<Vec<String>> = [quoted(path)]
                        .into_iter()
                        .chain(words.map(|word| quoted(&crate::python::text(word))))
                        .collect();
                    words.map(|words| words.join(" "))
                }
                Value::Object(fields) => {
                    let words =
                        fields.iter().flat_map(|(name, value)| [name.clone(), crate::python::text(value)]);
                    let words: Option<Vec<String>> =
                        [quoted(path)].into_iter().chain(words.map(|word| quoted(&word))).collect();
                    words.map(|words| words.join(" "))
                }
                _ => quoted(path),
            }
        }
        "http" => {
            let method = provider["method"].as_str().unwrap_or("GET");
            Some(format!("curl -X {} {}", quoted(method)?, quoted(provider["url"].as_str()?)?))
        }
        _ => None,
    }
}

/// Quoted for a shell, unless it cannot be shown in one line.
fn quoted(word: &str) -> Option<String> {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_./:=@%+,".contains(character);
    if !quotable(word) {
        None
    } else if !word.is_empty() && word.chars().all(is_plain) {
        Some(word.to_owned())
    } else {
        Some(format!("'{}'", word.replace('\'', r"'\''")))
    }
}

fn quotable(text: &str) -> bool {
    !text.chars().any(char::is_control)
}
