//! Whatever stands in a report, it is text.

use std::sync::Arc;

use chaos_lab::{
    report::{html, junit, markdown},
    run::{ActivityRun, ExperimentReport, RunOptions},
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::run;

/// Parts of markup, of XML and of terminals' commands, beside any characters.
fn hostile() -> impl Strategy<Value = String> {
    let parts = prop::sample::select(vec![
        "<script>alert(1)</script>",
        "</style>",
        "</title>",
        "\"onload=\"x",
        "'",
        "<!--",
        "-->",
        "]]>",
        "&lt;",
        "&#0;",
        "\u{1b}[31m",
        "\n",
        "\r\n",
        "\u{0}",
        "\u{202e}",
        "\u{2028}",
        "\u{fffe}",
        "\u{ffff}",
        "|",
        "```",
        "`",
        "@all",
        "![x](y)",
        "<img src=x>",
        "javascript:",
        "${secret}",
        "\\",
        "&",
        "<",
        ">",
        "NaN",
        "1e999",
    ]);
    let any = prop_oneof![parts.prop_map(str::to_owned), any::<String>(), "[ -~]{0,8}"];
    prop::collection::vec(any, 0..6).prop_map(|parts| parts.concat())
}

/// Puts texts into every field that holds one.
fn filled(mut report: ExperimentReport, texts: &[String; 6]) -> ExperimentReport {
    let [title, name, output, why, reason, hypothesis] = texts;
    report.title.clone_from(title);
    report.reasons = vec![reason.clone(), why.clone()];
    report.hypothesis = Some(hypothesis.clone());
    report.file = Some(reason.into());
    report.run_again = Some(why.clone());
    let looks = report.before.iter_mut().chain(&mut report.during).chain(&mut report.after);
    let of_looks = looks.flat_map(|look| &mut look.probes);
    for (index, run) in of_looks.chain(&mut report.method).chain(&mut report.rollbacks).enumerate() {
        fill(run, index, name, output, why);
    }
    for section in ["method", "rollbacks"] {
        Arc::make_mut(&mut report.document)[section] =
            json!([{ "name": name }, { "name": output }, { "name": why }]);
    }
    Arc::make_mut(&mut report.document)["steady-state-hypothesis"]["probes"] =
        json!([{ "name": why, "tolerance": { "type": name, "pattern": output } }]);
    if let Some(fault) = report.run.as_mut().and_then(|run| run.faults.first_mut()) {
        fault.event.clone_from(name);
        fault.requested.set(output.clone(), 1.0);
        fault.achieved.set(name.clone(), f64::MAX);
    }
    report
}

fn fill(run: &mut ActivityRun, index: usize, name: &str, output: &str, why: &str) {
    run.name = name.to_owned();
    Arc::make_mut(&mut run.activity)["name"] = name.into();
    Arc::make_mut(&mut run.activity)["tolerance"] = match index % 5 {
        0 => output.into(),
        1 => json!({ "type": "range", "range": [-f64::MAX, f64::MAX], "target": name }),
        2 => json!({ "type": "jsonpath", "path": output, "expect": why }),
        3 => json!([output, why]),
        _ => json!({ "type": output, "name": why }),
    };
    run.output = match index % 3 {
        0 => output.into(),
        1 => json!({ "status": why, "stdout": output, name: 1e300 }),
        _ => Value::from(vec![output]),
    };
    run.not_met = index.is_multiple_of(2).then(|| why.to_owned());
    run.exception = index.is_multiple_of(3).then(|| output.to_owned());
    run.tolerance_met = (!index.is_multiple_of(4)).then_some(index % 4 == 1);
}

/// Every tag of a page in order, as a name; what is between them is text.
fn tags(page: &str) -> Vec<String> {
    let tag = |(at, _): (usize, &str)| {
        let rest = &page[at + 1..];
        rest.chars().take_while(|character| !matches!(character, ' ' | '>')).collect()
    };
    page.match_indices('<').map(tag).collect()
}

const KNOWN: [&str; 42] = [
    "!DOCTYPE", "a", "article", "body", "br", "circle", "code", "defs", "div", "g", "h1", "h2", "h3", "head",
    "header", "html", "li", "line", "main", "meta", "nav", "ol", "p", "path", "pattern", "pre", "rect",
    "section", "span", "strong", "style", "svg", "table", "tbody", "td", "text", "th", "thead", "title",
    "tr", "ul", "use",
];

#[test]
fn any_text_in_any_field_is_text() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let report = runtime.block_on(run("deviated.yaml", RunOptions::default()));
    let texts = prop::array::uniform6(hostile());
    let mut runner = proptest::test_runner::TestRunner::default();
    let result = runner.run(&texts, |texts| {
        let report = filled(report.clone(), &texts);
        let page = html(&[report.clone(), report.clone()]);
        for tag in tags(&page) {
            let name = tag.trim_start_matches('/');
            prop_assert!(KNOWN.contains(&name), "<{tag}>");
        }
        prop_assert!(!page.contains("<script") && !page.contains(" onload=\"x"));
        let is_plain = |character: char| character == '\n' || !character.is_control();
        let is_deceptive = page.chars().any(|character| !is_plain(character) || character == '\u{202e}');
        prop_assert!(!is_deceptive);
        let xml = junit(std::slice::from_ref(&report));
        let cases = read_xml(&xml).map_err(TestCaseError::fail)?;
        prop_assert!(cases >= 6, "{cases} cases");
        let text = markdown(&[report]);
        prop_assert!(text.chars().all(is_plain));
        // A line that a text of others had begun would begin otherwise.
        for line in text.lines().filter(|line| !line.is_empty()) {
            let begins =
                ["## ", "### ", "Ran at ", "- ", "  - ", "**Hypothesis:** ", "| ", "|---", "```", "Run it"];
            let is_ours = begins.iter().any(|begin| line.starts_with(begin)) || line.ends_with(" in all.");
            let is_command = text.contains(&format!("sh\n{line}\n```"));
            prop_assert!(is_ours || is_command, "{line:?}");
        }
        Ok(())
    });
    result.unwrap();
}

/// Reads XML strictly. Returns how many cases there are.
fn read_xml(xml: &str) -> Result<usize, String> {
    use xmlparser::{Token, Tokenizer};
    let is_allowed =
        |c: char| matches!(c, '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}');
    if let Some(forbidden) = xml.chars().find(|character| !is_allowed(*character)) {
        return Err(format!("{forbidden:?} in {xml}"));
    }
    let mut cases = 0;
    for token in Tokenizer::from(xml) {
        let token = token.map_err(|error| format!("{error} in {xml}"))?;
        let has_reference = |text: &str| {
            text.split('&').skip(1).all(|rest| {
                ["amp;", "lt;", "gt;", "quot;", "apos;"].iter().any(|name| rest.starts_with(name))
            })
        };
        match token {
            Token::ElementStart { local, .. } => cases += usize::from(local == "testcase"),
            Token::Attribute { value: text, .. } | Token::Text { text } if !has_reference(&text) => {
                return Err(format!("{text} in {xml}"));
            }
            _ => {}
        }
    }
    Ok(cases)
}
