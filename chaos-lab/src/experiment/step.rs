use std::time::Duration;

use chaos_core::text::duration_text;
use serde_json::{Map, Value, json};

/// An activity that is written in Rust: an action or a probe, as it would stand in a file.
///
/// ```
/// use chaos_lab::experiment::Step;
/// use serde_json::json;
///
/// let stop = Step::process("stop the queue", "systemctl", ["stop", "queue"])
///     .undo(Step::process("start the queue", "systemctl", ["start", "queue"]));
/// let look = Step::http("home page", "http://127.0.0.1:8080/").tolerance(200);
/// assert_eq!(look.data()["provider"]["url"], json!("http://127.0.0.1:8080/"));
/// # drop(stop);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a step does nothing until an experiment has it"]
pub struct Step(Map<String, Value>);

impl Step {
    /// Starts a process: an action, or with a [tolerance](Step::tolerance) a probe.
    pub fn process(
        name: impl Into<String>,
        path: impl Into<String>,
        arguments: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let arguments: Vec<String> = arguments.into_iter().map(Into::into).collect();
        Self::of(name, json!({ "type": "process", "path": path.into(), "arguments": arguments }))
    }

    /// Sends a GET request: an action, or with a [tolerance](Step::tolerance) a probe.
    pub fn http(name: impl Into<String>, url: impl Into<String>) -> Self {
        Self::of(name, json!({ "type": "http", "url": url.into() }))
    }

    /// Injects an event by its name in the catalogue. `settings` are its parameters, the provider of its targets with
    /// the settings of that, the groups and the blast radius.
    pub fn event(name: impl Into<String>, event: impl Into<String>, settings: Map<String, Value>) -> Self {
        let mut provider = settings;
        provider.insert("type".to_owned(), "chaos".into());
        provider.insert("event".to_owned(), event.into().into());
        Self::of(name, Value::Object(provider))
    }

    /// An activity by any provider, as it stands in a file.
    pub fn of(name: impl Into<String>, provider: impl Into<Value>) -> Self {
        let fields = [
            ("type".to_owned(), "action".into()),
            ("name".to_owned(), name.into().into()),
            ("provider".to_owned(), provider.into()),
        ];
        Self(Map::from_iter(fields))
    }

    /// Sets which values are normal, as in a file. It is a probe then.
    pub fn tolerance(self, tolerance: impl Into<Value>) -> Self {
        self.with("type", "probe").with("tolerance", tolerance)
    }

    /// Sets how long it may take, for a process.
    pub fn within(mut self, limit: Duration) -> Self {
        if let Some(Value::Object(provider)) = self.0.get_mut("provider") {
            provider.insert("timeout".to_owned(), json!(limit.as_secs_f64()));
        }
        self
    }

    /// Sets what undoes it once it has begun.
    pub fn undo(self, undo: Self) -> Self {
        self.with("undo", undo.0)
    }

    /// Repeats it until its value is normal, `within` at most.
    pub fn until(self, every: Duration, within: Duration) -> Self {
        self.with("until", json!({ "every": duration_text(every), "within": duration_text(within) }))
    }

    /// Lets the next step begin without waiting for this one.
    pub fn in_background(self) -> Self {
        self.with("background", true)
    }

    /// Sets a pause after it.
    pub fn pause_after(self, pause: Duration) -> Self {
        self.with("pauses", json!({ "after": pause.as_secs_f64() }))
    }

    /// Asks a person before it is carried out.
    pub fn approval(self, question: impl Into<String>) -> Self {
        self.with("approval", question.into())
    }

    /// As it would stand in a file.
    pub fn data(&self) -> &Map<String, Value> {
        &self.0
    }

    pub(super) fn into_data(self) -> Value {
        Value::Object(self.0)
    }

    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }
}
