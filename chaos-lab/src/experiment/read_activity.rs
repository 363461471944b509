use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    Activity, ActivityKind, ActivityTolerance, ChaosKind, Pauses, Provider,
    fields::{Fields, is_name, positive, text_of},
    nearest::or_nearest,
    reader::{REFERENCES, Reader},
};
use crate::{
    document::{Problem, Problems},
    functions::Function,
    tolerance::Tolerance,
};

const ACTIVITY: &[&str] = &[
    "type",
    "name",
    "provider",
    "background",
    "pauses",
    "tolerance",
    "timeout",
    "controls",
    "ref",
    "dry",
    "undo",
    "until",
    "samples",
    "approval",
];
const ANY: &str = "an activity: a mapping with type, name and provider, or with ref";

/// Where an activity stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place<'a> {
    /// In the method.
    Step,
    /// In the rollbacks.
    Rollback,
    /// In the hypothesis.
    Hypothesis,
    /// In a tolerance.
    Tolerance,
    /// As what undoes an action.
    Undo,
    /// In the configuration, under this name.
    Configuration(&'a str),
}

impl Activity {
    /// Reads an activity from [its data](Activity::data), which a journal may have kept. A `ref` is refused: the data
    /// has what it stands for. Whether its program is here shows when it runs.
    ///
    /// ```
    /// use chaos_lab::experiment::Activity;
    /// use serde_json::json;
    ///
    /// let data = json!({ "type": "action", "name": "start", "provider": { "type": "process", "path": "systemctl" } });
    /// assert_eq!(Activity::from_data(&data, "rollbacks[0]")?.name, "start");
    ///
    /// let problems = Activity::from_data(&json!({ "ref": "start" }), "rollbacks[0]").unwrap_err();
    /// assert!(problems.to_string().starts_with("rollbacks[0].ref: "), "{problems}");
    /// # Ok::<(), chaos_lab::document::Problems>(())
    /// ```
    ///
    /// # Errors
    /// Every problem, by its path below `path`.
    pub fn from_data(data: &Value, path: &str) -> Result<Self, Problems> {
        let mut reader = Reader::of_checked();
        let activity = match data.get("ref").filter(|name| !name.is_null()) {
            Some(name) => {
                reader.findings.wrong(format!("{path}.ref"), name, "an activity that stands for itself");
                None
            }
            None => reader.activity(data, path, Place::Rollback),
        };
        reader.findings.unless_any(activity)
    }
}

impl Reader<'_> {
    /// Reads the activities of a list, as far as nothing is wrong with them.
    pub(super) fn activities(&mut self, list: &[(String, &Value)], place: Place<'_>) -> Vec<Arc<Activity>> {
        let read = list.iter().filter_map(|(path, data)| self.activity(data, path, place));
        read.map(Arc::new).collect()
    }

    /// Reads an activity, or the one that a `ref` stands for.
    pub(super) fn activity(&mut self, data: &Value, path: &str, place: Place<'_>) -> Option<Activity> {
        let fields = Fields::of(data, path, ACTIVITY, ANY, &mut self.findings)?;
        let stands_for_another = matches!(place, Place::Step | Place::Rollback | Place::Hypothesis);
        match fields.get("ref") {
            Some(name) if stands_for_another => self.referred(&fields, name, place),
            _ => self.own(&fields, data, place),
        }
    }

    /// The activity that `name` stands for. Where it stands says what is in the background and, in the hypothesis, what
    /// is normal.
    fn referred(&mut self, fields: &Fields<'_>, name: &Value, place: Place<'_>) -> Option<Activity> {
        const NAME: &str = "the name of an activity of the method, or of a probe of the hypothesis";
        self.controls(fields);
        let background = self.background(fields);
        let tolerance = self.tolerance(fields, place);
        let Some(data) = text_of(name).and_then(|name| self.named.get(name).copied()) else {
            let names = self.named.keys().copied().take(if self.findings.is_full() { 0 } else { usize::MAX });
            let expected = or_nearest(NAME, name.as_str().unwrap_or_default(), names);
            self.findings.wrong(fields.at("ref"), name, expected);
            return None;
        };
        // Copies of copies would take all memory.
        let left =
            if self.references_left == 0 { None } else { self.references_left.checked_sub(size(data)) };
        self.references_left = left.unwrap_or_default();
        if left.is_none() {
            let expected = format!("references that stand for at most {} MiB", REFERENCES >> 20);
            self.findings.wrong(fields.at("ref"), name, expected);
            return None;
        }
        // What is wrong with it is told where it stands.
        let path = fields.at("ref");
        let mut activity = self.aside(|reader| reader.activity(data, &path, Place::Step))?;
        if place == Place::Hypothesis && activity.kind == ActivityKind::Action && !self.is_compatible {
            self.findings.wrong(path, name, "a probe");
        }
        if let Provider::Chaos(chaos) = &activity.provider
            && let Some(expected) = wrong_place(place, chaos.kind)
        {
            self.findings.say(fields.at("ref"), "an activity of the type chaos", expected);
        }
        if let Some(function) = fault_of(&activity.provider)
            && place != Place::Step
        {
            self.findings.say(fields.at("ref"), &function.full_name(), FAULT_ELSEWHERE);
        }
        activity.background = background;
        activity.tolerance = tolerance.or(activity.tolerance);
        Some(activity)
    }

    fn own(&mut self, fields: &Fields<'_>, data: &Value, place: Place<'_>) -> Option<Activity> {
        if !self.is_compatible {
            let optional = ["background", "pauses", "controls", "undo", "until", "samples", "approval"];
            fields.suspect(&optional, &mut self.findings);
            if place == Place::Step {
                fields.suspect(&["tolerance"], &mut self.findings);
            }
        }
        let kind = match place {
            Place::Tolerance | Place::Configuration(_) => Some(ActivityKind::Probe),
            Place::Step | Place::Rollback | Place::Hypothesis | Place::Undo => self.kind(fields, place),
        };
        let name = match place {
            Place::Configuration(name) => {
                let own = fields.optional("name", "a text", text_of, &mut self.findings);
                Some(own.unwrap_or(name))
            }
            _ => fields.text("name", "a name", &mut self.findings),
        };
        let provider = fields
            .required("provider", "a mapping with a type", &mut self.findings)
            .and_then(|provider| self.provider(provider, &fields.at("provider")));
        if let Some(Provider::Chaos(chaos)) = &provider
            && let Some(expected) = wrong_place(place, chaos.kind)
        {
            self.findings.say(fields.at("provider.type"), "chaos", expected);
        }
        if let (Some(Provider::Chaos(chaos)), Some(ActivityKind::Probe)) = (&provider, kind)
            && chaos.kind == ChaosKind::Event
        {
            self.findings.say(fields.at("type"), "probe", "action: an event changes something");
        }
        let fault = provider.as_ref().and_then(fault_of);
        if let Some(function) = fault
            && self.catalogues.is_some()
        {
            if place != Place::Step {
                self.findings.say(fields.at("provider.func"), &function.full_name(), FAULT_ELSEWHERE);
            } else if kind == Some(ActivityKind::Probe) {
                self.findings.say(fields.at("type"), "probe", "action: the function changes something");
            }
        }
        let background = self.background(fields);
        let pauses = self.pauses(fields);
        if background && pauses.before.is_some() && fields.get("undo").is_some() && !self.is_compatible {
            let expected =
                "none, because the undo of a step in the background counts from its place in the method";
            self.findings.say(fields.at("pauses.before"), "a pause", expected);
        }
        let seconds = |value: &Value| value.as_f64();
        fields.optional("timeout", "a number of seconds", seconds, &mut self.findings);
        let tolerance = self.tolerance(fields, place);
        self.controls(fields);
        Some(Activity {
            kind: kind?,
            name: name?.to_owned(),
            provider: provider?,
            background,
            pauses,
            tolerance,
            undo: self.undo(fields, kind, place).or_else(|| fault.and_then(stop_of)),
            until: self.until(fields, kind, place),
            samples: self.samples(fields, kind, place),
            approval: self.approval(fields, place),
            data: Arc::new(data.clone()),
        })
    }

    fn kind(&mut self, fields: &Fields<'_>, place: Place<'_>) -> Option<ActivityKind> {
        let kind = fields.required("type", "probe or action", &mut self.findings)?;
        match kind.as_str() {
            Some("probe") => Some(ActivityKind::Probe),
            Some("action") if place == Place::Hypothesis && !self.is_compatible => {
                self.findings.wrong(fields.at("type"), kind, "probe: a hypothesis only looks");
                None
            }
            Some("action") => Some(ActivityKind::Action),
            other => {
                let names = ["probe", "action"];
                let expected = or_nearest("probe or action", other.unwrap_or_default(), names);
                self.findings.wrong(fields.at("type"), kind, expected);
                None
            }
        }
    }

    fn background(&mut self, fields: &Fields<'_>) -> bool {
        let found = fields.raw("background");
        let flag = found.and_then(Value::as_bool);
        if let Some(found) = found
            && flag.is_none()
        {
            self.findings.wrong(fields.at("background"), found, "true or false");
        }
        flag.unwrap_or_default()
    }

    fn pauses(&mut self, fields: &Fields<'_>) -> Pauses {
        const SECONDS: &str = "a number of seconds from 0 on, or a text such as ${name}";
        let expected = "a mapping with before and after";
        let Some(pauses) = fields.fields("pauses", &["before", "after"], expected, &mut self.findings) else {
            return Pauses::default();
        };
        if !self.is_compatible {
            pauses.suspect(&["before", "after"], &mut self.findings);
        }
        let pause = |value: &Value| {
            let is_pause = value.as_f64() == Some(0.0) || positive(value).is_some() || is_name(value);
            is_pause.then(|| value.clone())
        };
        Pauses {
            before: pauses.optional("before", SECONDS, pause, &mut self.findings),
            after: pauses.optional("after", SECONDS, pause, &mut self.findings),
        }
    }

    fn tolerance(&mut self, fields: &Fields<'_>, place: Place<'_>) -> Option<ActivityTolerance> {
        let data = match place {
            Place::Hypothesis => {
                let expected = "a tolerance: a probe of the hypothesis needs one";
                fields.required("tolerance", expected, &mut self.findings)?
            }
            // Theirs takes no notice of it.
            Place::Step | Place::Rollback if !self.is_compatible => fields.get("tolerance")?,
            Place::Step | Place::Rollback => return self.tolerance_of_checked(fields),
            Place::Tolerance | Place::Configuration(_) | Place::Undo => return None,
        };
        let path = fields.at("tolerance");
        if data.get("type").and_then(Value::as_str) == Some("probe") {
            let known = self.python.calls.len();
            let probe = self.activity(data, &path, Place::Tolerance)?;
            for call in &mut self.python.calls[known..] {
                // That is what it is asked about.
                call.provider.arguments.insert("value".to_owned(), Value::Null);
            }
            return Some(ActivityTolerance::Probe(Arc::new(probe)));
        }
        match Tolerance::read(data) {
            Ok(tolerance) => Some(ActivityTolerance::Value(tolerance)),
            Err(_) if self.findings.is_full() => {
                self.findings.wrong(path, data, "a tolerance");
                None
            }
            Err(problems) => {
                // Their own texts may show a secret. Those for the masked tolerance show none.
                let masked = self.findings.without_secrets(data);
                let shown = if masked == *data { Err(problems) } else { Tolerance::read(&masked).map(drop) };
                match shown {
                    Ok(()) => self.findings.wrong(path, data, "a tolerance"),
                    Err(problems) => {
                        let at = |problem: &Problem| {
                            let below = problem.path.strip_prefix("tolerance").unwrap_or_default();
                            Problem { path: format!("{path}{below}"), ..problem.clone() }
                        };
                        self.findings.add(problems.iter().map(at));
                    }
                }
                None
            }
        }
    }

    /// A tolerance that nobody needs, if it is one.
    fn tolerance_of_checked(&mut self, fields: &Fields<'_>) -> Option<ActivityTolerance> {
        let data = fields.get("tolerance")?;
        if data.get("type").and_then(Value::as_str) == Some("probe") {
            let path = fields.at("tolerance");
            let probe = self.aside(|reader| reader.activity(data, &path, Place::Tolerance))?;
            return Some(ActivityTolerance::Probe(Arc::new(probe)));
        }
        Tolerance::read(data).ok().map(ActivityTolerance::Value)
    }

    /// What `look` reads, if nothing is wrong with it. Its problems stay out.
    fn aside<T>(&mut self, look: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let before = self.findings.count();
        let (calls, controls) = (self.python.calls.len(), self.python.controls.len());
        let found = look(self);
        self.python.calls.truncate(calls);
        self.python.controls.truncate(controls);
        self.findings.forget_after(before).then_some(found).flatten()
    }
}

/// Why an event or a probe of this library does not belong there, if it does not.
const FAULT_ELSEWHERE: &str = "what only looks or undoes: a fault belongs into the method";

/// The function that injects, if it is carried out here.
fn fault_of(provider: &Provider) -> Option<&'static Function> {
    match provider {
        Provider::Python(python) => Function::of(python).filter(|function| function.is_fault()),
        Provider::Process(_) | Provider::Http(_) | Provider::Chaos(_) => None,
    }
}

/// What stops the experiments of an engine that a step has started. They are found by the run.
fn stop_of(function: &'static Function) -> Option<Arc<Activity>> {
    let data = json!({
        "type": "action",
        "name": format!("stop what {} has started", function.full_name()),
        "provider": function.undone_by()?,
    });
    Activity::from_data(&data, "undo").ok().map(Arc::new)
}

fn wrong_place(place: Place<'_>, kind: ChaosKind) -> Option<&'static str> {
    match (place, kind) {
        (Place::Rollback | Place::Undo, _) => {
            Some("process or http: every fault of an event is undone by its own recovery")
        }
        (Place::Hypothesis | Place::Tolerance | Place::Configuration(_), ChaosKind::Event) => {
            Some("a probe: an event belongs into the method")
        }
        (Place::Tolerance | Place::Configuration(_), ChaosKind::Probe) => {
            Some("process or http: this probe belongs into the hypothesis or the method")
        }
        (Place::Step, _) | (Place::Hypothesis, ChaosKind::Probe) => None,
    }
}

/// About how much memory a value takes.
fn size(value: &Value) -> usize {
    let within: usize = match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(fields) => fields.iter().map(|(key, value)| key.len() + size(value)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    };
    within + size_of::<Value>()
}
