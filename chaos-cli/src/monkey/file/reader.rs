use chaos_core::{
    Error, Result,
    catalogue::{Arguments, Naming, Parameters},
    text::nearest,
};
use serde_json::{Map, Value};

use super::{
    document::Document,
    problems::{Problem, Problems},
    secret::{self, Surroundings},
};

/// Reads the tables of a document, and collects everything that is wrong with it.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    document: &'a Document,
    surroundings: &'a Surroundings,
    problems: Vec<Problem>,
}

/// A table of the document that is being read. Its values may be secret, so it has no `Debug`.
#[derive(Clone)]
pub(super) struct Section {
    /// Where it stands, such as `events[0]`; empty for the top of the file.
    pub(super) path: String,
    pub(super) fields: Map<String, Value>,
}

impl Section {
    /// The path of a field.
    pub(super) fn path_of(&self, field: &str) -> String {
        match (self.path.is_empty(), field.is_empty()) {
            (true, _) => field.to_owned(),
            (false, true) => self.path.clone(),
            (false, false) => format!("{}.{field}", self.path),
        }
    }
}

impl<'a> Reader<'a> {
    pub(super) fn of(document: &'a Document, surroundings: &'a Surroundings) -> Self {
        Self { document, surroundings, problems: Vec::new() }
    }

    /// The top of the file.
    pub(super) fn top(&self) -> Section {
        Section { path: String::new(), fields: self.document.root().clone() }
    }

    /// Takes a table out of `section`, such as `[schedule]`.
    pub(super) fn table(&mut self, section: &mut Section, name: &str) -> Option<Section> {
        let path = section.path_of(name);
        match section.fields.remove(name)? {
            Value::Object(fields) => Some(Section { path, fields }),
            other => {
                self.refuse(&path, type_of(&other), format!("a table: [{name}]"));
                None
            }
        }
    }

    /// Takes a list of tables out of `section`, such as `[[events]]`.
    pub(super) fn tables(&mut self, section: &mut Section, name: &str) -> Vec<Section> {
        let path = section.path_of(name);
        let items = match section.fields.remove(name) {
            None => return Vec::new(),
            Some(Value::Array(items)) => items,
            Some(other) => {
                self.refuse(&path, type_of(&other), format!("a list of tables, each under [[{name}]]"));
                return Vec::new();
            }
        };
        let mut tables = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            let path = format!("{path}[{index}]");
            match item {
                Value::Object(fields) => tables.push(Section { path, fields }),
                other => self.refuse(&path, type_of(&other), format!("a table, under [[{name}]]")),
            }
        }
        tables
    }

    /// Takes the `type` of a table out of it, which must be one of `names`.
    pub(super) fn kind(&mut self, section: &mut Section, names: &[&str]) -> Option<String> {
        let path = section.path_of("type");
        let all = || names.join(", ");
        match section.fields.remove("type") {
            Some(Value::String(kind)) if names.contains(&kind.as_str()) => Some(kind),
            Some(Value::String(kind)) => {
                let expected = nearest(&kind, names.iter().copied());
                self.refuse(
                    &path,
                    format!("{kind:?}"),
                    expected.map_or_else(|| format!("one of {}", all()), str::to_owned),
                );
                None
            }
            Some(other) => {
                self.refuse(&path, type_of(&other), format!("one of {}", all()));
                None
            }
            None => {
                // A misspelt key is told as such.
                if !self.refuse_slip_of(section, "type") {
                    self.refuse(&section.path, "a table without a type", format!("type = one of {}", all()));
                }
                None
            }
        }
    }

    /// Refuses every key of `section` that is none of `parameters`, of which `also` are read elsewhere.
    pub(super) fn refuse_unknown(&mut self, section: &mut Section, parameters: &Parameters, also: &[&str]) {
        let known: Vec<&str> =
            parameters.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
        let names = || known.iter().chain(also).copied();
        let unknown: Vec<String> =
            section.fields.keys().filter(|key| !names().any(|name| name == key.as_str())).cloned().collect();
        for key in unknown {
            section.fields.remove(&key);
            let free = names().filter(|name| !section.fields.contains_key(*name));
            let expected = match nearest(&key, free).or_else(|| nearest(&key, names())) {
                Some(near) => near.to_owned(),
                None => format!("one of {}", names().collect::<Vec<_>>().join(", ")),
            };
            self.refuse(&section.path_of(&short(&key)), "an unknown key", expected);
        }
    }

    /// Reads the fields of `section` as `parameters` describe them. `None` if anything is wrong with them, which is
    /// collected.
    pub(super) fn read(
        &mut self,
        section: Section,
        whom: &str,
        parameters: &Parameters,
    ) -> Option<Arguments> {
        self.read_by(section, parameters, |fields| parameters.read(whom, fields, Naming::Fields))
    }

    /// Reads the fields of `section`, which are described by `parameters`, by `read`.
    pub(super) fn read_by<T>(
        &mut self,
        mut section: Section,
        parameters: &Parameters,
        read: impl Fn(&Map<String, Value>) -> Result<T>,
    ) -> Option<T> {
        let before = self.problems.len();
        self.refuse_unknown(&mut section, parameters, &[]);
        // An empty list of what is allowed would allow everything.
        let empty: Vec<String> = section
            .fields
            .iter()
            .filter(|(_, value)| value.as_array().is_some_and(Vec::is_empty))
            .map(|(name, _)| name.clone())
            .collect();
        for name in empty {
            section.fields.remove(&name);
            self.refuse(&section.path_of(&name), "an empty list", "at least one value; or leave it out");
        }
        for parameter in parameters.parameters.iter().filter(|parameter| parameter.secret) {
            if let Some(value) = section.fields.remove(&parameter.name) {
                let path = section.path_of(&parameter.name);
                match secret::given(&value, self.surroundings) {
                    Ok(value) => {
                        section.fields.insert(parameter.name.clone(), value);
                    }
                    Err(error) => self.problem(&path, &error),
                }
            }
        }
        // Without what is wrong, the rest may be wrong too.
        let mut removed: Vec<String> = Vec::new();
        loop {
            match read(&section.fields) {
                Ok(read) => return (self.problems.len() == before).then_some(read),
                Err(error) => {
                    let field = error.field().unwrap_or_default().to_owned();
                    let is_missing = error.field().is_some_and(|field| !section.fields.contains_key(field));
                    // It may be missing, or lack what it goes with, because that was wrong.
                    let words = error.to_string();
                    let is_sequel =
                        removed.iter().any(|name| words.ends_with(&format!("none without {name}")));
                    if !(is_sequel || is_missing && self.problems.len() > before) {
                        self.problem(&section.path_of(&field), &error);
                    }
                    let first = field.split(['.', '[']).next().unwrap_or_default();
                    section.fields.remove(first)?;
                    removed.push(first.to_owned());
                }
            }
        }
    }

    /// What `result` holds. An error is a problem of `path`.
    pub(super) fn sound<T>(&mut self, path: &str, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.problem(path, &error)).ok()
    }

    /// Collects an error about `path`.
    pub(super) fn problem(&mut self, path: &str, error: &Error) {
        let words = error.chain();
        // The path takes the place of the field.
        let words = match error.field() {
            Some(field) => words.replacen(&format!("invalid {field}: "), &format!("invalid {path}: "), 1),
            None if path.is_empty() => words,
            None => format!("{path}: {words}"),
        };
        self.problems.push(Problem::new(self.document.place(path), words));
    }

    /// Collects what is wrong with `path`.
    pub(super) fn refuse(&mut self, path: &str, value: impl Into<String>, expected: impl Into<String>) {
        self.problem(path, &Error::invalid(path.to_owned(), value.into(), expected.into()));
    }

    /// Where secrets are found.
    pub(super) fn surroundings(&self) -> &'a Surroundings {
        self.surroundings
    }

    /// Whether nothing was wrong so far.
    pub(super) fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }

    /// Everything that was wrong, if anything was.
    pub(super) fn finish(self) -> Result<(), Problems> {
        if self.problems.is_empty() {
            return Ok(());
        }
        Err(Problems::new(self.document.name(), self.problems))
    }

    /// Refuses a key of `section` that is likely a misspelling of `name`, if there is one.
    fn refuse_slip_of(&mut self, section: &mut Section, name: &str) -> bool {
        let slip = section.fields.keys().find(|key| nearest(key, [name]).is_some()).cloned();
        if let Some(slip) = &slip {
            self.refuse(&section.path_of(&short(slip)), "an unknown key", name);
        }
        slip.is_some()
    }
}

/// What a value is, without the value: it may be a secret in the wrong place.
pub(super) fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    }
}

fn short(key: &str) -> String {
    key.chars().take(80).collect()
}
