use std::time::Duration;

use aws_sdk_ec2::types::{Filter, GroupIdentifier, Instance, Reservation, Tag};
use chaos_core::{
    Error, ErrorKind, Result,
    clock::Clock,
    listing::{Page, pages},
};
use futures_util::TryStreamExt;
use serde_json::Value;

use super::{
    Api,
    json::{list, object, plain, text, time},
};
use crate::{client::machines::validate_instance, model::told::told};

const ACTION: &str = "ec2:DescribeInstances";

/// How long started instances may take until they run.
const RUNNING_WITHIN: Duration = Duration::from_secs(240);

impl Api {
    /// The reservations of the instances with these ids that pass every filter: a filter is the name of a property, and
    /// the values of which one must match. Without ids, of every instance of the region. Needs `ec2:DescribeInstances`.
    ///
    /// # Errors
    /// `InvalidInput` for an invalid id, and `NotFound` for one that EC2 does not know.
    ///
    /// Cancel safe: it only looks.
    pub async fn instances(&self, ids: &[String], filters: &[(String, Vec<String>)]) -> Result<Vec<Value>> {
        ids.iter().try_for_each(|id| validate_instance(id))?;
        let filter = |(name, values): &(String, Vec<String>)| {
            Filter::builder().name(name).set_values(Some(values.clone())).build()
        };
        let filters: Vec<Filter> = filters.iter().map(filter).collect();
        let fetch = |token: Option<String>| {
            let call = self.region.ec2().describe_instances().set_next_token(token);
            let call = call.set_instance_ids((!ids.is_empty()).then(|| ids.to_vec()));
            let call = call.set_filters((!filters.is_empty()).then(|| filters.clone()));
            async move {
                let answer = call.send().await.map_err(|error| self.failed(ACTION, error))?;
                let page: Page<Vec<Reservation>> =
                    (told(answer.reservations, "reservationSet")?, answer.next_token);
                Ok(page)
            }
        };
        let found: Vec<Vec<Reservation>> = Box::pin(pages(fetch)).try_collect().await?;
        Ok(found.into_iter().flatten().map(reservation).collect())
    }

    /// Starts the stopped ones of these instances, and waits until every one of them is seen to run, for at most four
    /// minutes. Needs `ec2:StartInstances` and `ec2:DescribeInstances`.
    ///
    /// # Errors
    /// `InvalidInput` for an invalid id, `NotFound` for one that EC2 does not know, `Conflict` for an instance that is
    /// gone, and `Timeout` with the state of the first one that does not run.
    ///
    /// Cancel safe: an order that was sent stays.
    pub async fn start_instances(&self, ids: &[String], clock: &dyn Clock) -> Result<()> {
        const START: &str = "ec2:StartInstances";
        let until = clock.monotonic().saturating_add(RUNNING_WITHIN);
        let mut was_ordered = false;
        loop {
            let states = self.states(ids).await?;
            if let Some((id, state)) =
                states.iter().find(|(_, state)| matches!(&**state, "terminated" | "shutting-down"))
            {
                let what = "the instance is gone, so it cannot be started";
                return Err(Error::new(ErrorKind::Conflict, what).with("instance", id).with("state", state));
            }
            let Some((id, state)) = states.iter().find(|(_, state)| state != "running") else {
                return Ok(());
            };
            if clock.monotonic() >= until {
                let what = "the instance was not seen to run in time";
                let error = Error::new(ErrorKind::Timeout, what).with("instance", id).with("state", state);
                return Err(error.with("within", format_args!("{RUNNING_WITHIN:?}")));
            }
            let stopped: Vec<String> =
                states.iter().filter(|(_, state)| state == "stopped").map(|(id, _)| id.clone()).collect();
            if !stopped.is_empty() {
                let call = self.region.ec2().start_instances().set_instance_ids(Some(stopped));
                call.send().await.map_err(|error| self.failed(START, error))?;
                was_ordered = true;
            }
            clock.sleep(Duration::from_secs(if was_ordered { 2 } else { 5 })).await;
        }
    }

    async fn states(&self, ids: &[String]) -> Result<Vec<(String, String)>> {
        let reservations = self.instances(ids, &[]).await?;
        let instances = reservations.iter().filter_map(|found| found["Instances"].as_array()).flatten();
        let state = |instance: &Value| {
            let (id, state) = (instance["InstanceId"].as_str()?, instance["State"]["Name"].as_str()?);
            Some((id.to_owned(), state.to_owned()))
        };
        let states: Vec<(String, String)> = instances.filter_map(state).collect();
        match ids.iter().find(|id| states.iter().all(|(known, _)| known != *id)) {
            None => Ok(states),
            Some(lacking) => {
                let what = "EC2 neither lists an instance nor says that it does not exist";
                let error = Error::new(ErrorKind::Unavailable, what).with("missing", lacking);
                Err(error.with("action", ACTION).with("region", self.region()))
            }
        }
    }
}

fn reservation(reservation: Reservation) -> Value {
    object([
        ("ReservationId", text(reservation.reservation_id)),
        ("OwnerId", text(reservation.owner_id)),
        ("RequesterId", text(reservation.requester_id)),
        ("Groups", list(reservation.groups, security_group)),
        ("Instances", list(reservation.instances, instance)),
    ])
}

fn instance(instance: Instance) -> Value {
    let state = instance.state.map(|state| {
        // The high byte of the code is internal to the service.
        object([("Code", plain(state.code.map(|code| code & 0xff))), ("Name", text(state.name))])
    });
    let placement = instance.placement.map(|placement| {
        object([
            ("AvailabilityZone", text(placement.availability_zone)),
            ("GroupName", text(placement.group_name)),
            ("Tenancy", text(placement.tenancy)),
        ])
    });
    object([
        ("InstanceId", text(instance.instance_id)),
        ("ImageId", text(instance.image_id)),
        ("InstanceType", text(instance.instance_type)),
        ("InstanceLifecycle", text(instance.instance_lifecycle)),
        ("State", state),
        ("StateTransitionReason", text(instance.state_transition_reason)),
        ("PrivateDnsName", text(instance.private_dns_name)),
        ("PrivateIpAddress", text(instance.private_ip_address)),
        ("PublicDnsName", text(instance.public_dns_name)),
        ("PublicIpAddress", text(instance.public_ip_address)),
        ("SubnetId", text(instance.subnet_id)),
        ("VpcId", text(instance.vpc_id)),
        ("KeyName", text(instance.key_name)),
        ("LaunchTime", time(instance.launch_time)),
        ("Architecture", text(instance.architecture)),
        ("Placement", placement),
        ("SecurityGroups", list(instance.security_groups, security_group)),
        ("SpotInstanceRequestId", text(instance.spot_instance_request_id)),
        ("Tags", list(instance.tags, tag)),
    ])
}

fn security_group(group: GroupIdentifier) -> Value {
    object([("GroupId", text(group.group_id)), ("GroupName", text(group.group_name))])
}

fn tag(tag: Tag) -> Value {
    object([("Key", text(tag.key)), ("Value", text(tag.value))])
}
