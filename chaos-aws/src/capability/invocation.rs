use std::time::Duration;

use aws_sdk_ssm::types::CommandInvocationStatus;
use chaos_core::{
    Error, ErrorKind, Result,
    capability::{Enclosed, Output},
};

use crate::{
    capability::reach::Reach,
    client::error::{code, failed},
};

/// How much of each output the service keeps, in characters.
const LONGEST: [usize; 2] = [24_000, 8_000];

/// The first and the longest pause between two looks at a command.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// How long to wait for a command beyond its time limit, so that the service itself reports the outcome.
const GRACE: Duration = Duration::from_secs(30);

/// A command that was sent to an instance.
#[derive(Debug)]
pub(crate) struct Invocation<'a> {
    pub(crate) reach: &'a Reach,
    pub(crate) id: &'a str,
}

/// The state of a command.
#[derive(Debug)]
enum Stands {
    UnderWay,
    Over(Result<Output>),
}

impl Invocation<'_> {
    /// Waits until it is over, which should be `within` this time.
    pub(crate) async fn finish(&self, within: Duration) -> Result<Output> {
        let clock = &self.reach.clock;
        let mut pause = FIRST_PAUSE;
        let mut waited = Duration::ZERO;
        loop {
            // The output appears some time after the command was sent, and never before it has ended.
            match self.look().await? {
                Stands::Over(output) => return output.map_err(|error| error.with("command", self.id)),
                Stands::UnderWay if waited >= within + GRACE => {
                    self.cancel().await;
                    let what =
                        "Systems Manager does not report the outcome of a command; the command may have run";
                    return Err(Error::new(ErrorKind::Timeout, what)
                        .with("command", self.id)
                        .with("waited", format_args!("{waited:?}")));
                }
                Stands::UnderWay => {}
            }
            clock.sleep(pause).await;
            waited += pause;
            pause = (pause * 3 / 2).min(LONGEST_PAUSE);
        }
    }

    async fn look(&self) -> Result<Stands> {
        let call = self
            .reach
            .region
            .ssm()
            .get_command_invocation()
            .command_id(self.id)
            .instance_id(&*self.reach.instance);
        let answer = match call.send().await {
            Ok(answer) => answer,
            // It takes a moment until one part of the service knows a command that another part has accepted.
            Err(error) if code(&error) == Some("InvocationDoesNotExist") => return Ok(Stands::UnderWay),
            Err(error) => return Err(failed("ssm:GetCommandInvocation", self.reach.region.name(), error)),
        };
        let details = answer.status_details.unwrap_or_default();
        let stdout = answer.standard_output_content.unwrap_or_default();
        let stderr = answer.standard_error_content.unwrap_or_default();
        Ok(stands(answer.status.as_ref(), &details, [&stdout, &stderr]))
    }

    /// Best effort: a command that was not delivered yet should not be delivered later.
    async fn cancel(&self) {
        let call =
            self.reach.region.ssm().cancel_command().command_id(self.id).instance_ids(&*self.reach.instance);
        if let Err(error) = call.send().await {
            let error = failed("ssm:CancelCommand", self.reach.region.name(), error);
            tracing::warn!(command = self.id, error = %error.chain(), "a command could not be cancelled");
        }
    }
}

fn stands(status: Option<&CommandInvocationStatus>, details: &str, outputs: [&str; 2]) -> Stands {
    use CommandInvocationStatus::{
        Cancelled, Cancelling, Delayed, Failed, InProgress, Pending, Success, TimedOut,
    };
    let told = |kind, what| Stands::Over(Err(Error::new(kind, what).with("details", details)));
    match status {
        Some(Pending | InProgress | Delayed | Cancelling) => Stands::UnderWay,
        Some(Success | Failed) => {
            Stands::Over(output(outputs).map_err(|error| error.with("details", details)))
        }
        Some(TimedOut) if details.contains("Delivery") || details.contains("Undeliverable") => {
            told(ErrorKind::Unavailable, "the agent did not fetch a script in time; the script did not run")
        }
        Some(TimedOut) => told(ErrorKind::Timeout, "a script took longer than its time limit and was killed"),
        Some(Cancelled) => told(ErrorKind::Conflict, "somebody cancelled a script"),
        _ => told(ErrorKind::Unavailable, "Systems Manager does not report how a script ended"),
    }
}

/// A failing script is a result. A truncated output is not an answer, and neither is the output of a script that was
/// killed.
fn output(outputs: [&str; 2]) -> Result<Output> {
    let enclosed = Enclosed::read(outputs[0], outputs[1]);
    if let Enclosed::Whole(output) = enclosed {
        return Ok(output);
    }
    let lengths = outputs.map(|output| output.chars().count());
    let is_longest = lengths.iter().zip(LONGEST).any(|(length, longest)| *length >= longest);
    if is_longest || enclosed == Enclosed::WithoutBegin {
        return Err(Error::new(ErrorKind::Other, "a script printed too much")
            .with("most_output", LONGEST[0])
            .with("most_errors", LONGEST[1]));
    }
    let what = "a script was killed before its end, or never started";
    Err(Error::new(ErrorKind::Unavailable, what).with("stderr", outputs[1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDED: [&str; 2] = [
        "chaos-begin\nout\nchaos-status=7",
        "chaos-begin\n\nchaos-status=7failed to run commands: exit status 1",
    ];
    const KILLED: [&str; 2] = ["chaos-begin\nout", "chaos-begin\n"];

    fn over(status: &str, details: &str, outputs: [&str; 2]) -> Option<Result<i32, ErrorKind>> {
        match stands(Some(&CommandInvocationStatus::from(status)), details, outputs) {
            Stands::UnderWay => None,
            Stands::Over(output) => Some(output.map(|output| output.status).map_err(|error| error.kind())),
        }
    }

    #[test]
    fn every_end_of_a_command_has_its_meaning() {
        for status in ["Pending", "InProgress", "Delayed", "Cancelling"] {
            assert_eq!(over(status, "", KILLED), None, "{status}");
        }
        for (status, details, outputs, expected) in [
            ("Success", "Success", ENDED, Ok(7)),
            ("Failed", "Failed", ENDED, Ok(7)),
            ("Failed", "Failed", KILLED, Err(ErrorKind::Unavailable)),
            ("Failed", "Undeliverable", ["", ""], Err(ErrorKind::Unavailable)),
            ("TimedOut", "ExecutionTimedOut", KILLED, Err(ErrorKind::Timeout)),
            ("TimedOut", "DeliveryTimedOut", ["", ""], Err(ErrorKind::Unavailable)),
            ("Cancelled", "Cancelled", KILLED, Err(ErrorKind::Conflict)),
            ("SomethingNew", "", ENDED, Err(ErrorKind::Unavailable)),
        ] {
            assert_eq!(over(status, details, outputs), Some(expected), "{status} {details}");
        }
    }

    #[test]
    fn an_output_that_was_cut_short_is_an_error() {
        let end = "chaos-begin\n\nchaos-status=0";
        let long = "x".repeat(LONGEST[0]);
        assert_eq!(output([&long, end]).unwrap_err().kind(), ErrorKind::Other);
        assert_eq!(output([end, &long[..LONGEST[1]]]).unwrap_err().kind(), ErrorKind::Other);
        let whole = format!("chaos-begin\n{long}\nchaos-status=0");
        assert_eq!(output([&whole, end]).unwrap().stdout, long);
        assert_eq!(output([&whole[1..], end]).unwrap_err().kind(), ErrorKind::Other);
    }
}
