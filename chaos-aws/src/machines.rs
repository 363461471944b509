//! Looking up many instances with few calls.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_autoscaling::types::AutoScalingGroup;
use aws_sdk_ec2::{error::SdkError, operation::describe_instances::DescribeInstancesOutput, types::Filter};
use chaos_core::{Error, ErrorKind, Result};
use futures_util::{StreamExt, TryStreamExt};

use crate::{
    error::{code, failed},
    machine::Machine,
    pages::pages,
    regions::Region,
};

/// How many instances are asked for by their ids, in one call without pages.
const BY_IDS: usize = 100;
/// How many values a filter takes.
const FILTER_VALUES: usize = 200;
/// How many instances a page holds, where the answer comes in pages.
const PAGE: i32 = 1000;

/// What the instances of a group bear.
const GROUP_TAG: &str = "tag:aws:autoscaling:groupName";

const ACTION: &str = "ec2:DescribeInstances";

/// Looks up the instances of these groups, 1,000 with a call: by the groups that they belong to, because ids go with few at a time
/// and without pages. What EC2 does not know is not among the answers.
pub(crate) async fn machines(
    region: &Region,
    groups: &[AutoScalingGroup],
) -> Result<BTreeMap<String, Machine>> {
    let instances = groups.iter().flat_map(AutoScalingGroup::instances);
    let ids: BTreeSet<String> =
        instances.filter_map(|instance| instance.instance_id()).map(str::to_owned).collect();
    let by_id = |machines: Vec<Machine>| machines.into_iter().map(|machine| (machine.id.clone(), machine));
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    if ids.len() <= BY_IDS {
        let ids: Vec<String> = ids.into_iter().collect();
        return Ok(by_id(by_ids(region, &ids).await?).collect());
    }
    // What would be a wildcard in a filter is looked for by id.
    let names = groups.iter().filter_map(AutoScalingGroup::auto_scaling_group_name);
    let names: Vec<String> =
        names.filter(|name| !name.contains(['*', '?', '\\'])).map(str::to_owned).collect();
    let mut found: BTreeMap<String, Machine> =
        by_id(by_filter(region, GROUP_TAG, &names).await?).filter(|(id, _)| ids.contains(id)).collect();
    // One that was attached by hand may not bear the tag yet.
    let missing: Vec<String> = ids.into_iter().filter(|id| !found.contains_key(id)).collect();
    found.extend(by_id(by_filter(region, "instance-id", &missing).await?));
    Ok(found)
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
            None => return by_filter(region, "instance-id", ids).await,
        }
    }
    Ok(found)
}

/// Instances by what a filter knows of them; where nobody has one of the values, that does no harm.
async fn by_filter(region: &Region, name: &str, values: &[String]) -> Result<Vec<Machine>> {
    let mut found = Vec::new();
    for values in values.chunks(FILTER_VALUES) {
        let fetch = |token: Option<String>| async move {
            let filter = Filter::builder().name(name).set_values(Some(values.to_vec())).build();
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
