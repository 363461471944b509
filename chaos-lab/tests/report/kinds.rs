//! A run that deviated, one that completed and one that was skipped, in each form.

use std::time::Duration;

use chaos_lab::{
    experiment::HypothesisStrategy,
    report::{html, json, junit, markdown},
    run::{ExperimentReport, ExperimentVerdict, RunOptions},
};

use crate::run;

async fn watched(file: &str) -> ExperimentReport {
    let options = RunOptions::default()
        .hypothesis_strategy(HypothesisStrategy::Continuously)
        .hypothesis_frequency(Duration::from_millis(20));
    run(file, options).await
}

#[tokio::test]
async fn a_run_that_deviated_is_a_report_of_the_bug() {
    let report = watched("deviated.yaml").await;
    assert_eq!(report.verdict, ExperimentVerdict::Deviated);
    let text = markdown(std::slice::from_ref(&report));
    for told in [
        "## The shop answers while its worker is away: deviated\n",
        "**Hypothesis:** At most 5 jobs wait, and the shop answers\n",
        "- Probe: jobs that wait\n- Expected: `from 0 to 5 in stdout`\n- Found: `status 0: 9`\n",
        "  - 1. stop the worker: ",
        "| 2 | jobs in the method |",
        "**not met**",
        "| R1 | start the worker again |",
    ] {
        assert!(text.contains(told), "{told:?} in:\n{text}");
    }
    let page = html(&[report]);
    for shown in [
        r#"class="verdict bad""#,
        r#"class="tolerated""#,
        r#"class="bound" x="100%""#,
        r#"class="curve""#,
        r##"<use class="missed" href="#mark-missed""##,
        "&quot;9\\n&quot;, expected from 0 to 5</title>",
        r#"class="rollbacks""#,
        "of 1 met",
        "prefers-color-scheme:dark",
    ] {
        assert!(page.contains(shown), "{shown:?} in:\n{page}");
    }
}

#[tokio::test]
async fn a_run_that_completed_has_no_miss() {
    let mut report = run("completed.yaml", RunOptions::default()).await;
    assert_eq!(report.verdict, ExperimentVerdict::Completed, "{report}");
    report.run_again = Some("chaos run 'a b.yaml'".to_owned());
    let (page, text) = (html(std::slice::from_ref(&report)), markdown(std::slice::from_ref(&report)));
    assert!(!page.contains(r##"href="#mark-missed""##) && !text.contains("First miss"), "{page}");
    assert!(text.contains("```sh\nchaos run 'a b.yaml'\n```\n"), "{text}");
    assert!(page.contains(r#"<span class="word">'a</span> <span class="word">b.yaml'</span>"#), "{page}");
    let two = json(&[report.clone(), report.clone()]);
    assert_eq!(
        (two[1]["verdict"].as_str(), json(&[report])["verdict"].as_str()),
        (Some("completed"), Some("completed"))
    );
}

#[tokio::test]
async fn of_a_run_that_was_skipped_the_steps_never_began() {
    let report = watched("skipped.yaml").await;
    assert_eq!(report.verdict, ExperimentVerdict::Skipped);
    let text = markdown(std::slice::from_ref(&report));
    assert!(text.contains("| 1 | stop the worker |  |  | **never began** |"), "{text}");
    assert!(text.contains("What stood then: no step had begun"), "{text}");
    let xml = junit(&[report]);
    assert!(xml.contains(r#"tests="5" failures="0" errors="0" skipped="5""#), "{xml}");
}

/// The page loads nothing: every reference is to itself, and its policy forbids the rest.
#[tokio::test]
async fn no_request_leaves_the_page() {
    let page = html(&[watched("deviated.yaml").await, watched("skipped.yaml").await]);
    assert!(page.contains(r#"content="default-src 'none'; style-src 'unsafe-inline'""#));
    for attribute in [" href=\"", " src=\"", "url("] {
        for (_, rest) in page.match_indices(attribute).map(|(at, _)| page.split_at(at + attribute.len())) {
            assert!(rest.starts_with('#'), "{attribute}{}", rest.chars().take(60).collect::<String>());
        }
    }
    for forbidden in ["<script", "@import", "<link", "<img", "<iframe", "http:", "https:"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
}
