use std::{path::PathBuf, pin::pin, sync::Arc, time::Duration};

use chaos_core::{
    Error, ErrorKind, Journal, Monkey,
    calendar::CalendarExt,
    clock::{Clock, SystemClock},
    observer::Activity,
};
use chaos_notify::metrics::{BUCKETS, ServiceMetrics};
use futures_util::{
    FutureExt,
    future::{BoxFuture, join_all},
};
use jiff::Timestamp;
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::task::JoinHandle;

use super::{
    calendars::Calendars,
    http::{Answering, Shown, answer},
    listeners::Listeners,
    reload::{Reload, Reloaded},
    running::Running,
    signals::{Order, Signals},
    supervisor::Supervisor,
    vitals::{InJournal, Vitals},
};
use crate::{
    catalogue::Catalogue,
    monkey::{
        assemble::{assemble, open_existing_journal, open_journal},
        feeds::fetch_all,
        file::MonkeyFile,
    },
    program::{LogTo, ProgramError, ProgramResult, Status, recover_command},
};

/// How often the service looks at itself.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long after an attempt to recover what others have left the next one follows.
const RECOVER_EVERY: Duration = Duration::from_secs(60);
/// What the service manager shows as long as all is well.
const WATCHING: &str = "watching";

/// A monkey that is left running.
struct Service<'a> {
    config: PathBuf,
    set: Vec<String>,
    catalogue: &'a Catalogue,
    clock: Arc<dyn Clock>,
    supervisor: Supervisor,
    file: MonkeyFile,
    metrics: ServiceMetrics,
    running: Running,
    /// Those whose place another one has taken, until their faults are over.
    retired: Vec<Running>,
    shown: Shown,
    answering: Option<Answering>,
    /// Recovers what others have left.
    recovering: Option<JoinHandle<()>>,
    recover_again: Option<Timestamp>,
    calendars: Calendars,
    /// The last monkey that was unleashed: it recovers what others have left, also after the file has leashed it.
    recoverer: Option<Monkey>,
}

/// Runs the monkey of `file` until a signal stops it.
pub(in crate::monkey) async fn live(
    config: PathBuf,
    set: Vec<String>,
    file: MonkeyFile,
    catalogue: &Catalogue,
) -> ProgramResult {
    LogTo::of_service(file.service.log.as_deref(), file.service.logs_json);
    let mut signals = Signals::listen()?;
    let supervisor = Supervisor::of_process();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let (shown, metrics) = install_metrics()?;
    let listeners = match Listeners::of(&file) {
        Ok(listeners) => Arc::new(listeners),
        Err(error) => return Err(with_what_is_left(error.into(), &file).await),
    };
    let starting = async {
        let journal = open_journal(file.journal.as_deref()).await?;
        let assembled = assemble(&file, catalogue, journal.into(), listeners.observers()).await?;
        let answering = match file.service.listen {
            Some(address) => answer(address, shown.clone()).await.map(Some),
            None => Ok(None),
        };
        match answering {
            Ok(answering) => {
                // Before the first look: a feed without a copy closes the day.
                fetch_all(file.calendar.as_ref()).await;
                Ok((assembled, answering))
            }
            Err(error) => {
                // A port that is taken keeps no fault in place.
                if file.is_unleashed
                    && let Err(error) = assembled.monkey.recover_pending().await
                {
                    tracing::error!(error = %error.chain(), "what is pending cannot be recovered");
                }
                Err(ProgramError::from(error))
            }
        }
    };
    let started = {
        let mut starting = pin!(starting);
        loop {
            tokio::select! {
                biased;
                order = signals.next() => match order {
                    Order::Stop => return Ok(Status::Done),
                    // The file is being read.
                    Order::Reload => {}
                },
                started = &mut starting => break started,
            }
        }
    };
    let (assembled, answering) = match started {
        Ok(started) => started,
        Err(error) => return Err(with_what_is_left(error, &file).await),
    };
    let calendars = Calendars::fetched(clock.now());
    let recover_again = clock.now().checked_add(RECOVER_EVERY).ok();
    let recoverer = file.is_unleashed.then(|| assembled.monkey.clone());
    let running = Running::start(assembled, listeners);
    let mut service = Service {
        config,
        set,
        catalogue,
        clock,
        supervisor,
        file,
        metrics,
        running,
        retired: Vec::new(),
        shown,
        answering,
        recovering: None,
        // The monkey begins with that itself.
        recover_again,
        calendars,
        recoverer,
    };
    service.look().await;
    let mode = match service.file.is_unleashed {
        true => "unleashed",
        false => "leashed: it says what it would do, and injects nothing",
    };
    tracing::info!(file = %service.file.title, pace = %service.file.pace, "started, {mode}");
    service.supervisor.ready(WATCHING);
    service.run(&mut signals).await
}

/// The error of a service that cannot start, and how to recover what it would have recovered.
async fn with_what_is_left(error: ProgramError, file: &MonkeyFile) -> ProgramError {
    let Some(path) = &file.journal else { return error };
    let Ok(Some(journal)) = open_existing_journal(Some(path)).await else { return error };
    match journal.pending().await {
        Ok(pending) if pending.faults.is_empty() && pending.unreadable.is_empty() => error,
        _ => error.hint(format!("what is left in the journal is recovered by: {}", recover_command(path))),
    }
}

/// Every figure of this process goes to one recorder, which there is only once.
fn install_metrics() -> Result<(Shown, ServiceMetrics), ProgramError> {
    let failed = |error| Error::new(ErrorKind::Other, "the metrics cannot be set up").caused_by(error);
    let builder = PrometheusBuilder::new().set_buckets(&BUCKETS).map_err(failed)?;
    let handle = builder.install_recorder().map_err(failed)?;
    Ok((Shown::of(handle), ServiceMetrics::new()))
}

/// Returns when there is one and it is over.
async fn next<T>(reloading: &mut Option<BoxFuture<'_, T>>) -> T {
    match reloading {
        Some(reloading) => reloading.await,
        None => std::future::pending().await,
    }
}

impl<'a> Service<'a> {
    async fn run(mut self, signals: &mut Signals) -> ProgramResult {
        let every = self.supervisor.feed_every().map_or(LOOK_EVERY, |feed| feed.min(LOOK_EVERY));
        let mut reloading: Option<BoxFuture<'_, Result<Reloaded, String>>> = None;
        let failed = loop {
            let clock = Arc::clone(&self.clock);
            tokio::select! {
                biased;
                order = signals.next() => match order {
                    Order::Stop => break None,
                    Order::Reload => {
                        self.supervisor.reloading();
                        self.running.listeners.reopen();
                        // Of two at once, the later one counts.
                        reloading = Some(self.reload().run().boxed());
                    }
                },
                ended = self.running.ended() => break ended.err(),
                // Beside the rest: a provider may take minutes to be reached.
                reloaded = next(&mut reloading) => {
                    reloading = None;
                    self.take(reloaded);
                }
                () = clock.sleep(every) => self.look().await,
            }
        };
        drop(reloading);
        self.supervisor.stopping();
        // Recoveries do not wait for messages.
        let left = {
            let mut stopping = pin!(self.stop());
            loop {
                tokio::select! {
                    biased;
                    left = &mut stopping => break left,
                    _ = signals.next() => tracing::warn!("the recoveries are still in progress"),
                }
            }
        };
        let all = self.retired.iter().chain([&self.running]);
        join_all(all.map(|running| running.listeners.flush())).await;
        match (left, failed) {
            (true, _) => Ok(Status::NotRecovered),
            (false, Some(error)) => Err(error.into()),
            (false, None) => Ok(Status::Done),
        }
    }

    /// Cuts every hold short and waits for the recoveries. Returns whether anything is left.
    async fn stop(&mut self) -> bool {
        let all = self.retired.iter().chain([&self.running]);
        join_all(all.map(Running::stop)).await;
        if let Some(recovering) = self.recovering.take() {
            let _ = recovering.await;
        }
        let Some(journal) = self.running.assembled.journal.as_ref().filter(|_| self.recoverer.is_some())
        else {
            return false;
        };
        let left = match journal.orphans(self.clock.now()).await {
            Ok(orphans) => !orphans.faults.is_empty() || !orphans.unreadable.is_empty(),
            Err(error) => {
                tracing::error!(error = %error.chain(), "the journal cannot be read");
                true
            }
        };
        if let (true, Some(path)) = (left, &self.file.journal) {
            tracing::error!("some faults are not recovered; go on with: {}", recover_command(path));
        }
        left
    }

    /// Looks at itself, recovers what others have left, and feeds the watchdog unless something hangs.
    async fn look(&mut self) {
        let vitals = match &self.running.assembled.journal {
            Some(journal) => Vitals::look(journal.as_ref(), &self.clock).await,
            None => Vitals { journal: Some(InJournal::default()), ..Vitals::default() },
        };
        if let Some(journal) = &vitals.journal {
            self.recover_orphans(journal);
            self.metrics.pending(journal.pending);
            self.metrics.halted(journal.halt.is_some());
            // A recovery takes its time, and is not made faster by ending the process.
            let is_tried = self.recovering.is_some() || self.is_too_soon();
            let hangs = journal.is_overdue && self.recoverer.is_some() && !is_tried;
            if !hangs {
                self.supervisor.feed_watchdog();
            }
        }
        self.metrics.next_opening(self.running.assembled.calendar.next_opening(self.clock.now()));
        self.calendars.look(self.file.calendar.as_ref(), self.clock.now());
        self.supervisor.status(&match vitals.ills.is_empty() {
            true => WATCHING.to_owned(),
            false => vitals.ills.join("; "),
        });
        self.shown.set(self.clock.now(), vitals);
        self.drop_ended().await;
    }

    /// Forgets retired monkeys whose faults are over, once their last messages are sent.
    async fn drop_ended(&mut self) {
        for ended in self.retired.extract_if(.., |retired| retired.is_over()) {
            let listeners = Arc::clone(&ended.listeners);
            tokio::spawn(async move { listeners.flush().await });
        }
    }

    fn recover_orphans(&mut self, journal: &InJournal) {
        if self.recovering.as_ref().is_some_and(JoinHandle::is_finished) {
            self.recovering = None;
            self.recover_again = self.clock.now().checked_add(RECOVER_EVERY).ok();
        }
        let Some(monkey) = self.recoverer.clone() else { return };
        if !journal.has_orphans || self.recovering.is_some() || self.is_too_soon() {
            return;
        }
        self.recovering = Some(tokio::spawn(async move {
            if let Err(error) = monkey.recover_pending().await {
                tracing::error!(error = %error.chain(), "what is pending cannot be recovered");
            }
        }));
    }

    /// Whether the next attempt to recover what others have left is still to come.
    fn is_too_soon(&self) -> bool {
        self.recover_again.is_some_and(|again| self.clock.now() < again)
    }

    /// What it takes to read the file again.
    fn reload(&self) -> Reload<'a> {
        Reload {
            config: self.config.clone(),
            set: self.set.clone(),
            catalogue: self.catalogue,
            journal_path: self.file.journal.clone(),
            journal: self.running.assembled.journal.clone(),
            rehearsal: self.running.assembled.rehearsal.clone(),
            service: self.file.service.clone(),
            address: self.answering.as_ref().map(|answering| answering.address),
            shown: self.shown.clone(),
        }
    }

    /// Takes the file as it was read again, whole or not at all.
    fn take(&mut self, reloaded: Result<Reloaded, String>) {
        match reloaded {
            Ok(Reloaded { file, listeners, assembled, answering }) => {
                for running in self.retired.iter().chain([&self.running]) {
                    running.retire(&file.targets.filter, &assembled.providers);
                }
                if file.is_unleashed {
                    self.recoverer = Some(assembled.monkey.clone());
                }
                let next = Running::start(assembled, Arc::new(listeners));
                self.retired.push(std::mem::replace(&mut self.running, next));
                if let Some(answering) = answering {
                    self.answering = answering;
                }
                self.file = file;
                tracing::info!("the file was read again");
            }
            Err(why) => {
                tracing::error!("the file was not taken, and nothing has changed: {why}");
                self.metrics.reload_failed();
                let failure = Error::new(ErrorKind::InvalidInput, why);
                self.running.listeners.tell(self.clock.as_ref(), &Activity::settings_refused(failure));
            }
        }
        self.supervisor.ready(WATCHING);
    }
}
