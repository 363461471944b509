use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use chaos_core::{
    Calendar, Journal, Monkey,
    calendar::CalendarState,
    clock::{Clock, SystemClock},
    jiff::Timestamp,
    journal::Found,
    plan::{Decision, Plan},
    text::escaped,
};
use chaos_notify::Message;
use clap::Args;
use serde::Serialize;

use super::{
    assemble::{Assembled, assemble, open_existing_journal},
    feeds::fetch_all,
    file::{MonkeyFile, NotifySection, Pace},
    read::read,
};
use crate::{
    catalogue::Catalogue,
    program::{LogTo, ProgramError, ProgramResult, Status, complain, lines_on_stderr, print, print_json},
};

/// How often the calendar is asked: a day takes a handful.
const STEPS: usize = 1_000;
/// How many openings are told.
const OPENINGS: usize = 3;
/// How many days the next due is looked for in.
const FORESEEN: u16 = 60;
/// How long a test message may take.
const MESSAGE_LIMIT: Duration = Duration::from_secs(60);
/// How many targets a reason names.
const NAMED: usize = 3;

/// Says why the monkey of a file does nothing, or would not. It changes nothing
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Exit codes: 0 nothing keeps it from its targets, unless it is leashed; 2 the file is wrong; 3 \
                        something does; 5 anything else."
)]
#[non_exhaustive]
pub struct DiagnoseArguments {
    /// The file, in TOML
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Sets one value of the file, such as `schedule.mean=3`
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Also sends a test message over each notifier
    #[arg(long)]
    pub send_test: bool,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

/// What was found about one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Finding {
    /// What it is about: `calendar`, `journal`, `provider local`.
    subject: String,
    /// Whether it keeps the monkey from injecting, or from bringing something back.
    is_wrong: bool,
    /// Whether a person should look at it all the same.
    is_doubtful: bool,
    finding: String,
}

impl Finding {
    fn well(subject: impl Into<String>, finding: impl Into<String>) -> Self {
        Self { subject: subject.into(), is_wrong: false, is_doubtful: false, finding: finding.into() }
    }

    fn wrong(subject: impl Into<String>, finding: impl Into<String>) -> Self {
        Self { subject: subject.into(), is_wrong: true, is_doubtful: false, finding: finding.into() }
    }
}

/// The whole diagnosis: causes first.
#[derive(Debug, Serialize)]
struct Diagnosis {
    is_sound: bool,
    findings: Vec<Finding>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<Plan>,
}

/// Prints what keeps the monkey of a file from injecting, and then everything else that was found.
///
/// # Errors
/// If nothing can be printed.
pub async fn diagnose(arguments: DiagnoseArguments, catalogue: &Catalogue) -> ProgramResult {
    LogTo::start(lines_on_stderr());
    let file = match read(&arguments.config, &arguments.set, catalogue) {
        Ok(file) => file,
        Err(problems) => {
            complain(&problems.to_string());
            return Ok(Status::BadArguments);
        }
    };
    let found = findings(&file, catalogue, arguments.send_test).await;
    if arguments.json {
        print_json(&found)?;
    } else {
        print(&text(&found))?;
    }
    Ok(if found.is_sound { Status::Done } else { Status::Skipped })
}

async fn findings(file: &MonkeyFile, catalogue: &Catalogue, sends_test: bool) -> Diagnosis {
    let now = SystemClock::default().now();
    let mut findings = Vec::new();
    if let Some(section) = &file.calendar {
        fetch_all(Some(section)).await;
        let failed = section.feeds.iter().filter_map(|section| Some((section, section.feed.last_error()?)));
        findings.extend(failed.map(|(section, error)| Finding::wrong(section.path.clone(), error.chain())));
        findings.push(calendar(&section.calendar, now));
    }
    let journal = match open_existing_journal(file.journal.as_deref()).await {
        Ok(Some(journal)) => {
            findings.extend(in_journal(journal.as_ref(), now).await);
            Some(journal)
        }
        Ok(None) if file.journal.is_some() => {
            findings.push(Finding::well("journal", "none yet; the monkey creates it"));
            None
        }
        Ok(None) => None,
        Err(error) => {
            findings.push(Finding::wrong("journal", one_line(&error)));
            None
        }
    };
    let plan = match assemble(file, catalogue, journal.into(), &[]).await {
        Ok(Assembled { monkey, .. }) => {
            let (of_events, others): (Vec<_>, Vec<_>) =
                checks(&monkey).await.into_iter().partition(|check| check.subject.starts_with("event "));
            findings.extend(others);
            let is_scheduled = matches!(file.pace, Pace::Scheduled { .. });
            if is_scheduled {
                findings.push(next_due(&monkey).await);
            }
            let plan = monkey.plan().await;
            findings.extend(match &plan {
                Ok(plan) => in_plan(plan, is_scheduled),
                Err(error) => vec![Finding::wrong("plan", error.chain())],
            });
            // That no target offers what an event needs follows from what keeps all of them out.
            let are_kept_out =
                findings.iter().any(|finding| finding.is_wrong && finding.subject == "targets");
            let follows =
                |event: &Finding| are_kept_out && event.finding.starts_with("no healthy target offers");
            findings.extend(of_events.into_iter().filter(|event| !follows(event)));
            plan.ok()
        }
        Err(error) => {
            findings.push(Finding::wrong("providers", one_line(&error)));
            None
        }
    };
    for section in &file.notify {
        findings.push(notifier(section, sends_test, now).await);
    }
    if !file.is_unleashed {
        findings.push(Finding::well("mode", "leashed: it says what it would do, and injects nothing"));
    }
    // A cause before its consequences: the order of the checks.
    findings.sort_by_key(|finding| (!finding.is_wrong, !finding.is_doubtful));
    Diagnosis { is_sound: findings.iter().all(|finding| !finding.is_wrong), findings, plan }
}

fn calendar(calendar: &Arc<dyn Calendar>, now: Timestamp) -> Finding {
    let (mut openings, mut closes) = (Vec::new(), None);
    let (mut at, mut was_closed) = (now, false);
    for _ in 0..STEPS {
        let next = match calendar.state(at) {
            CalendarState::Open(window) => {
                if was_closed {
                    openings.push(at.to_string());
                }
                window.closes
            }
            CalendarState::Closed(closed) => {
                // Windows that adjoin are one.
                closes.get_or_insert(at);
                closed.until
            }
        };
        was_closed = matches!(calendar.state(at), CalendarState::Closed(_));
        if next <= at || next == Timestamp::MAX || openings.len() == OPENINGS {
            break;
        }
        at = next;
    }
    let next = match openings.is_empty() {
        true => "it does not open within two years".to_owned(),
        false => format!("it opens next at {}", openings.join(", ")),
    };
    match calendar.state(now) {
        CalendarState::Open(_) => Finding::well(
            "calendar",
            match closes {
                Some(closes) => format!("open until {closes}; {next}"),
                None => "open".to_owned(),
            },
        ),
        CalendarState::Closed(closed) => {
            let why = closed
                .reason
                .map_or_else(|| "outside of its hours".to_owned(), |why| escaped(&why).to_string());
            Finding::wrong("calendar", format!("closed: {why}; {next}"))
        }
    }
}

/// The first due of the coming days.
async fn next_due(monkey: &Monkey) -> Finding {
    match monkey.forecast(FORESEEN).await {
        Err(error) => Finding::wrong("schedule", error.chain()),
        Ok(forecast) => match forecast.dues.first() {
            None => Finding::wrong("schedule", format!("nothing is due within {FORESEEN} days")),
            Some(due) if forecast.is_kept => Finding::well(
                "schedule",
                format!("the next due: {} at {}", escaped(due.group.as_str()), due.at),
            ),
            Some(_) => Finding::well("schedule", "its seed is drawn at the first start"),
        },
    }
}

/// Whether messages arrive, if one is to be sent.
async fn notifier(section: &NotifySection, sends_test: bool, now: Timestamp) -> Finding {
    let subject = section.path.clone();
    if !sends_test {
        return Finding::well(
            subject,
            format!("{}; --send-test tells whether messages arrive", section.kind()),
        );
    }
    let opened = match section.channel() {
        Ok(opened) => opened,
        Err(error) => return Finding::wrong(subject, error.chain()),
    };
    let (clock, message) = (SystemClock::default(), Message::test(now));
    tokio::select! {
        biased;
        sent = opened.channel.send(&message) => match sent {
            Ok(()) => Finding::well(subject, format!("{} took a test message", opened.channel.name())),
            Err(error) => Finding::wrong(subject, error.chain()),
        },
        () = clock.sleep(MESSAGE_LIMIT) => {
            Finding::wrong(subject, format!("{} has not answered within {MESSAGE_LIMIT:?}", opened.channel.name()))
        }
    }
}

async fn in_journal(journal: &dyn Journal, now: Timestamp) -> Vec<Finding> {
    let mut findings = Vec::new();
    let subject = "journal";
    match journal.halt().await {
        Ok(Some(halt)) => {
            let why = escaped(&halt.reason).to_string();
            findings.push(Finding::wrong(
                subject,
                format!("halted since {}: {why}; `chaos resume` ends that", halt.since),
            ));
        }
        Ok(None) => {}
        Err(error) => findings.push(Finding::wrong(subject, error.chain())),
    }
    match journal.pending().await {
        Ok(Found { faults, unreadable, .. }) => {
            findings.extend(unreadable.iter().map(|entry| {
                Finding::wrong(subject, format!("entry {} cannot be read: {}", entry.entry, entry.failure))
            }));
            for fault in &faults {
                let what = format!("fault {} on {} is {}", fault.id, fault.target, fault.state);
                findings.push(if fault.armed_at > now {
                    Finding::wrong(
                        subject,
                        format!("{what}, and was armed in the future, at {}", fault.armed_at),
                    )
                } else if fault.is_overdue(now) {
                    Finding::wrong(subject, format!("{what}, past its deadline and its recovery budget"))
                } else {
                    Finding::well(subject, what)
                });
            }
            if faults.is_empty() && unreadable.is_empty() {
                findings.push(Finding::well(subject, "nothing is pending"));
            }
        }
        Err(error) => findings.push(Finding::wrong(subject, error.chain())),
    }
    findings
}

/// What the monkey itself checks: providers, probes, and the preparation of each event.
async fn checks(monkey: &Monkey) -> Vec<Finding> {
    let checks = monkey.diagnose().await.checks.into_iter();
    // These are told in more detail.
    let checks = checks.filter(|check| !["calendar", "journal"].contains(&check.subject.as_str()));
    let finding = |check: chaos_core::monkey::Check| match check.finding {
        Ok(finding) => Finding::well(check.subject, finding),
        // It may be denied beforehand.
        Err(failure) if check.subject.starts_with("pattern ") => {
            Finding { is_doubtful: true, ..Finding::well(check.subject, failure.to_string()) }
        }
        Err(failure) => Finding::wrong(check.subject, failure.to_string()),
    };
    checks.map(finding).collect()
}

/// Why each target that the plan leaves alone would be left alone, if it leaves all of them alone.
fn in_plan(plan: &Plan, is_scheduled: bool) -> Vec<Finding> {
    let chosen: Vec<String> =
        plan.chosen().map(|(target, event)| format!("{event} on {}", escaped(target.as_str()))).collect();
    if !chosen.is_empty() && is_scheduled {
        // Each due draws its own victims.
        return vec![Finding::well("plan", "nothing would stop a due now")];
    }
    if !chosen.is_empty() {
        return vec![Finding::well("plan", format!("the next run would inject {}", chosen.join(", ")))];
    }
    let mut findings: Vec<Finding> = plan
        .doubts
        .iter()
        .map(|doubt| Finding::wrong(format!("in {}", doubt.about), doubt.failure.to_string()))
        .collect();
    let mut reasons: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for group in &plan.groups {
        let decided = group.targets.iter().filter_map(|target| match &target.decision {
            Decision::NotChosen { reason, .. } => Some((reason.to_string(), target.id.to_string())),
            _ => None,
        });
        let of_group = group.reason.iter().filter(|_| group.targets.is_empty());
        for (reason, whom) in of_group.map(|reason| (reason.to_string(), group.id.to_string())).chain(decided)
        {
            reasons.entry(reason).or_default().push(whom);
        }
    }
    // What concerns most comes first.
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, whom)| std::cmp::Reverse(whom.len()));
    findings.extend(reasons.into_iter().map(|(reason, whom)| {
        let named: Vec<String> = whom.iter().take(NAMED).map(|name| escaped(name).to_string()).collect();
        let more = whom.len().saturating_sub(NAMED);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        Finding::wrong("targets", format!("{reason}: {}{more}", named.join(", ")))
    }));
    if let (true, Some(reason)) = (findings.is_empty(), &plan.refused) {
        findings.push(Finding::wrong("plan", reason.to_string()));
    }
    findings
}

/// An error of this program in one line, with its hint.
fn one_line(error: &ProgramError) -> String {
    let text = error.to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    text.replace("\nhint: ", "; ")
}

fn text(diagnosis: &Diagnosis) -> String {
    let line = |finding: &Finding| {
        let mark = match (finding.is_wrong, finding.is_doubtful) {
            (true, _) => "WRONG",
            (false, true) => "CHECK",
            (false, false) => "fine ",
        };
        format!("{mark}  {}: {}", escaped(&finding.subject), escaped(&finding.finding))
    };
    let mut parts = vec![diagnosis.findings.iter().map(line).collect::<Vec<_>>().join("\n")];
    parts.extend(diagnosis.plan.as_ref().map(|plan| plan.explain().to_string()));
    parts.join("\n\n")
}
