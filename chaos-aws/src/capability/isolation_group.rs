use std::time::Duration;

use aws_sdk_ec2::types::{Filter, IpPermission, ResourceType, SecurityGroup, Tag, TagSpecification};
use chaos_core::{Error, ErrorKind, FaultId, Result, listing::pages};
use futures_util::TryStreamExt;

use crate::{
    capability::reach::Reach,
    client::error::{code, failed},
    model::told::told,
};

/// The tag of the security groups that isolate; its value is the fault's id.
pub const ISOLATION_TAG: &str = "chaos:isolation";

const NAME: &str = "chaos-isolation-";

/// How often to look for a newly created group, and the wait in between.
const LOOKS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(500);

/// The security group of one fault in one VPC, which allows no traffic in or out.
///
/// Each fault has its own, so it is known which fault removes it.
#[derive(Debug)]
pub(crate) struct IsolationGroup<'a> {
    fault: FaultId,
    vpc: &'a str,
    reach: &'a Reach,
}

/// The group as reported by EC2.
#[derive(Clone, Debug)]
struct Found {
    id: String,
    ingress: Vec<IpPermission>,
    egress: Vec<IpPermission>,
}

/// Whether a security group with this name belongs to an isolation.
pub(crate) fn is_isolation(name: &str) -> bool {
    name.strip_prefix(NAME).is_some_and(|fault| fault.parse::<FaultId>().is_ok())
}

/// Whether a security group with this name belongs to `fault`.
pub(crate) fn is_isolation_of(fault: FaultId, name: &str) -> bool {
    name.strip_prefix(NAME).is_some_and(|of| of.parse().is_ok_and(|of: FaultId| of == fault))
}

impl<'a> IsolationGroup<'a> {
    pub(crate) fn of(fault: FaultId, vpc: &'a str, reach: &'a Reach) -> Self {
        Self { fault, vpc, reach }
    }

    /// Creates it if it does not exist, and ensures that it has no rules. Returns its id.
    pub(crate) async fn made(&self) -> Result<String> {
        if self.find().await?.is_none() {
            self.create().await?;
        }
        for _ in 0..LOOKS {
            // A recent creation or change may not be visible yet.
            match self.find().await? {
                Some(group) if group.is_without_rules() => return Ok(group.id),
                Some(group) => self.revoke(&group).await?,
                None => {}
            }
            if let Some(group) = self.find().await?.filter(Found::is_without_rules) {
                return Ok(group.id);
            }
            self.reach.clock.sleep(PAUSE).await;
        }
        let what = "the security group for the isolation has rules; nothing was cut off";
        Err(self.named(Error::new(ErrorKind::Unavailable, what)))
    }

    /// Removes it if it exists and no interface is in it.
    pub(crate) async fn removed(&self) -> Result<()> {
        let Some(Found { id, .. }) = self.find().await? else { return Ok(()) };
        match self.reach.region.ec2().delete_security_group().group_id(id).send().await {
            Ok(_) => Ok(()),
            Err(error) if code(&error) == Some("InvalidGroup.NotFound") => Ok(()),
            Err(error) => Err(self.named(failed("ec2:DeleteSecurityGroup", self.reach.region.name(), error))),
        }
    }

    /// Whether it lets nothing in or out; `None` if it does not exist.
    pub(crate) async fn is_without_rules(&self) -> Result<Option<bool>> {
        Ok(self.find().await?.map(|group| group.is_without_rules()))
    }

    fn name(&self) -> String {
        format!("{NAME}{}", self.fault)
    }

    fn named(&self, error: Error) -> Error {
        error.with("security_group", self.name()).with("vpc", self.vpc)
    }

    async fn find(&self) -> Result<Option<Found>> {
        const ACTION: &str = "ec2:DescribeSecurityGroups";
        let by = |name: &str, value: &str| Filter::builder().name(name).values(value).build();
        let by = [by("group-name", &self.name()), by("vpc-id", self.vpc)];
        let fetch = |token: Option<String>| {
            let call = self.reach.region.ec2().describe_security_groups();
            let call = call.set_filters(Some(by.to_vec())).set_next_token(token);
            async move {
                let answer = call.send().await;
                let answer = answer.map_err(|error| failed(ACTION, self.reach.region.name(), error))?;
                let found = told(answer.security_groups, "securityGroupInfo")?.into_iter();
                Ok((found.map(Found::read).collect::<Result<Vec<_>>>()?, answer.next_token))
            }
        };
        let found: Result<Vec<Vec<_>>> = Box::pin(pages(fetch)).try_collect().await;
        Ok(found.map_err(|error| self.named(error))?.into_iter().flatten().next())
    }

    async fn create(&self) -> Result<()> {
        let tag = Tag::builder().key(ISOLATION_TAG).value(self.fault.to_string()).build();
        let tags = TagSpecification::builder().resource_type(ResourceType::SecurityGroup).tags(tag).build();
        let call = self
            .reach
            .region
            .ec2()
            .create_security_group()
            .group_name(self.name())
            .description("Isolates an instance for a chaos fault, which removes it in the end")
            .vpc_id(self.vpc)
            .tag_specifications(tags);
        match call.send().await {
            Ok(_) => Ok(()),
            // A call with a lost answer has created it.
            Err(error) if code(&error) == Some("InvalidGroup.Duplicate") => Ok(()),
            Err(error) => Err(self.named(failed("ec2:CreateSecurityGroup", self.reach.region.name(), error))),
        }
    }

    /// A new group lets all traffic out; in a VPC with IPv6, a second rule does so for IPv6.
    async fn revoke(&self, group: &Found) -> Result<()> {
        let ec2 = self.reach.region.ec2();
        let region = self.reach.region.name();
        if !group.egress.is_empty() {
            let rules = Some(group.egress.clone());
            let call = ec2.revoke_security_group_egress().group_id(&group.id).set_ip_permissions(rules);
            match call.send().await {
                Ok(_) => {}
                Err(error) if code(&error) == Some("InvalidPermission.NotFound") => {}
                Err(error) => {
                    return Err(self.named(failed("ec2:RevokeSecurityGroupEgress", region, error)));
                }
            }
        }
        if !group.ingress.is_empty() {
            let rules = Some(group.ingress.clone());
            let call = ec2.revoke_security_group_ingress().group_id(&group.id).set_ip_permissions(rules);
            match call.send().await {
                Ok(_) => {}
                Err(error) if code(&error) == Some("InvalidPermission.NotFound") => {}
                Err(error) => {
                    return Err(self.named(failed("ec2:RevokeSecurityGroupIngress", region, error)));
                }
            }
        }
        Ok(())
    }
}

impl Found {
    fn read(group: SecurityGroup) -> Result<Self> {
        Ok(Self {
            id: told(group.group_id, "groupId")?,
            ingress: told(group.ip_permissions, "ipPermissions")?,
            egress: told(group.ip_permissions_egress, "ipPermissionsEgress")?,
        })
    }

    fn is_without_rules(&self) -> bool {
        self.ingress.is_empty() && self.egress.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_group_of_a_fault_isolates() {
        assert!(is_isolation("chaos-isolation-00000000000000ff"));
        for name in
            ["", "default", "chaos-isolation-", "chaos-isolation-web", "x-chaos-isolation-00000000000000ff"]
        {
            assert!(!is_isolation(name), "{name}");
        }
    }
}
