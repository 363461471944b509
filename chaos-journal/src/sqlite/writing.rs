use std::{
    collections::VecDeque,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chaos_core::{
    Error, ErrorKind, FaultId, Result,
    fault::{FaultRecord, Mark},
    journal::{Arming, Lease, Limits},
};
use tokio::{
    runtime::Handle,
    sync::{self, Notify, oneshot},
};

use super::{
    batch::{self, Asked, AskedArm, AskedMark},
    state::State,
};

/// The most writes in one batch: they take a fraction of a second.
const MOST: usize = 1_024;

/// The waiting writes.
///
/// A separate task takes all writes that wait when it gets the file, writes them together, and sends the answers when
/// they are durable. So a fault or a mark is not written if its call is dropped while it waits, and a call that is
/// dropped later does not affect others. Marks and armings are not written together, because a fault that finds no room
/// on the disk must not keep another one's end from being recorded.
#[derive(Debug, Default)]
pub(super) struct Writing {
    queue: Mutex<Queue>,
    /// Notified whenever a task has released the file.
    over: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    marks: VecDeque<AskedMark>,
    arms: VecDeque<AskedArm>,
    /// Whether there is a task that will write the waiting writes.
    is_attended: bool,
}

impl Writing {
    /// Arms a fault, together with the other waiting writes.
    pub(super) async fn arm(
        self: &Arc<Self>,
        state: &Arc<sync::Mutex<State>>,
        fault: FaultRecord,
        limits: Limits,
    ) -> Result<Arming<Lease>> {
        let (asked, answer) = Asked::new((fault, limits));
        self.ask(state, |queue| queue.arms.push_back(asked));
        heard(answer).await
    }

    /// Applies a mark, together with the other waiting writes.
    pub(super) async fn mark(
        self: &Arc<Self>,
        state: &Arc<sync::Mutex<State>>,
        fault: FaultId,
        mark: Mark,
    ) -> Result<()> {
        let (asked, answer) = Asked::new((fault, mark));
        self.ask(state, |queue| queue.marks.push_back(asked));
        heard(answer).await
    }

    /// Waits until no task has `state` any more, and returns it. There must be no calls meanwhile.
    pub(super) async fn end(&self, mut state: Arc<sync::Mutex<State>>) -> State {
        loop {
            match Arc::try_unwrap(state) {
                Ok(state) => return state.into_inner(),
                Err(shared) => state = shared,
            }
            self.over.notified().await;
        }
    }

    fn ask(self: &Arc<Self>, state: &Arc<sync::Mutex<State>>, push: impl FnOnce(&mut Queue)) {
        let was_attended = {
            let mut queue = self.queue();
            push(&mut queue);
            mem::replace(&mut queue.is_attended, true)
        };
        if !was_attended {
            let writer = Writer { writing: Arc::clone(self), state: Some(Arc::clone(state)), is_over: false };
            // If it is dropped without a runtime, it reports that.
            if let Ok(runtime) = Handle::try_current() {
                runtime.spawn(writer.write());
            }
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The task that writes until nothing waits.
struct Writer {
    writing: Arc<Writing>,
    state: Option<Arc<sync::Mutex<State>>>,
    /// Nothing waited any more, so the next caller starts a new task.
    is_over: bool,
}

impl Writer {
    async fn write(mut self) {
        let Some(state) = self.state.take() else { return };
        while self.goes_on() {
            let mut state = state.lock().await;
            // Taken only now, so that later callers are among them.
            let marks = taken(&mut self.writing.queue().marks);
            if !marks.is_empty() {
                batch::mark(&mut state, marks).await;
            }
            let arms = taken(&mut self.writing.queue().arms);
            if !arms.is_empty() {
                batch::arm(&mut state, arms).await;
            }
        }
    }

    fn goes_on(&mut self) -> bool {
        let mut queue = self.writing.queue();
        queue.is_attended = !(queue.marks.is_empty() && queue.arms.is_empty());
        self.is_over = !queue.is_attended;
        queue.is_attended
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // If its runtime ends, the task ends early, and the waiting callers are told.
        let lost = if self.is_over { Queue::default() } else { mem::take(&mut *self.writing.queue()) };
        drop(lost);
        self.state = None;
        self.writing.over.notify_one();
    }
}

/// One batch, without writes for which no caller waits any more.
fn taken<W, A>(waiting: &mut VecDeque<Asked<W, A>>) -> Vec<Asked<W, A>> {
    waiting.retain(Asked::is_wanted);
    let most = waiting.len().min(MOST);
    waiting.drain(..most).collect()
}

async fn heard<A>(answer: oneshot::Receiver<Result<A>>) -> Result<A> {
    answer.await.unwrap_or_else(|_| {
        let why =
            "the tokio runtime is shutting down, so it is unknown whether the journal has recorded this";
        Err(Error::new(ErrorKind::Journal, why))
    })
}
