//! Looking up many instances with few calls.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use aws_sdk_ec2::{error::SdkError, operation::describe_instances::DescribeInstancesOutput, types::Filter};
use chaos_core::{Clock, Error, ErrorKind, Result, listing::pages};
use futures_util::{StreamExt, TryStreamExt};

use crate::{
    error::{code, failed},
    machine::Machine,
    regions::Region,
};

/// How many ids one call takes.
const IDS: usize = 1000;
/// How many values a filter takes.
const FILTER_VALUES: usize = 200;
/// How many instances a page holds, where the answer comes in pages.
const PAGE: i32 = 1000;

const ACTION: &str = "ec2:DescribeInstances";

/// Looks up these instances, 1,000 with a call; those of `known` need not be. What EC2 does not know is not among the answers.
pub(crate) async fn machines(
    region: &Region,
    ids: &[String],
    known: BTreeMap<String, Arc<Machine>>,
    clock: &dyn Clock,
) -> Result<BTreeMap<String, Arc<Machine>>> {
    let mut machines = known;
    let ids: Vec<String> = ids.iter().filter(|id| !machines.contains_key(*id)).cloned().collect();
    let asked = clock.now();
    let mut found: Vec<Arc<Machine>> = Vec::with_capacity(ids.len());
    // One call after another: many at a time of this size, and a slow endpoint answers none of them in time.
    for ids in ids.chunks(IDS) {
        found.extend(Box::pin(by_ids(region, ids)).await?.into_iter().map(Arc::new));
    }
    region.recently_seen().keep_machines(&found, asked, clock);
    machines.extend(found.into_iter().map(|machine| (machine.id.clone(), machine)));
    Ok(machines)
}

/// Looks up one instance; `None` where EC2 does not know it.
pub(crate) async fn machine(region: &Region, id: &str) -> Result<Option<Machine>> {
    match region.ec2().describe_instances().instance_ids(id).send().await {
        Ok(answer) => Ok(read(answer).into_iter().find(|machine| machine.id == id)),
        Err(error) if is_unknown(&error) => Ok(None),
        Err(error) => Err(failed(ACTION, region.name(), error).with("instance", id)),
    }
}

async fn by_ids(region: &Region, ids: &[String]) -> Result<Vec<Machine>> {
    let fetch = |token: Option<String>| async move {
        let call = region.ec2().describe_instances().set_instance_ids(Some(ids.to_vec()));
        match call.set_next_token(token).send().await {
            Ok(answer) => {
                let next = answer.next_token.clone();
                Ok((Some(answer), next))
            }
            // One that is gone since its group was read spoils the call for all others.
            Err(error) if is_unknown(&error) => Ok((None, None)),
            Err(error) => Err(failed(ACTION, region.name(), error)),
        }
    };
    let mut found = Vec::with_capacity(ids.len());
    let mut answers = Box::pin(pages(fetch));
    while let Some(answer) = answers.next().await {
        match answer? {
            Some(answer) => found.extend(read(answer)),
            None => return by_filter(region, ids).await,
        }
    }
    Ok(found)
}

/// As [`by_ids`], where ids that nobody knows do no harm; but of fewer with a call.
async fn by_filter(region: &Region, ids: &[String]) -> Result<Vec<Machine>> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(FILTER_VALUES) {
        let fetch = |token: Option<String>| async move {
            let filter = Filter::builder().name("instance-id").set_values(Some(ids.to_vec())).build();
            let call = region.ec2().describe_instances().filters(filter).max_results(PAGE);
            let answer = call.set_next_token(token).send().await;
            let answer = answer.map_err(|error| failed(ACTION, region.name(), error))?;
            let next = answer.next_token.clone();
            Ok((answer, next))
        };
        let mut answers = Box::pin(pages(fetch));
        while let Some(answer) = answers.next().await {
            found.extend(read(answer?));
        }
    }
    Ok(found)
}

/// The spot instances of the region whose interruption is announced: marked to be terminated, stopped or hibernated.
pub(crate) async fn interrupted(region: &Region) -> Result<BTreeSet<String>> {
    let fetch = |token: Option<String>| async move {
        let marks = ["marked-for-termination", "marked-for-stop", "marked-for-hibernation"];
        let values = marks.iter().map(|&mark| mark.to_owned()).collect();
        let filter = Filter::builder().name("status-code").set_values(Some(values)).build();
        let call = region.ec2().describe_spot_instance_requests().filters(filter).max_results(PAGE);
        let answer = call.set_next_token(token).send().await;
        let answer =
            answer.map_err(|error| failed("ec2:DescribeSpotInstanceRequests", region.name(), error))?;
        Ok((answer.spot_instance_requests.unwrap_or_default(), answer.next_token))
    };
    let requests: Vec<Vec<_>> = Box::pin(pages(fetch)).try_collect().await?;
    Ok(requests.into_iter().flatten().filter_map(|request| request.instance_id).collect())
}

/// Instance ids are letters and digits: anything else is no instance's, and never sent anywhere.
pub(crate) fn validate_instance(name: &str) -> Result<()> {
    let digits = name.strip_prefix("i-").unwrap_or_default();
    let is_right = (8..=40).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    if is_right {
        return Ok(());
    }
    Err(Error::invalid("instance id", format!("{name:?}"), "i- and hexadecimal digits"))
}

fn is_unknown<E>(error: &SdkError<E, aws_sdk_ec2::config::http::HttpResponse>) -> bool
where
    E: aws_sdk_ec2::error::ProvideErrorMetadata,
{
    code(error) == Some("InvalidInstanceID.NotFound")
}

fn read(answer: DescribeInstancesOutput) -> Vec<Machine> {
    let reservations = answer.reservations.unwrap_or_default().into_iter();
    let instances = reservations.flat_map(|reservation| reservation.instances.unwrap_or_default());
    instances.filter_map(Machine::of).collect()
}

/// The instance does not exist, although it should.
pub(crate) fn vanished(id: &str) -> Error {
    Error::new(ErrorKind::NotFound, "the instance exists no more").with("instance", id)
}
