use serde_json::{Value, json as object};

use crate::run::ExperimentReport;

/// The runs as data, as `chaos run --json` prints them: Chaos Toolkit's journal, with the verdict and the faults. One
/// run is an object, several are a list.
///
/// ```
/// # use chaos_lab::{experiment::Experiment, run::Lab};
/// # use serde_json::json;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let document = json!({
/// #     "title": "Nothing happens", "description": "An example.", "method": [
/// #         { "type": "action", "name": "rest", "provider": { "type": "process", "path": "true" } },
/// #     ],
/// # });
/// # let experiment = Experiment::from_document(document, &Default::default())?;
/// let run = Lab::new().run(&experiment).await?;
/// assert_eq!(chaos_lab::report::json(&[run])["verdict"], "completed");
/// # Ok(())
/// # }
/// ```
pub fn json(reports: &[ExperimentReport]) -> Value {
    match reports {
        [report] => one(report),
        reports => reports.iter().map(one).collect(),
    }
}

fn one(report: &ExperimentReport) -> Value {
    let mut data = object!({
        "file": report.file.as_ref().map(|file| file.display().to_string()),
        "title": report.title,
        "verdict": report.verdict.name(),
        "reasons": report.reasons,
    });
    data["run"] = serde_json::to_value(&report.run).unwrap_or(Value::Null);
    data["faults"] = serde_json::to_value(&report.faults).unwrap_or(Value::Null);
    if let Some(rung) = &report.rung {
        data["rung"] = rung.clone();
    }
    data["journal"] = report.journal();
    data
}
