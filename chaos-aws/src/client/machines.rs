//! Looking up many instances with few calls.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::{
    error::SdkError,
    operation::describe_instances::DescribeInstancesOutput,
    types::{Filter, SpotInstanceRequest},
};
use chaos_core::{
    Error, ErrorKind, Result,
    listing::{Page, pages},
};
use futures_util::TryStreamExt;

use crate::{
    client::{
        error::{code, failed},
        regions::Region,
    },
    model::{machine::Machine, told::told},
};

/// How many ids one call takes.
const IDS: usize = 1000;
/// How many values a filter takes.
const FILTER_VALUES: usize = 200;
/// The number of instances on a page, if the answer comes in pages.
const PAGE: i32 = 1000;

const ACTION: &str = "ec2:DescribeInstances";
const SPOT_ACTION: &str = "ec2:DescribeSpotInstanceRequests";

/// Looks up these instances, 1,000 per call. The answer lacks instances that EC2 does not know.
pub(crate) async fn machines(region: &Region, ids: &[String]) -> Result<BTreeMap<String, Machine>> {
    let mut found = BTreeMap::new();
    // One call after another: a slow endpoint would answer none of many concurrent calls of this size in time.
    for ids in ids.chunks(IDS) {
        let machines = Box::pin(by_ids(region, ids)).await?.into_iter();
        found.extend(machines.map(|machine| (machine.id.clone(), machine)));
    }
    Ok(found)
}

/// Looks up one instance; `None` only if EC2 says that it does not exist.
pub(crate) async fn machine(region: &Region, id: &str) -> Result<Option<Machine>> {
    let ids = [id.to_owned()];
    let asked = all_of(region, &ids).await.map_err(|error| error.with("instance", id))?;
    Ok(asked.and_then(|machines| machines.into_iter().find(|machine| machine.id == id)))
}

async fn by_ids(region: &Region, ids: &[String]) -> Result<Vec<Machine>> {
    match all_of(region, ids).await? {
        Some(machines) => Ok(machines),
        None => by_filter(region, ids).await,
    }
}

/// Each of these instances; `None` if EC2 says that one of them does not exist, which fails the call for all others.
///
/// # Errors
/// Also if the answer lacks a requested instance: that does not mean that it is gone.
async fn all_of(region: &Region, ids: &[String]) -> Result<Option<Vec<Machine>>> {
    let fetch = |token: Option<String>| async move {
        let call = region.ec2().describe_instances().set_instance_ids(Some(ids.to_vec()));
        match call.set_next_token(token).send().await {
            Ok(answer) => read(answer, region.name()).map(|(machines, next)| (Some(machines), next)),
            Err(error) if is_unknown(&error) => Ok((None, None)),
            Err(error) => Err(failed(ACTION, region.name(), error)),
        }
    };
    let answers: Vec<Option<Vec<Machine>>> = Box::pin(pages(fetch)).try_collect().await?;
    let Some(answers) = answers.into_iter().collect::<Option<Vec<_>>>() else { return Ok(None) };
    let machines: Vec<Machine> = answers.into_iter().flatten().collect();
    let found: BTreeSet<&str> = machines.iter().map(|machine| machine.id.as_str()).collect();
    match ids.iter().find(|id| !found.contains(id.as_str())) {
        None => Ok(Some(machines)),
        Some(lacking) => {
            let what = "EC2 neither lists an instance nor says that it does not exist";
            let error = Error::new(ErrorKind::Unavailable, what).with("missing", lacking);
            Err(error.with("action", ACTION).with("region", region.name()))
        }
    }
}

/// As [`by_ids`], but unknown ids do no harm, and each call takes fewer ids.
async fn by_filter(region: &Region, ids: &[String]) -> Result<Vec<Machine>> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(FILTER_VALUES) {
        let fetch = |token: Option<String>| async move {
            let filter = Filter::builder().name("instance-id").set_values(Some(ids.to_vec())).build();
            let call = region.ec2().describe_instances().filters(filter).max_results(PAGE);
            let answer = call.set_next_token(token).send().await;
            read(answer.map_err(|error| failed(ACTION, region.name(), error))?, region.name())
        };
        let answers: Vec<Vec<Machine>> = Box::pin(pages(fetch)).try_collect().await?;
        found.extend(answers.into_iter().flatten());
    }
    Ok(found)
}

/// The spot instances of the region with an announced interruption: marked to be terminated, stopped or hibernated.
pub(crate) async fn interrupted(region: &Region) -> Result<BTreeSet<String>> {
    let fetch = |token: Option<String>| async move {
        let marks = ["marked-for-termination", "marked-for-stop", "marked-for-hibernation"];
        let values = marks.iter().map(|&mark| mark.to_owned()).collect();
        let filter = Filter::builder().name("status-code").set_values(Some(values)).build();
        let call = region.ec2().describe_spot_instance_requests().filters(filter).max_results(PAGE);
        let answer = call.set_next_token(token).send().await;
        let answer = answer.map_err(|error| failed(SPOT_ACTION, region.name(), error))?;
        Ok((told(answer.spot_instance_requests, "spotInstanceRequestSet")?, answer.next_token))
    };
    let requests: Result<Vec<Vec<_>>> = Box::pin(pages(fetch)).try_collect().await;
    let instances = requests.and_then(|requests| {
        let of = |request: SpotInstanceRequest| told(request.instance_id, "instanceId of a spot request");
        requests.into_iter().flatten().map(of).collect()
    });
    instances.map_err(|error| error.with("action", SPOT_ACTION).with("region", region.name()))
}

/// Instance ids consist of letters and digits. Any other text is not an instance's id, and is never sent anywhere.
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

/// A page of instances, and the token of the next one.
fn read(answer: DescribeInstancesOutput, region: &str) -> Result<Page<Vec<Machine>>> {
    let machines = || {
        let mut machines = Vec::new();
        for reservation in told(answer.reservations, "reservationSet")? {
            for instance in told(reservation.instances, "instancesSet")? {
                machines.push(Machine::read(instance)?);
            }
        }
        Ok(machines)
    };
    let machines = machines().map_err(|error: Error| error.with("action", ACTION).with("region", region))?;
    Ok((machines, answer.next_token))
}

/// The instance does not exist, although it should.
pub(crate) fn vanished(id: &str) -> Error {
    Error::new(ErrorKind::NotFound, "the instance no longer exists").with("instance", id)
}
