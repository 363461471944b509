use std::{collections::BTreeSet, pin::pin, sync::Arc, time::Duration};

use chaos_core::{
    Error, ErrorKind, GroupId, Hold, Monkey, Observer, Outcome, Result, RunReport, TargetId,
    clock::{Clock, SystemClock},
    fault::FaultRecord,
    plan::Plan,
    text::escaped,
};
use futures_util::future::join;

use super::{
    DrillArguments,
    announced::Announced,
    echo::Unechoed,
    hold_counts::HoldCounts,
    live::{Live, Phase},
    notify::{Notifier, notifiers},
    order::{Bounds, Order},
    phases::Phases,
    plan_table::PlanTable,
    question,
    report::{After, ClientsReport, DrillReport},
    stage::{Ledger, Stage},
    summary::{Summary, humanly},
};
use crate::{
    catalogue::Catalogue,
    clients::{ClientCounts, Clients, Counts},
    program::{Interrupt, LogTo, ProgramError, ProgramResult, Status, print, print_json},
};

/// How often the clients' line is redrawn.
const REDRAW: Duration = Duration::from_millis(100);
/// The time limit for the list of pending faults when a second Ctrl-C has ended the drill.
const LAST_LOOK: Duration = Duration::from_secs(2);

/// The end of a drill.
enum Ended {
    Reported(Box<Reported>),
    /// Before anything was injected.
    Interrupted,
    /// Interrupted twice: the drill did not wait for the recovery.
    Abandoned {
        status: Status,
    },
}

/// The data for the report of a drill.
struct Reported {
    report: DrillReport,
    status: Status,
    /// The requested number of targets, after the question.
    count: usize,
    /// Whether the plan was already shown.
    plan_is_known: bool,
}

/// A person's answer to a plan.
enum Answer {
    /// Inject into these targets.
    Yes {
        count: usize,
        targets: Vec<TargetId>,
    },
    No {
        count: usize,
        plan: Plan,
    },
}

/// The end of a run.
enum Run {
    Over { report: Box<RunReport>, interrupted: bool },
    Abandoned,
}

/// Runs one drill and reports it.
///
/// # Errors
/// For invalid arguments, and if the fleet, the journal or the monkey fails before anything is injected.
pub async fn drill(arguments: DrillArguments, catalogue: &Catalogue) -> ProgramResult {
    let live = Live::on_stderr();
    LogTo::start(live.lines());
    let _unechoed = Unechoed::on_stderr();
    let order = Order::read(arguments, catalogue)?;
    let mut interrupt = Interrupt::listen()?;
    let setting = async {
        let notifiers = notifiers(&order.notify, &order.provider).await?;
        Ok::<_, ProgramError>((Stage::set(&order, &live, catalogue).await?, notifiers))
    };
    let (stage, notifiers) = tokio::select! {
        biased;
        () = interrupt.next() => return Ok(interrupted(&live)),
        set = setting => set?,
    };
    let ended = perform(&order, catalogue, &stage, &notifiers, &live, &mut interrupt).await;
    if let Ok(Ended::Abandoned { status }) = ended {
        return Ok(status);
    }
    let struck = stage.strike().await;
    match ended? {
        Ended::Reported(reported) => {
            let Reported { report, status, count, plan_is_known } = *reported;
            let printed = if order.json {
                print_json(&report)
            } else {
                let again = order.command(count);
                print(&Summary { report: &report, plan_is_known, again }.to_string())
            };
            status.and_then(printed.and(struck))
        }
        Ended::Interrupted => Ok(interrupted(&live)),
        Ended::Abandoned { status } => Ok(status),
    }
}

async fn perform(
    order: &Order,
    catalogue: &Catalogue,
    stage: &Stage,
    notifiers: &[Arc<dyn Notifier>],
    live: &Live,
    interrupt: &mut Interrupt,
) -> Result<Ended, ProgramError> {
    let filter = stage.filter(order).await?;
    let bounds = stage.bounds(order, &filter).await?;
    let ledger = stage.ledger(order).await?;
    if let (false, Some(path)) = (stage.is_own(), &ledger.path) {
        live.head("journal", &path.display().to_string());
    }
    let client_counts = Counts::default();
    let hold_counts = HoldCounts::of(client_counts.clone());
    let monkey = |count, providers| {
        let phases = Phases::new(live.clone(), order.event.hold().duration());
        let mut observers: Vec<Arc<dyn Observer>> = vec![Arc::new(phases), Arc::new(hold_counts.clone())];
        observers.extend(notifiers.iter().map(|notifier| Arc::clone(notifier) as Arc<dyn Observer>));
        order.monkey(count, providers, filter.clone(), stage.domain(), Arc::clone(&ledger.journal), observers)
    };
    let plan = async |count| monkey(count, stage.providers())?.plan().await;

    let mut count = order.count();
    let mut providers = stage.providers();
    if order.dry_run {
        let orphans = ledger.journal.orphans(SystemClock::default().now()).await?.faults.len();
        if orphans > 0 {
            let what = "left by a program that has ended; a run recovers them before it plans";
            live.head("pending", &format!("{orphans} of the faults in the journal: {what}"));
        }
        let plan = plan(count).await?;
        order.check_plan(&plan)?;
        let status = Status::of_plan(&plan);
        let report = DrillReport::untouched(Outcome::DryRun, plan);
        if let Some(why) = &report.unanswered {
            live.failed("plan", format!("it is unknown which targets would be hit: {why}"));
        }
        let reported = Reported { report, status, count, plan_is_known: false };
        return Ok(Ended::Reported(Box::new(reported)));
    }
    if !stage.is_own() && !order.yes {
        if !live.can_ask() {
            let what = "a drill on a fleet that is not its own needs a confirmation, but there is no terminal to ask \
                on";
            return Err(ProgramError::from(Error::new(ErrorKind::InvalidInput, what))
                .hint("pass --yes, or --dry-run to see the plan"));
        }
        let answer = tokio::select! {
            biased;
            () = interrupt.next() => {
                // Moves off the line of the question.
                live.say("");
                return Ok(Ended::Interrupted);
            }
            answer = agree(order, bounds, live, plan) => answer?,
        };
        match answer {
            Answer::Yes { count: agreed, targets } => {
                count = agreed;
                providers = Announced::only(&targets, providers);
            }
            Answer::No { count, plan } => {
                let report = DrillReport::untouched(Outcome::Skipped, plan);
                let reported = Reported { report, status: Status::Skipped, count, plan_is_known: true };
                return Ok(Ended::Reported(Box::new(reported)));
            }
        }
    }

    let monkey = monkey(count, providers)?;
    let mut all = ClientCounts::default();
    let mut counted = Ok(());
    let run = match stage.endpoints()? {
        None => carry_out(&monkey, Duration::ZERO, &ledger, live, interrupt).await,
        Some(endpoints) => {
            let clock = Arc::new(SystemClock::default());
            let clients = Clients::start(endpoints, client_counts.clone(), clock);
            let phase = live.begin_last("clients", "");
            let run = tokio::select! {
                run = carry_out(&monkey, order.steady, &ledger, live, interrupt) => run,
                () = redraw(&phase, &client_counts) => Ok(None),
            };
            match clients.stop().await {
                Ok(counts) => all = counts,
                Err(error) => counted = Err(error),
            }
            phase.done(served(all));
            run
        }
    };
    let run = match run {
        Ok(run) => run,
        // Faults that it may have left outweigh the error.
        Err(error) if leaves_orphans(&ledger).await => {
            live.failed("run", error.chain());
            return Ok(Ended::Abandoned { status: abandoned(&ledger, live).await });
        }
        Err(error) => return Err(error.into()),
    };
    match run {
        None => Ok(Ended::Interrupted),
        Some(Run::Abandoned) => Ok(Ended::Abandoned { status: abandoned(&ledger, live).await }),
        Some(Run::Over { report, interrupted }) => {
            for notifier in notifiers {
                if let Err(what) = notifier.finish().await {
                    live.failed("notify", what);
                }
            }
            let status = Status::of_run(&report);
            let status = if interrupted { status.interrupted() } else { status };
            let status = status.and_then(order.check_plan(&report.plan).and(counted))?;
            let after = after(&report, stage, live).await;
            let clients = ClientsReport { all, during_hold: hold_counts.seen() };
            let recover_with = ledger.recover_command();
            let report =
                DrillReport::of_run(*report, interrupted, after, clients, recover_with.as_deref(), catalogue);
            Ok(Ended::Reported(Box::new(Reported { report, status, count, plan_is_known: false })))
        }
    }
}

/// Shows the plan to a person, asks for the number of targets if none was given, and asks for a yes.
async fn agree(
    order: &Order,
    bounds: Bounds,
    live: &Live,
    plan: impl AsyncFn(usize) -> Result<Plan>,
) -> Result<Answer> {
    let mut count = order.count();
    let mut planned = plan(count).await?;
    live.say(&PlanTable(&planned).to_string());
    if order.leaves_count_open() {
        match question::how_many(live, count, bounds).await? {
            0 => return Ok(Answer::No { count, plan: planned }),
            answer if answer == count => {}
            answer => {
                count = answer;
                planned = plan(count).await?;
            }
        }
    }
    live.say(&announced(&planned, order.event.hold()));
    if question::whether(live).await? {
        let targets = planned.chosen().map(|(target, _)| target.clone()).collect();
        Ok(Answer::Yes { count, targets })
    } else {
        Ok(Answer::No { count, plan: planned })
    }
}

/// The run, between two periods of steady state. `None` if it was interrupted before it began.
async fn carry_out(
    monkey: &Monkey,
    steady: Duration,
    ledger: &Ledger,
    live: &Live,
    interrupt: &mut Interrupt,
) -> Result<Option<Run>> {
    let clock = SystemClock::default();
    tokio::select! {
        biased;
        () = interrupt.next() => return Ok(None),
        () = clock.sleep(steady) => {}
    }
    let mut running = pin!(monkey.run_once());
    let first = tokio::select! {
        biased;
        report = &mut running => Some(report?),
        () = interrupt.next() => None,
    };
    if let Some(report) = first {
        tokio::select! {
            biased;
            () = interrupt.next() => {}
            () = clock.sleep(steady) => {}
        }
        return Ok(Some(Run::Over { report: Box::new(report), interrupted: false }));
    }
    let place = match &ledger.path {
        Some(_) => "Ctrl-C again leaves at once and says how to recover",
        None => "Ctrl-C again leaves at once and ends the fleet",
    };
    live.failed("interrupted", format!("recovering; {place}"));
    tokio::select! {
        biased;
        () = interrupt.next() => Ok(Some(Run::Abandoned)),
        ((), report) = join(monkey.shutdown(), running) => {
            Ok(Some(Run::Over { report: Box::new(report?), interrupted: true }))
        }
    }
}

/// Whether the journal holds a fault that no process takes care of.
async fn leaves_orphans(ledger: &Ledger) -> bool {
    let now = SystemClock::default().now();
    ledger.journal.orphans(now).await.is_ok_and(|found| !found.faults.is_empty())
}

/// The groups after the run. If they cannot be read, the report is made without them.
async fn after(report: &RunReport, stage: &Stage, live: &Live) -> Option<After> {
    let hit: BTreeSet<&GroupId> =
        report.faults.iter().chain(&report.replayed).map(|fault| &fault.group).collect();
    match stage.after(&report.plan, &hit).await {
        Ok(after) => Some(after),
        Err(error) => {
            live.failed("group", format!("can no longer be read: {}", error.chain()));
            None
        }
    }
}

/// Keeps the clients' line up to date. Never returns.
async fn redraw(phase: &Phase, counts: &Counts) {
    loop {
        phase.tell(served(counts.read()));
        SystemClock::default().sleep(REDRAW).await;
    }
}

fn served(counts: ClientCounts) -> String {
    format!("{} requests sent, {} failed", counts.requests, counts.failed)
}

fn announced(plan: &Plan, hold: Hold) -> String {
    let chosen = plan.chosen().map(|(target, event)| format!("{event} into {target}"));
    let chosen: Vec<_> = chosen.map(|text| escaped(&text).to_string()).collect();
    let held = match hold.is_momentary() {
        true => String::new(),
        false => format!(" for {}", humanly(hold.duration())),
    };
    match chosen.is_empty() {
        true => PlanTable(plan).to_string(),
        false => format!("{}{held}", chosen.join(", ")),
    }
}

fn interrupted(live: &Live) -> Status {
    live.failed("interrupted", "nothing was injected");
    Status::Other
}

/// Shows the faults that a drill leaves behind if it does not wait for the recovery.
async fn abandoned(ledger: &Ledger, live: &Live) -> Status {
    let clock = SystemClock::default();
    let pending = tokio::select! {
        biased;
        pending = ledger.journal.pending() => pending,
        () = clock.sleep(LAST_LOOK) => {
            Err(Error::new(ErrorKind::Timeout, "the journal does not answer"))
        }
    };
    match &pending {
        Ok(found) if found.faults.is_empty() && found.unreadable.is_empty() => {
            live.failed("left", "nothing is pending");
            return Status::Other;
        }
        Ok(found) => {
            for fault in &found.faults {
                let FaultRecord { id, event, target, state, deadline, .. } = fault;
                let deadline = format!("{deadline:.0}");
                live.failed("pending", format!("fault {id}: {event} on {target}, {state}, until {deadline}"));
            }
            for entry in &found.unreadable {
                let problem = format!("entry {:?} cannot be read: {}", entry.entry, entry.failure);
                live.failed("pending", problem);
            }
        }
        Err(error) => live.failed("pending", format!("unknown: {}", error.chain())),
    }
    match ledger.recover_command() {
        Some(command) => live.failed("recover with", command),
        None => {
            let what = "the drill's own fleet ends with it; faults that are left on this machine end at their deadline";
            live.failed("left", what);
        }
    }
    Status::NotRecovered
}
