use std::time::Duration;

use azure_core::http::Url;
use chaos_core::{Error, ErrorKind, Permit, Result};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::{Answer, Arm, Request, action};
use crate::{error::failed_later, within::within};

/// The first pause between two looks at an operation, where ARM asks for none, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// No pause is shorter, whatever ARM asks for.
const SHORTEST_PAUSE: Duration = Duration::from_millis(20);

/// What a look may take that is begun when the time is up.
const LAST_LOOK: Duration = Duration::from_secs(1);

/// How long an order is followed that must not wait for a fault's deadline, such as one that recovers.
const LONGEST: Duration = Duration::from_secs(60);

/// How far an order has come when nobody waits for it any longer.
#[derive(Debug)]
pub(crate) enum Progress {
    /// It is carried out, and this is what it has answered in the end.
    Over(Answer),
    /// It was accepted and goes on.
    UnderWay,
}

/// How long an order is followed that injects a fault: until shortly before its deadline, so that what ARM has accepted is not told
/// as an injection that took too long. Whether the target has arrived is for a look to say.
pub(crate) fn patience(permit: &Permit) -> Duration {
    let remaining = permit.remaining();
    remaining.saturating_sub((remaining / 4).min(Duration::from_secs(2)))
}

/// An order that ARM has taken.
#[derive(Debug)]
pub(crate) struct Accepted {
    /// What a role must allow for it.
    pub(crate) action: String,
    /// The resource that it makes or changes, where that tells how far it has come.
    pub(crate) resource: Option<Url>,
    pub(crate) answer: Answer,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// That the order is carried out.
    End,
    /// What it has answered besides.
    Result,
}

/// What is at the address of an operation's status.
#[derive(Debug, Deserialize)]
struct Status {
    status: String,
    #[serde(default)]
    error: Option<serde_json::Value>,
}

/// What a resource says of itself.
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

/// Where ARM tells how an order stands, in the order in which it is to be believed.
enum Told {
    /// By `Azure-AsyncOperation`: a status. What the order has answered is at `Location`.
    Status { at: Url, result: Option<Url> },
    /// By `Location`: 202 until it is over.
    Location(Url),
    /// By the resource itself, which this order has made or changed.
    Resource(Url),
}

impl Arm {
    /// Sends an order and [follows](Self::follow) it for [`LONGEST`].
    pub(crate) async fn order(&self, request: &Request) -> Result<Progress> {
        let until = self.after(LONGEST);
        let answer = self.send(request).await?;
        let action = action(request.method, request.url.path());
        let accepted = Accepted { action, resource: Some(request.url.clone()), answer };
        self.follow(accepted, Wanted::End, until).await
    }

    /// The moment that is so far away.
    pub(crate) fn after(&self, duration: Duration) -> Timestamp {
        let duration = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
        let now = self.clock().now();
        now.checked_add(duration).unwrap_or(Timestamp::MAX)
    }

    /// Waits until an accepted order is carried out, or until then.
    ///
    /// # Errors
    /// What became of the order, where it failed; and why that cannot be told.
    pub(crate) async fn follow(
        &self,
        accepted: Accepted,
        wanted: Wanted,
        until: Timestamp,
    ) -> Result<Progress> {
        let action = accepted.action.clone();
        let followed = self.wait(accepted, wanted, until).await;
        followed.map_err(|error| error.with("order", action))
    }

    async fn wait(&self, accepted: Accepted, wanted: Wanted, until: Timestamp) -> Result<Progress> {
        let mut asked = accepted.answer.retry_after();
        let told = match self.told(&accepted, wanted)? {
            Some(told) => told,
            None => return Ok(Progress::Over(accepted.answer)),
        };
        let mut pause = FIRST_PAUSE;
        loop {
            let left = self.left(until);
            if left.is_zero() {
                return Ok(Progress::UnderWay);
            }
            self.clock().sleep(asked.unwrap_or(pause).max(SHORTEST_PAUSE).min(left)).await;
            pause = (pause * 3 / 2).min(LONGEST_PAUSE);
            let limit = self.left(until).max(LAST_LOOK);
            let late = "Azure does not say in time how an order stands";
            match within(self.clock(), limit, late, self.look(&accepted.action, &told)).await {
                Ok(Ok(Looked::Over(answer))) => return Ok(Progress::Over(answer)),
                Ok(Ok(Looked::UnderWay(answer))) => asked = answer.retry_after(),
                Ok(Err(error)) => return Err(error),
                // It was accepted; what keeps ARM from answering is no failure of it.
                Err(_) => return Ok(Progress::UnderWay),
            }
        }
    }

    fn left(&self, until: Timestamp) -> Duration {
        Duration::try_from(until.duration_since(self.clock().now())).unwrap_or(Duration::ZERO)
    }

    /// `None` where there is nothing to wait for.
    fn told(&self, accepted: &Accepted, wanted: Wanted) -> Result<Option<Told>> {
        let answer = &accepted.answer;
        let location = answer.header("location").map(|address| self.given(address)).transpose()?;
        if let Some(address) = answer.header("azure-asyncoperation") {
            let result = location.filter(|_| wanted == Wanted::Result);
            return Ok(Some(Told::Status { at: self.given(address)?, result }));
        }
        match (answer.status, location) {
            (202, Some(location)) => Ok(Some(Told::Location(location))),
            (202, None) => {
                let what = "Azure has accepted an order and does not say where it tells how it stands";
                Err(Error::new(ErrorKind::Unavailable, what))
            }
            _ => Ok(accepted.resource.clone().filter(|_| is_settling(answer)).map(Told::Resource)),
        }
    }

    async fn look(&self, action: &str, told: &Told) -> Result<Looked> {
        match told {
            Told::Status { at, result } => {
                let answer = self.get(at.clone()).await?;
                let status: Status = answer.read()?;
                if is_failure(&status.status) {
                    return Err(failed_later(action, &status.status, status.error.as_ref()));
                }
                if !status.status.eq_ignore_ascii_case("Succeeded") {
                    return Ok(Looked::UnderWay(answer));
                }
                Ok(Looked::Over(match result {
                    Some(result) => self.get(result.clone()).await?,
                    None => answer,
                }))
            }
            Told::Location(at) => {
                let answer = self.get(at.clone()).await?;
                Ok(if answer.status == 202 { Looked::UnderWay(answer) } else { Looked::Over(answer) })
            }
            Told::Resource(at) => {
                let answer = self.get(at.clone()).await?;
                let state = state(&answer).unwrap_or_default();
                if is_failure(&state) {
                    return Err(failed_later(action, &state, None));
                }
                Ok(if is_settling(&answer) { Looked::UnderWay(answer) } else { Looked::Over(answer) })
            }
        }
    }
}

enum Looked {
    Over(Answer),
    UnderWay(Answer),
}

fn state(answer: &Answer) -> Option<String> {
    answer.read::<Resource>().ok()?.properties.provisioning_state
}

fn is_settling(answer: &Answer) -> bool {
    state(answer).is_some_and(|state| !is_failure(&state) && !state.eq_ignore_ascii_case("Succeeded"))
}

fn is_failure(status: &str) -> bool {
    ["Failed", "Canceled", "Cancelled"].iter().any(|failure| failure.eq_ignore_ascii_case(status))
}
