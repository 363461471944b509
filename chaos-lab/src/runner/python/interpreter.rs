use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chaos_core::{clock::Clock, text::duration_text};
use serde_json::{Map, Value, json};

use super::{
    known::Known,
    session::{Answer, End, Failure, Session},
    way::Way,
};
use crate::{
    experiment::PythonProvider,
    runner::{
        surroundings::Surroundings,
        trouble::{Trouble, TroubleKind},
    },
    substitution::Names,
};

/// How long an interpreter may take to clean up.
const CLEANED_UP_WITHIN: Duration = Duration::from_secs(2);
/// The longest text of an error that is shown, in characters.
const SHOWN: usize = 2000;

/// An interpreter of Python. It is started with the first order, and again after one that has ended.
#[derive(Debug)]
pub(in crate::runner) struct Interpreter {
    program: PathBuf,
    session: Mutex<Option<Arc<Session>>>,
    /// Held while one is started.
    starting: tokio::sync::Mutex<()>,
    /// The first order of each session.
    first: Mutex<Option<Map<String, Value>>>,
    known: Arc<Known>,
}

impl Interpreter {
    pub(in crate::runner) fn of(program: PathBuf) -> Self {
        Self {
            program,
            session: Mutex::default(),
            starting: tokio::sync::Mutex::default(),
            first: Mutex::default(),
            known: Arc::default(),
        }
    }

    /// Calls a function, with the names in its arguments replaced.
    pub(in crate::runner) async fn call(
        &self,
        python: &PythonProvider,
        names: &Names,
        way: Way<'_>,
        surroundings: &Surroundings,
        clock: &dyn Clock,
    ) -> Result<Value, Trouble> {
        let order = json!({
            "do": "call", "module": python.module, "func": python.function,
            "arguments": names.substitute(&Value::Object(python.arguments.clone())),
            "configuration": names.configuration(), "secrets": names.secrets_by_group(), "groups": python.secrets,
        });
        self.order(order, names, way, surroundings, clock).await
    }

    /// Gives an order, and waits for what it yields.
    pub(in crate::runner) async fn order(
        &self,
        order: Value,
        names: &Names,
        way: Way<'_>,
        surroundings: &Surroundings,
        clock: &dyn Clock,
    ) -> Result<Value, Trouble> {
        self.known.learn(names);
        let Value::Object(mut order) = order else { return Ok(Value::Null) };
        order.insert("aside".to_owned(), way.is_aside.into());
        let program = self.program.display();
        let trouble = |kind, text: String| Trouble::new(kind, self.known.masked(&text, false), names);
        let asking = async {
            let session = self.session(surroundings, clock).await.map_err(|error| {
                let text = format!("the Python interpreter {program} could not be started: {error}");
                trouble(TroubleKind::NotStarted, text)
            })?;
            let given = session.give(order, way.is_look);
            let answer = match given {
                Ok(mut call) => call.answer().await,
                Err(end) => Err(end),
            };
            answer.map_err(|end| match end {
                End::Killed => {
                    trouble(TroubleKind::Ended, format!("{} was ended together with the run", way.what))
                }
                End::Status(status, last) => {
                    let how = match status {
                        0.. => format!("with status {status}"),
                        signal => format!("by signal {}", signal.unsigned_abs()),
                    };
                    let last = if last.is_empty() { last } else { format!(": {last}") };
                    let what = way.what;
                    trouble(TroubleKind::Unknown, format!("{program} ended {how} during {what}{last}"))
                }
                End::Nonsense(why) => {
                    let text = format!("{program} {why} during {} and was ended", way.what);
                    trouble(TroubleKind::Unknown, text)
                }
                End::Lost(why) => {
                    trouble(TroubleKind::Unknown, format!("what {} has done is lost: {why}", way.what))
                }
            })
        };
        let answer = match way.limit {
            None => asking.await?,
            Some(limit) => tokio::select! {
                biased;
                answer = asking => answer?,
                () = clock.sleep(limit) => {
                    if way.is_look {
                        self.end(clock).await;
                    } else {
                        // It was killed when the call was dropped.
                        self.end_if(|session| session.has_ended(), clock).await;
                    }
                    let limit = duration_text(limit);
                    let text = format!("{} took longer than {limit} and was ended", way.what);
                    return Err(trouble(TroubleKind::TimedOut, text));
                }
            },
        };
        match answer {
            Answer::Value(value) => Ok(value),
            Answer::Error(Failure { kind, text, is_cut }) => {
                let text = self.known.masked(&text, is_cut);
                let text: String = text.chars().take(SHOWN).collect();
                let what = way.what;
                Err(match kind.as_str() {
                    "form" => {
                        trouble(TroubleKind::Refused, format!("what {what} yields is not taken: {text}"))
                    }
                    _ => trouble(TroubleKind::Raised, format!("{what} raised {text}")),
                })
            }
        }
    }

    /// Sets the first order of each session that is started from now on.
    pub(in crate::runner) fn begin_with(&self, order: Value) {
        if let Value::Object(order) = order {
            *self.first.lock().unwrap_or_else(PoisonError::into_inner) = Some(order);
        }
    }

    /// Logs nothing of what is printed until [`release_log`](Interpreter::release_log).
    pub(in crate::runner) fn hold_log(&self) {
        self.known.hold();
    }

    /// Logs what was held back.
    pub(in crate::runner) fn release_log(&self) {
        self.known.release();
    }

    /// Masks the secrets of `names` from now on.
    pub(in crate::runner) fn learn(&self, names: &Names) {
        self.known.learn(names);
    }

    /// Ends it if something is under way, other than a look, or was when it was left.
    pub(in crate::runner) async fn end_calls(&self, clock: &dyn Clock) {
        self.end_if(|session| session.has_ended() || session.is_busy(), clock).await;
    }

    /// Lets it clean up, unless something is under way, and ends it together with its group.
    pub(in crate::runner) async fn finish(&self, clock: &dyn Clock) {
        self.end_calls(clock).await;
        if let Some(session) = self.running() {
            tokio::select! {
                biased;
                () = session.clean_up() => {}
                () = clock.sleep(CLEANED_UP_WITHIN) => {}
            }
        }
        self.end(clock).await;
    }

    async fn end(&self, clock: &dyn Clock) {
        self.end_if(|_| true, clock).await;
    }

    async fn end_if(&self, is_due: impl Fn(&Session) -> bool, clock: &dyn Clock) {
        let Some(session) = self.running().filter(|session| is_due(session)) else { return };
        session.end(clock).await;
        let mut running = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        if running.as_ref().is_some_and(|now| Arc::ptr_eq(now, &session)) {
            *running = None;
        }
    }

    fn running(&self) -> Option<Arc<Session>> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The interpreter that runs, or a new one.
    async fn session(&self, surroundings: &Surroundings, clock: &dyn Clock) -> std::io::Result<Arc<Session>> {
        let _one_at_a_time = self.starting.lock().await;
        if let Some(session) = self.running() {
            if !session.has_ended() {
                return Ok(session);
            }
            // What it has left behind must not go on beside the next.
            session.end(clock).await;
        }
        let session = Session::start(&self.program, surroundings, &self.known, clock).await?;
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(first) = first {
            // Nobody needs the answer.
            let _ = session.give(first, true);
        }
        *self.session.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&session));
        Ok(session)
    }
}
