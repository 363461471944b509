//! Whether the functions and controls of an experiment are there, before anything runs.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    document::{Problem, Problems, shown},
    experiment::{
        Experiment, or_nearest,
        python_parts::{DeclaredControl, PythonCall},
    },
    runner::{Runner, TroubleKind},
    substitution::Names,
};

/// How long one module may take to be imported.
const LIMIT: Duration = Duration::from_secs(60);
/// How many problems are told.
const MOST: usize = 1000;

/// Imports each module in the interpreter of `runner`, and tells what is wrong: a module that does not import, a
/// function that it does not have, arguments that are missing or unknown, and controls that refuse their declaration.
pub(crate) async fn check(
    experiment: &Experiment,
    runner: &Runner,
    names: &Names,
    is_compatible: bool,
) -> Result<(), Problems> {
    let parts = &experiment.python_parts;
    let mut problems = Vec::new();
    for call in &parts.calls {
        if problems.len() >= MOST || !call_is_told(call, runner, names, is_compatible, &mut problems).await {
            break;
        }
    }
    for control in &parts.controls {
        if problems.len() >= MOST
            || !control_is_told(control, runner, names, is_compatible, &mut problems).await
        {
            break;
        }
    }
    // What a module prints or says of itself may hold a secret.
    for problem in &mut problems {
        problem.value = masked(names, &problem.value);
        problem.expected = masked(names, &problem.expected);
    }
    if problems.is_empty() {
        return Ok(());
    }
    let problems = Problems::of(problems);
    Err(match &experiment.file {
        Some(file) => problems.in_file(file),
        None => problems,
    })
}

/// Notes what is wrong with a call. Whether it can go on.
async fn call_is_told(
    call: &PythonCall,
    runner: &Runner,
    names: &Names,
    is_compatible: bool,
    problems: &mut Vec<Problem>,
) -> bool {
    let provider = &call.provider;
    let (module, function) = (provider.module.as_str(), provider.function.as_str());
    let order = json!({
        "do": "check", "module": module, "func": function,
        "arguments": provider.arguments.keys().collect::<Vec<_>>(),
        "groups": provider.secrets.is_some(), "strict": !is_compatible,
    });
    let what = format!("the import of {module}");
    let found = match runner.ask_python(order, names, &what, Some(LIMIT)).await {
        Ok(found) => found,
        Err(trouble) => {
            problems.push(Problem::new(
                format!("{}.module", call.path),
                shown(&module.into()),
                format!("a module that can be imported: {trouble}"),
            ));
            return trouble.kind() == TroubleKind::Raised;
        }
    };
    let path = |name: &str| format!("{}.{name}", call.path);
    let near = texts(&found["near"]);
    let near = || near.iter().map(String::as_str);
    if let Some(why) = found["module"].as_str() {
        let expected = or_nearest(&format!("a module that can be imported: {why}"), module, near());
        problems.push(Problem::new(path("module"), shown(&module.into()), expected));
        return true;
    }
    if let Some(why) = found["function"].as_str() {
        let expected = match why {
            "missing" => or_nearest(&format!("a function of {module}"), function, near()),
            _ => format!("a function of {module}, and this is none"),
        };
        problems.push(Problem::new(path("func"), shown(&function.into()), expected));
        return true;
    }
    let known = texts(&found["known"]);
    for name in texts(&found["unknown"]) {
        let parameters = match known.len() {
            0 => format!("no argument, because {module}.{function} takes none"),
            _ => format!("a parameter of {module}.{function}: {}", known.join(", ")),
        };
        let expected = or_nearest(&parameters, &name, known.iter().map(String::as_str));
        problems.push(Problem::new(path(&format!("arguments.{name}")), "an unknown argument", expected));
    }
    for name in texts(&found["missing"]) {
        let (at, expected) = match name.as_str() {
            "secrets" => (path("secrets"), format!("groups of secrets, which {module}.{function} needs")),
            _ => (path(&format!("arguments.{name}")), format!("a value, which {module}.{function} needs")),
        };
        problems.push(Problem::new(at, "missing", expected));
    }
    true
}

/// Notes what is wrong with a control. Whether it can go on.
async fn control_is_told(
    control: &DeclaredControl,
    runner: &Runner,
    names: &Names,
    is_compatible: bool,
    problems: &mut Vec<Problem>,
) -> bool {
    let module = control.data["provider"]["module"].as_str().unwrap_or_default();
    let order = json!({ "do": "validate", "control": control.data, "imports_only": control.is_of_settings });
    let what = format!("the import of {module}");
    let path = format!("{}.provider.module", control.path);
    match runner.ask_python(order, names, &what, Some(LIMIT)).await {
        Err(trouble) => {
            let expected = format!("a module that can be imported: {trouble}");
            problems.push(Problem::new(path, shown(&module.into()), expected));
            trouble.kind() == TroubleKind::Raised
        }
        Ok(found) => {
            if let Some(why) = found["module"].as_str() {
                if is_compatible {
                    // There, the experiment is run without it.
                    tracing::warn!("{path}: {module} cannot be imported, so this control does nothing");
                } else {
                    let near = texts(&found["near"]);
                    let expected = format!("a module that can be imported: {why}");
                    let expected = or_nearest(&expected, module, near.iter().map(String::as_str));
                    problems.push(Problem::new(path, shown(&module.into()), expected));
                }
            } else if let Some(why) = found["control"].as_str() {
                let expected = "what its validate_control accepts";
                problems.push(Problem::new(&control.path, why, expected));
            }
            true
        }
    }
}

fn texts(list: &Value) -> Vec<String> {
    let items = list.as_array().into_iter().flatten();
    items.filter_map(|item| item.as_str().map(ToOwned::to_owned)).collect()
}

fn masked(names: &Names, text: &str) -> String {
    match names.masked(&text.into()) {
        Value::String(text) => text,
        other => other.to_string(),
    }
}
