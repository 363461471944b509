use std::{sync::Arc, time::Duration};

use chaos_core::jiff::{Timestamp, fmt::temporal::DateTimePrinter, tz::Offset};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{experiment::Provider, functions::Function, substitution::Names};

/// One activity, as it was carried out.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ActivityRun {
    /// Its name.
    pub name: String,
    /// The activity as it stands in the document, without the values of secrets.
    pub activity: Arc<Value>,
    /// What it yielded, without the values of secrets. Null if it yielded nothing.
    pub output: Value,
    /// When it began.
    pub start: Timestamp,
    /// How it ended; `None` as long as it has not ended, and if it was interrupted.
    pub status: Option<ActivityStatus>,
    /// When it ended.
    pub end: Option<Timestamp>,
    /// How long it took.
    pub duration: Duration,
    /// Why it failed.
    pub exception: Option<String>,
    /// Its exit status or HTTP status, if that is a failure. The output may mask it.
    pub unwanted: Option<i64>,
    /// What it yielded, if later steps may refer to that.
    pub(crate) yielded: Option<Value>,
    /// Whether it was left out of a dry run.
    pub is_left_out: bool,
    /// Whether it failed because the system did not answer.
    pub is_no_answer: bool,
    /// For a probe of the hypothesis, whether its value was normal.
    pub tolerance_met: Option<bool>,
    /// Why it was not, as in "503, expected 200".
    pub not_met: Option<String>,
    /// What controls have added to its entry in the journal, without the values of secrets.
    pub added: Map<String, Value>,
}

/// An activity as Chaos Toolkit's journal has it, with why a tolerance was not met beside it.
#[derive(Debug, Serialize)]
pub(crate) struct ActivityEntry<'a> {
    activity: &'a Value,
    output: &'a Value,
    start: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exception: Option<[&'a str; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tolerance_met: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_met: Option<&'a str>,
    #[serde(flatten)]
    added: &'a Map<String, Value>,
}

/// How an activity ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the format knows these two")]
pub enum ActivityStatus {
    /// It yielded a value.
    Succeeded,
    /// It did not.
    Failed,
}

impl ActivityRun {
    pub(crate) fn begun(name: &str, activity: Arc<Value>, start: Timestamp) -> Self {
        Self {
            name: name.to_owned(),
            activity,
            output: Value::Null,
            start,
            status: None,
            end: None,
            duration: Duration::ZERO,
            exception: None,
            unwanted: None,
            yielded: None,
            is_left_out: false,
            is_no_answer: false,
            tolerance_met: None,
            not_met: None,
            added: Map::new(),
        }
    }

    /// Whether it yielded a value.
    pub fn has_succeeded(&self) -> bool {
        self.status == Some(ActivityStatus::Succeeded)
    }

    /// The status that says that it did not do what it was for, unless its tolerance accepts that: an exit other than
    /// with 0, or an HTTP status from 400 on.
    pub fn bad_status(&self) -> Option<i64> {
        self.unwanted.filter(|_| self.tolerance_met != Some(true))
    }

    /// The targets that its event has hit: of a function of an extension by their names, of an event by their ids.
    pub fn hit(&self) -> Vec<String> {
        let provider = &self.activity["provider"];
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let of = |list: &Value, name: &str| {
            let items = list.as_array().into_iter().flatten();
            items.filter_map(|item| text(&item[name])).collect::<Vec<_>>()
        };
        let is_event =
            |module: &str, name: &str| Function::named(module, name).is_some_and(Function::is_event);
        match (provider["type"].as_str(), provider["module"].as_str(), provider["func"].as_str()) {
            (Some("chaos"), ..) => of(&self.output["faults"], "target"),
            (Some("python"), Some(module), Some(name)) if is_event(module, name) => {
                let entries = self.output.as_array().into_iter().flatten().filter_map(Value::as_object);
                let lists = entries.flat_map(|entry| entry.values()).map(|list| of(list, "InstanceId"));
                lists.flatten().chain(of(&self.output["resources"], "name")).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Masks the values of secrets that are known by now.
    pub(crate) fn mask(&mut self, names: &Names) {
        self.activity = names.masked_shared(&self.activity);
        self.output = names.without_secrets(std::mem::take(&mut self.output));
        for text in [&mut self.exception, &mut self.not_met].into_iter().flatten() {
            *text = names.masked_text(std::mem::take(text));
        }
        if let Value::Object(added) = names.without_secrets(Value::Object(std::mem::take(&mut self.added))) {
            self.added = added;
        }
    }

    /// Whether it did what it was for.
    pub(crate) fn is_fine(&self) -> bool {
        self.has_succeeded() && self.bad_status().is_none() && self.tolerance_met != Some(false)
    }

    /// As Chaos Toolkit's journal has it, with why a tolerance was not met beside it unless it `is_compatible`.
    pub(crate) fn entry(&self, is_compatible: bool) -> ActivityEntry<'_> {
        ActivityEntry {
            activity: &self.activity,
            output: &self.output,
            start: time(self.start),
            status: self.status.map(ActivityStatus::name),
            exception: self.exception.as_deref().map(|exception| [exception]),
            end: self.end.map(time),
            duration: self.end.map(|_| self.duration.as_secs_f64()),
            tolerance_met: self.tolerance_met,
            not_met: self.not_met.as_deref().filter(|_| !is_compatible),
            added: &self.added,
        }
    }
}

impl ActivityStatus {
    /// Its name in the journal.
    pub fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(6));

/// A time as Chaos Toolkit writes it: with microseconds and `+00:00`.
pub(crate) fn time(at: Timestamp) -> String {
    let mut text = String::with_capacity(32);
    // Writing to a text does not fail.
    let _ = PRINTER.print_timestamp_with_offset(&at, Offset::UTC, &mut text);
    text
}

/// The status in the output of a provider, if it is that of a failure.
pub(crate) fn unwanted(provider: &Provider, output: &Value) -> Option<i64> {
    let is_unwanted = |status: &i64| match provider {
        Provider::Process(_) => *status != 0,
        Provider::Http(_) => *status >= 400,
        Provider::Python(_) | Provider::Chaos(_) => false,
    };
    output["status"].as_i64().filter(is_unwanted)
}
