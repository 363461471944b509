use std::path::Path;

use serde_json::Value;

use super::{
    HypothesisStrategy, RollbackStrategy,
    fields::{Fields, text_of},
    nearest::or_nearest,
    overrides::kind,
    python_parts::DeclaredControl,
    reader::Reader,
};
use crate::document;

const CONTROL: &[&str] = &["name", "ref", "provider", "scope", "automatic"];
const PROVIDER: &[&str] = &["type", "module", "arguments"];
const WITHOUT: &str = "--python PROGRAM, an interpreter that runs this Python module, or --without-controls";
const SETTINGS: &[&str] = &["controls", "runtime", "notifications", "auths"];

impl<'a> Reader<'a> {
    /// Notes the controls that a `ref` may name: those of the experiment itself.
    pub(super) fn name_controls(&mut self, document: &'a Value) {
        let controls = document.get("controls").and_then(Value::as_array).into_iter().flatten();
        let named = controls.filter_map(|control| control.get("name").and_then(Value::as_str));
        self.controls_named.extend(named);
    }

    /// Reads controls. Without an interpreter, each is refused by its name.
    pub(super) fn controls(&mut self, fields: &Fields<'_>) {
        if self.leaves_controls_out {
            return;
        }
        match fields.get("controls") {
            None => {}
            Some(Value::Array(controls)) => {
                for (index, control) in controls.iter().enumerate() {
                    let path = format!("{}[{index}]", fields.at("controls"));
                    if self.refuses_python {
                        let name = control.get("name").or_else(|| control.get("ref")).unwrap_or(control);
                        self.findings.wrong(path, name, WITHOUT);
                    } else {
                        self.control(control, &path, true);
                    }
                }
            }
            Some(other) if self.refuses_python => {
                self.findings.wrong(fields.at("controls"), other, WITHOUT);
            }
            Some(other) => self.findings.wrong(fields.at("controls"), other, "a list of controls"),
        }
    }

    /// Reads a control. Its own text is not shown, because it may hold what is secret.
    fn control(&mut self, data: &Value, path: &str, has_name: bool) {
        const ANY: &str = "a control: a mapping with name and provider, or with ref";
        if !data.is_object() {
            self.findings.say(path, kind(data), ANY);
            return;
        }
        let Some(fields) = Fields::of(data, path, CONTROL, ANY, &mut self.findings) else { return };
        if !self.is_compatible {
            fields.suspect(&["scope", "automatic"], &mut self.findings);
        }
        let scope = |value: &Value| ["before", "after"].contains(&text_of(value)?).then_some(());
        fields.optional("scope", "before or after", scope, &mut self.findings);
        fields.optional("automatic", "true or false", Value::as_bool, &mut self.findings);
        if let Some(name) = fields.get("ref").filter(|_| has_name) {
            let text = name.as_str().unwrap_or_default();
            if !self.controls_named.contains(&text) {
                let expected = or_nearest(
                    "the name of a control of the experiment",
                    text,
                    self.controls_named.iter().copied(),
                );
                self.findings.wrong(fields.at("ref"), name, expected);
            }
            // There, it may be a control itself.
            if fields.get("provider").is_none() {
                return;
            }
        }
        if has_name {
            fields.text("name", "a name", &mut self.findings);
        }
        let at = fields.at("provider");
        let Some(provider) = fields.required("provider", "a mapping with a type", &mut self.findings) else {
            return;
        };
        if !provider.is_object() {
            self.findings.say(at, kind(provider), "a mapping with a type");
            return;
        }
        let Some(provider) = Fields::of(provider, &at, PROVIDER, "a mapping", &mut self.findings) else {
            return;
        };
        if let Some(kind) = provider.text("type", "python", &mut self.findings)
            && kind != "python"
        {
            self.findings.wrong(provider.at("type"), &kind.into(), or_nearest("python", kind, ["python"]));
        }
        provider.text("module", "the name of a Python module", &mut self.findings);
        let arguments = "a mapping of names to values";
        if provider.get("arguments").is_some_and(|arguments| !arguments.is_object()) {
            self.findings.say(provider.at("arguments"), "no mapping", arguments);
        }
        self.python.controls.push(DeclaredControl {
            path: path.to_owned(),
            data: data.clone(),
            is_of_settings: !has_name,
        });
    }

    /// Reads a settings file of Chaos Toolkit. Returns its strategies, which are those of an experiment that has none.
    pub(super) fn settings_file(
        &mut self,
        file: &Path,
    ) -> (Option<HypothesisStrategy>, Option<RollbackStrategy>) {
        let settings = match document::read(file) {
            Ok(settings) => settings,
            Err(problem) => {
                self.findings.add([problem]);
                return (None, None);
            }
        };
        let before = self.findings.count();
        let strategies = self.settings_of_file(&settings);
        self.findings.prefix_after(before, &format!("{}: ", file.display()));
        self.python.settings = settings;
        strategies
    }

    fn settings_of_file(
        &mut self,
        settings: &Value,
    ) -> (Option<HypothesisStrategy>, Option<RollbackStrategy>) {
        const ANY: &str = "settings: a mapping";
        // An empty file.
        if settings.is_null() {
            return (None, None);
        }
        if !settings.is_object() {
            self.findings.say("", kind(settings), ANY);
            return (None, None);
        }
        let Some(fields) = Fields::of(settings, "", SETTINGS, ANY, &mut self.findings) else {
            return (None, None);
        };
        if !self.is_compatible {
            fields.suspect(&["controls", "runtime"], &mut self.findings);
        }
        if fields.get("notifications").is_some() {
            tracing::warn!("the notifications of the settings are not sent: this program sends none of them");
        }
        match fields.get("controls") {
            Some(Value::Object(controls)) if !self.leaves_controls_out => {
                for (name, control) in controls {
                    let path = format!("controls.{name}");
                    if self.refuses_python {
                        self.findings.say(path, "a control", WITHOUT);
                        continue;
                    }
                    let mut control = control.clone();
                    if let Value::Object(fields) = &mut control {
                        fields.insert("name".to_owned(), name.as_str().into());
                    }
                    self.control(&control, &path, false);
                    self.python.everywhere.push(control);
                }
            }
            None | Some(Value::Object(_)) => {}
            Some(other) => {
                let expected = "a mapping of names to controls";
                self.findings.say("controls", kind(other), expected);
            }
        }
        self.strategies(&fields)
    }
}
