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

/// How many are written together at most: as many as take a fraction of a second.
const MOST: usize = 1_024;

/// What waits to be written.
///
/// A task of its own takes whatever waits when it comes to the file, writes it together, and tells everybody when it is
/// durable. So a fault or a mark whose call is dropped while it waits is not written, and a call that is dropped later
/// spoils nobody. Marks and armings are not written together: a fault that finds no room on the disk must not keep
/// another one's end from being recorded.
#[derive(Debug, Default)]
pub(super) struct Writing {
    queue: Mutex<Queue>,
    /// Told whenever a task has let go of the file.
    over: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    marks: VecDeque<AskedMark>,
    arms: VecDeque<AskedArm>,
    /// Whether there is a task that will write what waits.
    is_attended: bool,
}

impl Writing {
    /// Arms a fault, together with whatever else waits.
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

    /// Makes a mark, together with whatever else waits.
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

    /// Waits until no task has `state` any more, and returns it. Nobody may ask meanwhile.
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
            // Dropped without a runtime, it tells so.
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
    /// Nothing waited any more, so that the next one who asks sees to it.
    is_over: bool,
}

impl Writer {
    async fn write(mut self) {
        let Some(state) = self.state.take() else { return };
        while self.goes_on() {
            let mut state = state.lock().await;
            // Taken only now, so that whoever has come meanwhile is among them.
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
        // It ends before it is over where its runtime does: whoever waits hears of it.
        let lost = if self.is_over { Queue::default() } else { mem::take(&mut *self.writing.queue()) };
        drop(lost);
        self.state = None;
        self.writing.over.notify_one();
    }
}

/// As many as are written together, without those for whom nobody waits any more.
fn taken<W, A>(waiting: &mut VecDeque<Asked<W, A>>) -> Vec<Asked<W, A>> {
    waiting.retain(Asked::is_wanted);
    let most = waiting.len().min(MOST);
    waiting.drain(..most).collect()
}

async fn heard<A>(answer: oneshot::Receiver<Result<A>>) -> Result<A> {
    answer.await.unwrap_or_else(|_| {
        let why = "the runtime is gone or going down, and whether the journal has recorded it is not known";
        Err(Error::new(ErrorKind::Journal, why))
    })
}
