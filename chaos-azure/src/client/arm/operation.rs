use std::time::Duration;

use azure_core::http::Url;
use chaos_core::{Error, ErrorKind, Permit, Result};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::{Answer, Arm, Request};
use crate::client::{error::failed_later, within::within};

/// The first and the longest pause between two looks at an operation, if ARM asks for none.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// The shortest pause, even if ARM asks for a shorter one.
const SHORTEST_PAUSE: Duration = Duration::from_millis(20);

/// The time-out of a look on which nothing depends.
const ONE_LOOK: Duration = Duration::from_secs(10);

/// The time-out of a look that begins when the time is up.
const LAST_LOOK: Duration = Duration::from_secs(1);

/// How long the status of a change of the network is polled.
const LONGEST: Duration = Duration::from_secs(60);

/// The longest time for which the status of an order that injects a fault is polled.
const AT_AN_INJECTION: Duration = Duration::from_secs(10);

/// The state of an order when it is no longer awaited.
#[derive(Debug)]
pub(crate) enum Progress {
    /// It is carried out, with this final answer.
    Over(Answer),
    /// It was accepted and is in progress.
    UnderWay,
}

/// How long the status of an order that injects a fault is polled: an early failure is reported, and the rest of the
/// fault's time is left to the fault. An accepted order continues; a look tells whether the target has reached its
/// state.
pub(crate) fn patience(permit: &Permit) -> Duration {
    (permit.remaining() / 8).min(AT_AN_INJECTION)
}

/// An order that ARM has accepted.
#[derive(Clone, Debug)]
pub(crate) struct Accepted {
    /// The action that a role must allow for it.
    pub(crate) action: String,
    /// The resource that it creates or changes, if that tells the progress.
    pub(crate) resource: Option<Url>,
    pub(crate) answer: Answer,
}

/// The event to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The end of the order.
    End,
    /// The end of the order, and its answer.
    Result,
}

/// The status of an accepted order, as far as it is known at once.
#[derive(Debug)]
pub(crate) enum Standing {
    Over,
    UnderWay {
        ask_after: Duration,
    },
    Failed(Error),
    /// Nothing tells the status, so only the target can.
    Unknown,
}

/// The document at the address of an operation's status.
#[derive(Debug, Deserialize)]
struct Status {
    status: String,
    #[serde(default)]
    error: Option<serde_json::Value>,
}

/// The state of a resource in its own document.
#[derive(Debug, Deserialize)]
struct Resource {
    #[serde(default)]
    properties: Properties,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    #[serde(default)]
    provisioning_state: Option<String>,
}

/// The sources of an order's status, in order of reliability.
#[derive(Clone)]
enum Told {
    /// The address in `Azure-AsyncOperation`: a status. The order's answer is at `Location`.
    Status { at: Url, result: Option<Url> },
    /// The address in `Location`: 202 until the order is over.
    Location(Url),
    /// The resource that this order has created or changed.
    Resource(Url),
}

impl Arm {
    /// Sends an order and [follows](Self::follow) it for [`LONGEST`].
    pub(crate) async fn order(&self, request: &Request) -> Result<Progress> {
        let until = self.after(LONGEST);
        let answer = self.send(request).await?;
        let action = request.action();
        let accepted = Accepted { action, resource: Some(request.url.clone()), answer };
        self.follow(accepted, Wanted::End, until).await
    }

    /// The moment at this distance from now.
    pub(crate) fn after(&self, duration: Duration) -> Timestamp {
        let duration = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
        let now = self.clock().now();
        now.checked_add(duration).unwrap_or(Timestamp::MAX)
    }

    /// Waits until an accepted order is carried out, or until that moment. If its status is unknown, it counts as in
    /// progress: only the target tells.
    ///
    /// # Errors
    /// The order's own error, if it failed.
    pub(crate) async fn follow(
        &self,
        accepted: Accepted,
        wanted: Wanted,
        until: Timestamp,
    ) -> Result<Progress> {
        let followed = self.wait(&accepted, wanted, until).await;
        followed.map_err(|error| error.with("order", &accepted.action))
    }

    /// Looks once at the status of an accepted order.
    pub(crate) async fn standing(&self, accepted: &Accepted) -> Standing {
        let told = match self.told(accepted, Wanted::End) {
            Ok(Some(told)) => told,
            Ok(None) => return Standing::Over,
            Err(_) => return Standing::Unknown,
        };
        let late = "Azure did not report the status of an order in time";
        match within(self.clock(), ONE_LOOK, late, self.look(accepted, &told)).await {
            Ok(Looked::Over(_)) => Standing::Over,
            Ok(Looked::UnderWay(asked)) => Standing::UnderWay { ask_after: asked.unwrap_or(FIRST_PAUSE) },
            Ok(Looked::Failed(error)) => Standing::Failed(error.with("order", &accepted.action)),
            Ok(Looked::Unseen(_)) | Err(_) => Standing::Unknown,
        }
    }

    async fn wait(&self, accepted: &Accepted, wanted: Wanted, until: Timestamp) -> Result<Progress> {
        let by_itself = accepted.resource.clone().map(Told::Resource);
        let mut asked = accepted.answer.retry_after();
        let mut told = match (self.told(accepted, wanted), &by_itself) {
            (Ok(Some(told)), _) => told,
            (Ok(None), _) => return Ok(Progress::Over(accepted.answer.clone())),
            (Err(_), Some(resource)) => resource.clone(),
            (Err(error), None) => {
                tracing::debug!(order = accepted.action, error = %error.chain(), "the status of an order is unknown");
                return Ok(Progress::UnderWay);
            }
        };
        let mut pause = FIRST_PAUSE;
        loop {
            let left = self.left(until);
            if left.is_zero() {
                return Ok(Progress::UnderWay);
            }
            let mut next = asked.take().unwrap_or(pause).max(SHORTEST_PAUSE);
            if next > left && wanted == Wanted::End {
                // The status does not come in time, but perhaps the resource tells it.
                match &by_itself {
                    Some(resource) if !matches!(told, Told::Resource(_)) => {
                        told = resource.clone();
                        next = pause;
                    }
                    _ => return Ok(Progress::UnderWay),
                }
            }
            self.clock().sleep(next.min(left)).await;
            pause = (pause * 3 / 2).min(LONGEST_PAUSE);
            let limit = self.left(until).max(LAST_LOOK);
            let late = "Azure did not report the status of an order in time";
            match within(self.clock(), limit, late, self.look(accepted, &told)).await {
                Ok(Looked::Over(answer)) => return Ok(Progress::Over(answer)),
                Ok(Looked::UnderWay(next)) => asked = next,
                Ok(Looked::Failed(error)) => return Err(error),
                // It was accepted; an error of ARM's status is not a failure of the order.
                Ok(Looked::Unseen(error)) => match &by_itself {
                    Some(resource) if !matches!(told, Told::Resource(_)) => told = resource.clone(),
                    // The result is nowhere else.
                    _ if wanted == Wanted::Result && error.kind() != ErrorKind::NotFound => {
                        asked = error.asks_to_wait();
                    }
                    Some(_) if error.kind() != ErrorKind::Denied => asked = error.asks_to_wait(),
                    _ => {
                        tracing::debug!(order = accepted.action, error = %error.chain(), "the status of an order is \
                            no longer polled");
                        return Ok(Progress::UnderWay);
                    }
                },
                Err(_) => return Ok(Progress::UnderWay),
            }
        }
    }

    fn left(&self, until: Timestamp) -> Duration {
        Duration::try_from(until.duration_since(self.clock().now())).unwrap_or(Duration::ZERO)
    }

    /// `None` if there is nothing to wait for.
    ///
    /// # Errors
    /// If that cannot be told.
    fn told(&self, accepted: &Accepted, wanted: Wanted) -> Result<Option<Told>> {
        let answer = &accepted.answer;
        let location = || answer.header("location").map(|address| self.given(address)).transpose();
        if let Some(address) = answer.header("azure-asyncoperation") {
            let result = if wanted == Wanted::Result { location()? } else { None };
            return Ok(Some(Told::Status { at: self.given(address)?, result }));
        }
        match (answer.status, location()?) {
            (202, Some(location)) => Ok(Some(Told::Location(location))),
            (202, None) => {
                let what = "Azure has accepted an order, but gave no address for its status";
                Err(Error::new(ErrorKind::Unavailable, what))
            }
            _ => Ok(accepted.resource.clone().filter(|_| may_be_settling(accepted)).map(Told::Resource)),
        }
    }

    async fn look(&self, accepted: &Accepted, told: &Told) -> Looked {
        let action = &accepted.action;
        match told {
            Told::Status { at, result } => {
                let answer = match self.poll(at.clone()).await {
                    Ok(answer) => answer,
                    Err(error) => return Looked::Unseen(error),
                };
                let status: Status = match answer.read() {
                    Ok(status) => status,
                    Err(error) => return Looked::Unseen(error),
                };
                if is_failure(&status.status) {
                    return Looked::Failed(failed_later(action, &status.status, status.error.as_ref()));
                }
                if !status.status.eq_ignore_ascii_case("Succeeded") {
                    return Looked::UnderWay(answer.retry_after());
                }
                match result {
                    Some(result) => match self.poll(result.clone()).await {
                        Ok(answer) if answer.status == 202 => Looked::UnderWay(answer.retry_after()),
                        Ok(answer) => Looked::Over(answer),
                        Err(error) => Looked::Unseen(error),
                    },
                    None => Looked::Over(answer),
                }
            }
            Told::Location(at) => match self.poll(at.clone()).await {
                Ok(answer) if answer.status == 202 => Looked::UnderWay(answer.retry_after()),
                Ok(answer) => Looked::Over(answer),
                // The answer there is the order's own, so an error is the order's failure.
                Err(error) if is_of_the_order(&error) => Looked::Failed(error),
                Err(error) => Looked::Unseen(error),
            },
            Told::Resource(at) => match self.get(at.clone()).await {
                Ok(answer) => match state(&answer) {
                    Some(state) if is_failure(&state) => Looked::Failed(failed_later(action, &state, None)),
                    Some(state) if state.eq_ignore_ascii_case("Succeeded") && !accepted.is_deletion() => {
                        Looked::Over(answer)
                    }
                    _ => Looked::UnderWay(None),
                },
                Err(error) if error.kind() == ErrorKind::NotFound && accepted.is_deletion() => {
                    Looked::Over(accepted.answer.clone())
                }
                Err(error) => Looked::Unseen(error),
            },
        }
    }
}

impl Accepted {
    fn is_deletion(&self) -> bool {
        self.action.ends_with("/delete")
    }
}

enum Looked {
    Over(Answer),
    /// With the time that ARM asks to wait before the next look.
    UnderWay(Option<Duration>),
    Failed(Error),
    /// It is unknown whether it continues.
    Unseen(Error),
}

fn is_of_the_order(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Conflict | ErrorKind::InvalidInput | ErrorKind::Refused)
}

/// Whether the written resource may still be changing. A truncated answer does not tell.
fn may_be_settling(accepted: &Accepted) -> bool {
    let is_document = accepted.action.ends_with("/write");
    match state(&accepted.answer) {
        Some(state) => !is_failure(&state) && !state.eq_ignore_ascii_case("Succeeded"),
        None => is_document && accepted.answer.is_whole(false).is_err(),
    }
}

fn state(answer: &Answer) -> Option<String> {
    answer.read::<Resource>().ok()?.properties.provisioning_state
}

fn is_failure(status: &str) -> bool {
    ["Failed", "Canceled", "Cancelled"].iter().any(|failure| failure.eq_ignore_ascii_case(status))
}
