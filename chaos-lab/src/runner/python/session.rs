use std::{
    collections::BTreeMap,
    io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chaos_core::clock::Clock;
use serde_json::{Map, Value};
use tokio::{
    net::unix::pipe::Sender,
    sync::{mpsc, oneshot},
    task::JoinSet,
};

use super::{known::Known, lines::Lines};
use crate::runner::{
    process::{Companion, Pipes},
    surroundings::Surroundings,
};

const BRIDGE: &str = concat!(
    include_str!("bridge.py"),
    include_str!("functions.py"),
    include_str!("controls.py"),
    include_str!("orders.py"),
);
/// The longest line that is taken, in bytes. An interpreter that writes a longer one is ended.
const LONGEST: usize = 20 * 1024 * 1024;
/// Of a line that is longer and comes in parts, the beginning is logged.
const LONGEST_PRINTED: usize = 8 * 1024;
/// The number of the last answer, which comes after the end of the orders.
const LAST: u64 = 0;

/// An interpreter that runs.
#[derive(Debug)]
pub(super) struct Session {
    companion: Arc<Companion>,
    orders: Mutex<Option<mpsc::UnboundedSender<Vec<u8>>>>,
    calls: Arc<Calls>,
    /// End with the session.
    _tasks: JoinSet<()>,
}

/// What an interpreter answers to an order.
#[derive(Debug)]
pub(super) enum Answer {
    Value(Value),
    /// The order failed.
    Error(Failure),
}

/// Why an order failed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) kind: String,
    /// Secrets are not masked yet.
    pub(super) text: String,
    pub(super) is_cut: bool,
}

/// How an interpreter ended.
#[derive(Clone, Debug)]
pub(super) enum End {
    /// This program has ended it.
    Killed,
    /// By itself, with what it printed last.
    Status(i32, String),
    /// It did not keep to the order of things.
    Nonsense(&'static str),
    /// Nobody knows.
    Lost(String),
}

#[derive(Debug, Default)]
struct Calls(Mutex<Open>);

#[derive(Debug, Default)]
struct Open {
    last: u64,
    waiting: BTreeMap<u64, Waiting>,
    end: Option<End>,
}

#[derive(Debug)]
struct Waiting {
    tell: oneshot::Sender<Result<Answer, End>>,
    is_look: bool,
}

/// An order that was given. Dropped before its answer, it ends the interpreter, unless it is a look.
#[derive(Debug)]
pub(super) struct Call {
    session: Arc<Session>,
    number: u64,
    is_look: bool,
    told: oneshot::Receiver<Result<Answer, End>>,
}

impl Session {
    pub(super) async fn start(
        program: &Path,
        surroundings: &Surroundings,
        known: &Arc<Known>,
        clock: &dyn Clock,
    ) -> io::Result<Arc<Self>> {
        let (companion, pipes) = Companion::start(program, &["-c", BRIDGE], surroundings, clock).await?;
        let Pipes { orders: pipe, answers, printed } = pipes;
        let companion = Arc::new(companion);
        let calls = Arc::new(Calls::default());
        let (orders, given) = mpsc::unbounded_channel();
        let mut tasks = JoinSet::new();
        tasks.spawn(write(pipe, given));
        let reading = Reading {
            companion: Arc::clone(&companion),
            calls: Arc::clone(&calls),
            answers: Lines::of(answers),
            printed: Lines::of(printed),
            known: Arc::clone(known),
            last_printed: String::new(),
            is_skipping: false,
        };
        tasks.spawn(reading.until_it_ends());
        Ok(Arc::new(Self { companion, orders: Mutex::new(Some(orders)), calls, _tasks: tasks }))
    }

    /// Gives an order. An error is how the interpreter has ended before.
    pub(super) fn give(self: &Arc<Self>, mut order: Map<String, Value>, is_look: bool) -> Result<Call, End> {
        let (tell, told) = oneshot::channel();
        let mut open = self.calls.open();
        if let Some(end) = &open.end {
            return Err(end.clone());
        }
        open.last += 1;
        let number = open.last;
        open.waiting.insert(number, Waiting { tell, is_look });
        drop(open);
        order.insert("id".to_owned(), number.into());
        let mut line = Value::Object(order).to_string().into_bytes();
        line.push(b'\n');
        if let Some(orders) = &*self.orders.lock().unwrap_or_else(PoisonError::into_inner) {
            // If the writer is gone, the interpreter has ended, which the reader tells.
            let _ = orders.send(line);
        }
        Ok(Call { session: Arc::clone(self), number, is_look, told })
    }

    pub(super) fn has_ended(&self) -> bool {
        self.calls.open().end.is_some()
    }

    /// Whether something is under way that must not go on.
    pub(super) fn is_busy(&self) -> bool {
        self.calls.open().waiting.values().any(|waiting| !waiting.is_look)
    }

    /// Kills it. Who waits for an answer is told at once.
    pub(super) fn kill(&self) {
        self.calls.end(&End::Killed);
        self.companion.kill();
    }

    /// Kills it, and waits until nothing of its group is left.
    pub(super) async fn end(&self, clock: &dyn Clock) {
        self.kill();
        self.companion.end(clock).await;
    }

    /// Tells it that there are no more orders, and waits until it has cleaned up.
    pub(super) async fn clean_up(&self) {
        let (tell, told) = oneshot::channel();
        {
            let mut open = self.calls.open();
            if open.end.is_some() {
                return;
            }
            open.waiting.insert(LAST, Waiting { tell, is_look: true });
        }
        *self.orders.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let _ = told.await;
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.companion.kill();
    }
}

impl Call {
    /// Waits for the answer.
    pub(super) async fn answer(&mut self) -> Result<Answer, End> {
        match (&mut self.told).await {
            Ok(answer) => answer,
            Err(_) => Err(End::Lost("nobody reads its answers any more".to_owned())),
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let is_open = self.session.calls.open().waiting.contains_key(&self.number);
        if is_open && !self.is_look {
            self.session.kill();
        }
    }
}

impl Calls {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, end: &End) {
        let mut open = self.open();
        open.end.get_or_insert_with(|| end.clone());
        for (_, waiting) in std::mem::take(&mut open.waiting) {
            let _ = waiting.tell.send(Err(end.clone()));
        }
    }

    /// Tells an answer. Whether it was one.
    fn tell(&self, line: &[u8]) -> bool {
        let Ok(Value::Object(mut answer)) = serde_json::from_slice(line) else { return false };
        let Some(number) = answer.get("id").and_then(Value::as_u64) else { return false };
        let told = match (answer.remove("value"), answer.remove("error")) {
            (Some(value), None) => Answer::Value(value),
            (None, Some(error)) => {
                let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
                let is_cut = error["cut"] == true;
                Answer::Error(Failure { kind: text("kind"), text: text("text"), is_cut })
            }
            _ => return false,
        };
        // Nobody may wait for it any more.
        if let Some(waiting) = self.open().waiting.remove(&number) {
            let _ = waiting.tell.send(Ok(told));
        }
        true
    }
}

async fn write(pipe: Sender, mut orders: mpsc::UnboundedReceiver<Vec<u8>>) {
    while let Some(line) = orders.recv().await {
        let mut rest = &line[..];
        while !rest.is_empty() {
            if pipe.writable().await.is_err() {
                return;
            }
            match pipe.try_write(rest) {
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // It has ended, which the reader tells.
                Err(_) => return,
            }
        }
    }
}

/// Reads what an interpreter answers and prints.
struct Reading {
    companion: Arc<Companion>,
    calls: Arc<Calls>,
    answers: Lines,
    printed: Lines,
    known: Arc<Known>,
    last_printed: String,
    /// Whether what comes is the rest of a line whose beginning was logged. It may begin with the rest of a secret.
    is_skipping: bool,
}

impl Reading {
    async fn until_it_ends(mut self) {
        let status = loop {
            // None of them is first: one that prints without end must not keep its answers from being read.
            tokio::select! {
                () = self.printed.more() => self.log(),
                () = self.answers.more() => {
                    if let Err(end) = self.tell() {
                        self.calls.end(&end);
                        self.companion.kill();
                    }
                }
                status = self.companion.ended() => break status,
            }
        };
        // Other processes may hold the pipes open. What they write later is not awaited.
        while self.printed.read() {
            self.log();
        }
        self.log_rest();
        while self.answers.read() {
            let _ = self.tell();
        }
        self.calls.end(&match status {
            Ok(status) => End::Status(status, self.last_printed),
            Err(error) => End::Lost(error.to_string()),
        });
    }

    fn tell(&mut self) -> Result<(), End> {
        while let Some(line) = self.answers.next() {
            if !self.calls.tell(&line) {
                return Err(End::Nonsense("wrote what is no answer"));
            }
        }
        if self.answers.there.len() > LONGEST {
            return Err(End::Nonsense("wrote an answer without end"));
        }
        Ok(())
    }

    fn log(&mut self) {
        while let Some(line) = self.printed.next() {
            if !std::mem::take(&mut self.is_skipping) {
                self.log_line(&line, false);
            }
        }
        if self.printed.there.len() > LONGEST_PRINTED {
            let beginning = self.printed.take();
            if !std::mem::replace(&mut self.is_skipping, true) {
                self.log_line(&beginning, true);
            }
        }
    }

    /// A line that has no end.
    fn log_rest(&mut self) {
        let rest = self.printed.take();
        if !self.is_skipping {
            self.log_line(&rest, false);
        }
    }

    fn log_line(&mut self, line: &[u8], is_cut: bool) {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end();
        if !line.is_empty() {
            self.last_printed = if line.len() > 500 { String::new() } else { line.to_owned() };
            self.known.printed(line, is_cut);
        }
    }
}
