//! A batch: one transaction, one outcome for the file, and one answer for each caller.

use std::sync::Arc;

use chaos_core::{
    Error, ErrorKind, FaultId, Result,
    fault::{FaultRecord, FaultState, Mark},
    journal::{Arming, Lease, Limits},
};
use tokio::sync::oneshot;

use super::{
    queries::Queries,
    session::Session,
    state::{State, commit},
    tallies::{OfDue, Place, Tallies},
};

/// A write, and the caller that waits for its answer.
#[derive(Debug)]
pub(super) struct Asked<W, A> {
    what: W,
    told: oneshot::Sender<Result<A>>,
}

/// A fault to be armed.
pub(super) type AskedArm = Asked<(FaultRecord, Limits), Arming<Lease>>;

/// A mark to be made.
pub(super) type AskedMark = Asked<(FaultId, Mark), ()>;

/// The answers to an unfinished batch. A refusal concerns one write only.
type Answers<A> = Vec<Result<A>>;

impl<W, A> Asked<W, A> {
    /// `what`, and the receiver of the answer.
    pub(super) fn new(what: W) -> (Self, oneshot::Receiver<Result<A>>) {
        let (told, answer) = oneshot::channel();
        (Self { what, told }, answer)
    }

    /// Whether a caller waits for it.
    pub(super) fn is_wanted(&self) -> bool {
        !self.told.is_closed()
    }
}

/// Sends the answers. A lease without a waiting caller is dropped here.
fn tell<W, A>(batch: Vec<Asked<W, A>>, answers: Result<Answers<A>>) {
    match answers {
        Ok(answers) => {
            for (asked, answer) in batch.into_iter().zip(answers) {
                let _ = asked.told.send(answer);
            }
        }
        Err(error) => {
            for asked in batch {
                let _ = asked.told.send(Err(error.clone()));
            }
        }
    }
}

/// Arms the faults that the limits allow, in this order. Each counts for those after it.
pub(super) async fn arm(state: &mut State, batch: Vec<AskedArm>) {
    let answers = arm_together(state, &batch).await;
    tell(batch, answers);
}

async fn arm_together(state: &mut State, batch: &[AskedArm]) -> Result<Answers<Arming<Lease>>> {
    state.check_recordable()?;
    let path = Arc::clone(&state.path);
    // Before a row becomes visible, so that its session is never considered dead.
    let session = state.session()?;
    let mut transaction = state.begin().await?;
    let mut queries = Queries::new(&mut transaction, &path);
    let mut tallies = Tallies::of(queries.halt().await?, queries.pending_places().await?);
    let mut answers = Vec::with_capacity(batch.len());
    for asked in batch {
        match arm_one(&mut queries, &mut tallies, &session, &asked.what).await {
            Err(error) if queries.have_failed() => return Err(error),
            answer => answers.push(answer),
        }
    }
    commit(transaction, &path).await?;

    let armed: Vec<FaultId> = batch
        .iter()
        .zip(&answers)
        .filter(|(_, answer)| matches!(answer, Ok(Arming::Armed(_))))
        .map(|(asked, _)| asked.what.0.id)
        .collect();
    if armed.is_empty() {
        return Ok(answers);
    }
    if let Err(error) = state.settle().await {
        // A fault that stays is armed without an owner, so the next replay closes it.
        let _ = state.take_back(&armed).await;
        return Err(error);
    }
    Ok(answers)
}

async fn arm_one(
    queries: &mut Queries<'_>,
    tallies: &mut Tallies,
    session: &Arc<Session>,
    (fault, limits): &(FaultRecord, Limits),
) -> Result<Arming<Lease>> {
    if queries.holds(fault.id).await? {
        return Err(Error::new(ErrorKind::Conflict, "the journal already holds a fault with this id")
            .with("fault", fault.id));
    }
    // Without a cool-down, there is nothing to ask.
    let last_injecting = match limits.cool_down.is_zero() {
        true => None,
        false => queries.last_injecting(fault).await?,
    };
    let of_due = match fault.due {
        None => OfDue::default(),
        Some(due) => OfDue {
            taken_by: queries.due_taken_by(fault, due).await?,
            last_in_group: queries.last_in_group(fault, due).await?,
        },
    };
    if let Err(reason) = limits.check(fault, &tallies.concerning(fault, last_injecting, of_due)) {
        return Ok(Arming::Refused(reason));
    }
    queries.insert(fault, session.name()).await?;
    queries.open_due(fault).await?;
    let cool_down = limits.cool_down.as_nanos();
    if cool_down > queries.longest_cool_down().await? {
        queries.keep_cool_down(cool_down).await?;
    }
    tallies.add(Place::of(fault));
    // Also before it becomes visible. If the transaction fails, it is dropped with the answer.
    Ok(Arming::Armed(session.hold(fault.id)))
}

/// Applies the marks that are allowed, in this order.
pub(super) async fn mark(state: &mut State, batch: Vec<AskedMark>) {
    let answers = mark_together(state, &batch).await;
    tell(batch, answers);
}

async fn mark_together(state: &mut State, batch: &[AskedMark]) -> Result<Answers<()>> {
    let path = Arc::clone(&state.path);
    let mut transaction = state.begin().await?;
    let mut queries = Queries::new(&mut transaction, &path);
    let mut answers = Vec::with_capacity(batch.len());
    for asked in batch {
        match mark_one(&mut queries, &asked.what).await {
            Err(error) if queries.have_failed() => return Err(error),
            answer => answers.push(answer),
        }
    }
    commit(transaction, &path).await?;

    // A reader of `armed` assumes that the target is untouched.
    let begins = |asked: &AskedMark| asked.what.1.state == FaultState::Injecting;
    if !batch.iter().zip(&answers).any(|(asked, answer)| answer.is_ok() && begins(asked)) {
        state.settle_if_possible().await;
    } else if let Err(error) = state.settle().await {
        for (asked, answer) in batch.iter().zip(&mut answers) {
            if answer.is_ok() && begins(asked) {
                *answer = Err(error.clone());
            }
        }
    }
    Ok(answers)
}

async fn mark_one(queries: &mut Queries<'_>, (fault, mark): &(FaultId, Mark)) -> Result<()> {
    let mut entry = queries.fault(*fault).await?.ok_or_else(|| {
        Error::new(ErrorKind::NotFound, "the journal holds no fault with this id").with("fault", fault)
    })?;
    let record = &mut entry.fault;
    if !mark.may_follow(record.state) {
        return Err(Error::new(ErrorKind::Conflict, "the fault is in another state by now")
            .with("fault", fault)
            .with("state", record.state)
            .with("wanted", mark.state));
    }
    record.apply(mark);
    queries.update(&entry).await
}
