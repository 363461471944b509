//! The secrets of an experiment, from where they come: what a journal holds in place of their values.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use chaos_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{document, experiment::Experiment, substitution::Names};

/// Where each secret comes from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Secrets {
    /// As in the document, with null for what is inline.
    secrets: Map<String, Value>,
    /// The file of the experiment, which holds what is inline.
    file: Option<PathBuf>,
    /// What else that file held, as a number.
    #[serde(default)]
    rest: Option<u64>,
    /// The files of variables that hold the inline ones of a group instead.
    #[serde(default)]
    secrets_from: BTreeMap<String, PathBuf>,
}

impl Secrets {
    pub(crate) fn of(experiment: &Experiment) -> Self {
        // `recover` may run elsewhere.
        let absolute = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
        let settings = &experiment.settings;
        let from = settings.secrets_from.iter().map(|(group, file)| (group.clone(), absolute(file)));
        Self {
            secrets: settings.references.clone(),
            file: experiment.file.as_ref().map(absolute),
            rest: Some(rest(&experiment.document)),
            secrets_from: from.collect(),
        }
    }

    /// Adds the values to `names`.
    ///
    /// # Errors
    /// If one is no longer where it comes from.
    pub(crate) fn again(&self, mut names: Names) -> Result<Names> {
        for (group, entries) in &self.secrets {
            let Value::Object(entries) = entries else { continue };
            let mut inline = None;
            for (name, reference) in entries {
                let value = self.value(reference, &[group.as_str(), name.as_str()], &mut inline)?;
                names = names.with_secret(group, name, value);
            }
        }
        Ok(names)
    }

    fn value(&self, reference: &Value, path: &[&str], inline: &mut Option<Value>) -> Result<Value> {
        match reference {
            Value::Object(fields) if fields.get("type").is_some_and(|kind| kind == "env") => {
                let key = fields.get("key").and_then(Value::as_str).unwrap_or_default();
                let value = std::env::var_os(key).map(|value| value.to_string_lossy().into_owned().into());
                value.ok_or_else(|| {
                    lost("a secret of the rollbacks is not set: set the variable, and recover again")
                        .with("variable", key)
                })
            }
            Value::Object(fields) => {
                let values = fields.iter().map(|(name, reference)| {
                    let path: Vec<&str> = path.iter().copied().chain([name.as_str()]).collect();
                    Ok((name.clone(), self.value(reference, &path, inline)?))
                });
                values.collect::<Result<Map<_, _>>>().map(Value::Object)
            }
            _ => {
                if inline.is_none() {
                    *inline = Some(self.read(path[0])?);
                }
                let secrets = inline.as_ref().unwrap_or(&Value::Null);
                let value = path.iter().try_fold(secrets, |value, name| value.get(name));
                value.cloned().ok_or_else(|| {
                    lost("a secret of the rollbacks is no longer in its file: put it back, and recover again")
                        .with("secret", path.join("."))
                })
            }
        }
    }

    /// The secrets in the file that a group comes from.
    fn read(&self, group: &str) -> Result<Value> {
        let other = self.secrets_from.get(group);
        let file = other.or(self.file.as_ref());
        let file = file.ok_or_else(|| lost("the file with the secrets of the rollbacks is not known"))?;
        let mut document = read(file)?;
        if other.is_none() && self.rest.is_some_and(|known| known != rest(&document)) {
            let what = "the file of the experiment has changed since the run, so its secrets may be others: put the \
                file of the run back, and recover again";
            return Err(lost(what).with("file", file.display()));
        }
        Ok(document.get_mut("secrets").map(Value::take).unwrap_or_default())
    }
}

fn read(file: &Path) -> Result<Value> {
    document::read(file).map_err(|problem| {
        lost("the file with the secrets of the rollbacks cannot be read: put it back, and recover again")
            .with("file", file.display())
            .caused_by(problem)
    })
}

fn lost(what: &'static str) -> Error {
    Error::new(ErrorKind::NotFound, what).finally()
}

/// A number for a document without its secrets, the same on each machine: FNV-1a of 64 bits.
fn rest(document: &Value) -> u64 {
    let fields = document.as_object().into_iter().flatten().filter(|(name, _)| *name != "secrets");
    let text = fields.map(|(name, value)| format!("{name}\0{value}\0")).collect::<String>();
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
