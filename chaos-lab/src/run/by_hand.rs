use std::fmt::Write;

use serde_json::Value;

use crate::substitution::Names;

/// What a person does to undo an experiment, from the data of its rollbacks. The names that are in `names` are
/// replaced; those of secrets stand as they are.
pub(crate) fn by_hand<'a>(
    rollbacks: &'a [Value],
    undo: impl Iterator<Item = (usize, &'a Value)>,
    names: &Names,
) -> String {
    let mut text = "Play the rollbacks of the experiment, in this order:".to_owned();
    let undo =
        undo.map(|(step, activity)| (format!(" (only if step {step} of the method was begun)"), activity));
    let rollbacks = rollbacks.iter().map(|activity| (String::new(), activity));
    for (number, (condition, activity)) in undo.chain(rollbacks).enumerate() {
        let name = activity["name"].as_str().unwrap_or("unnamed");
        let _ = write!(text, "\n{}. {}{condition}", number + 1, chaos_core::text::escaped(name));
        if let Some(line) = command(&names.substitute(&activity["provider"])) {
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
            let mut line = format!("curl -X {}", quoted(method)?);
            let headers = provider["headers"].as_object();
            for (name, value) in headers.into_iter().flatten() {
                let _ = write!(line, " -H {}", quoted(&format!("{name}: {}", crate::python::text(value)))?);
            }
            match &provider["arguments"] {
                Value::Null => {}
                body if has_json(provider) => {
                    let _ = write!(line, " -d {}", quoted(&body.to_string())?);
                }
                // A query or a form, which this line would lack.
                _ => return None,
            }
            Some(format!("{line} {}", quoted(provider["url"].as_str()?)?))
        }
        "python" => {
            let (module, function) = (provider["module"].as_str()?, provider["func"].as_str()?);
            let is_name = |name: &str| {
                name.chars().all(|letter| letter.is_alphanumeric() || letter == '_' || letter == '.')
            };
            if !is_name(module) || !is_name(function) {
                return None;
            }
            let code = format!(
                "import json, sys; from {module} import {function}; {function}(**json.loads(sys.argv[1]))"
            );
            let arguments = match &provider["arguments"] {
                Value::Object(arguments) => Value::from(arguments.clone()).to_string(),
                _ => "{}".to_owned(),
            };
            Some(format!("python3 -c {} {}", quoted(&code)?, quoted(&arguments)?))
        }
        _ => None,
    }
}

/// Whether the arguments of a request are sent as JSON.
fn has_json(provider: &Value) -> bool {
    let is_json = |(name, value): (&String, &Value)| {
        name.eq_ignore_ascii_case("content-type") && value == "application/json"
    };
    provider["method"].as_str().is_some_and(|method| method != "GET")
        && provider["headers"].as_object().is_some_and(|headers| headers.iter().any(is_json))
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_configuration_stands_in_the_lines_and_secrets_do_not() {
        let rollbacks = [
            json!({ "name": "continue", "provider": {
                "type": "process", "path": "sh", "arguments": ["-c", "kill $1", "x", "${shop}/a b"]
            } }),
            json!({ "name": "cancel", "provider": {
                "type": "http", "method": "DELETE", "url": "http://127.0.0.1:${port}/orders",
                "headers": { "Authorization": "Bearer ${token}" }
            } }),
            json!({ "name": "post", "provider": {
                "type": "http", "method": "POST", "url": "http://h/", "arguments": { "open": true },
                "headers": { "Content-Type": "application/json" }
            } }),
            json!({ "name": "form", "provider": {
                "type": "http", "method": "POST", "url": "http://h/", "arguments": { "open": true }
            } }),
        ];
        let names = Names::default().with("shop", "/tmp/shop").with("port", 8080);
        let text = by_hand(&rollbacks, std::iter::empty(), &names);
        let expected = "\
Play the rollbacks of the experiment, in this order:
1. continue:
    sh -c 'kill $1' x '/tmp/shop/a b'
2. cancel:
    curl -X DELETE -H 'Authorization: Bearer ${token}' http://127.0.0.1:8080/orders
3. post:
    curl -X POST -H 'Content-Type: application/json' -d '{\"open\":true}' http://h/
4. form";
        assert_eq!(text, expected);
    }
}
