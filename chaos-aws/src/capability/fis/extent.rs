//! The targets of an experiment, compared with an auto-scaling group.
//!
//! According to [targets](https://docs.aws.amazon.com/fis/latest/userguide/targets.html), a resource must have all of
//! several tags. Several targets may choose the same resource. All are chosen once, when the experiment begins.

use std::collections::BTreeSet;

use chaos_core::engine::EngineExtent;

use super::template::{Target, Template};
use crate::model::machine::GROUP_TAG;

/// Actions that hit nothing.
const HARMLESS: [&str; 2] = ["aws:fis:wait", "aws:cloudwatch:assert-alarm-state"];

/// The group that an experiment must keep to.
#[derive(Clone, Debug)]
pub(super) struct Bounds<'a> {
    pub(super) region: &'a str,
    pub(super) group: &'a str,
    /// The ids of its instances.
    pub(super) members: BTreeSet<String>,
    /// The number of instances that it has, or is about to have.
    pub(super) size: usize,
}

/// The targets of this template.
pub(super) fn extent(template: &Template, bounds: &Bounds<'_>) -> EngineExtent {
    match members(template, bounds) {
        Ok(members) => EngineExtent::Members(members),
        Err(why) => EngineExtent::Beyond(why),
    }
}

/// The maximum number of hit members, or the reason why it may hit more than members.
fn members(template: &Template, bounds: &Bounds<'_>) -> Result<usize, String> {
    if template.hits_other_accounts {
        return Err("it has targets in other accounts".to_owned());
    }
    let mut targets = BTreeSet::new();
    for (name, action) in &template.actions {
        if action.targets.is_empty() && !HARMLESS.contains(&action.id.as_str()) {
            return Err(format!("the action {name:?} ({}) does not say what it hits", action.id));
        }
        targets.extend(action.targets.iter().map(String::as_str));
    }
    let mut hit = 0_usize;
    for name in targets {
        let target = template.targets.get(name).ok_or_else(|| format!("there is no target {name:?}"))?;
        hit = hit.saturating_add(bounds.hit_by(target).map_err(|why| format!("the target {name:?} {why}"))?);
    }
    Ok(hit.min(bounds.size))
}

impl Bounds<'_> {
    fn hit_by(&self, target: &Target) -> Result<usize, String> {
        match target.resource_type.as_str() {
            "aws:ec2:instance" | "aws:ec2:spot-instance" => self.chosen(target, self.candidates(target)?),
            "aws:ec2:autoscaling-group" if self.is_this_group(target) => Ok(self.size),
            other => Err(format!("is {other}, not instances of the group {:?}", self.group)),
        }
    }

    /// The number of members from which the service chooses.
    fn candidates(&self, target: &Target) -> Result<usize, String> {
        if target.arns.is_empty() {
            if target.tags.get(GROUP_TAG).is_some_and(|group| group == self.group) {
                return Ok(self.size);
            }
            return Err(format!("is not limited to this group by the tag {GROUP_TAG}={}", self.group));
        }
        match target.arns.iter().find(|arn| !self.is_member(arn)) {
            Some(stranger) => {
                Err(format!("names {stranger}, which is not a member of the group {:?}", self.group))
            }
            None => Ok(target.arns.len()),
        }
    }

    fn chosen(&self, target: &Target, candidates: usize) -> Result<usize, String> {
        let selection = target.selection.as_str();
        let number = |kind: &str| -> Option<usize> {
            selection.strip_prefix(kind)?.strip_prefix('(')?.strip_suffix(')')?.trim().parse().ok()
        };
        if selection == "ALL" {
            Ok(candidates)
        } else if let Some(count) = number("COUNT") {
            Ok(count.min(candidates))
        } else if let Some(percent) = number("PERCENT") {
            // The service rounds down. If the group has grown by one since, it may be one more.
            Ok(candidates.saturating_mul(percent).div_ceil(100).min(candidates))
        } else {
            Err(format!("is chosen by {selection:?}, which this version does not know"))
        }
    }

    /// `arn:aws:ec2:<region>:<account>:instance/<id>`. Instance ids are globally unique.
    fn is_member(&self, arn: &str) -> bool {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        matches!(parts[..], ["arn", _, "ec2", region, _, resource] if region == self.region
            && resource.strip_prefix("instance/").is_some_and(|id| self.members.contains(id)))
    }

    /// `arn:aws:autoscaling:<region>:<account>:autoScalingGroup:<uuid>:autoScalingGroupName/<name>`.
    fn is_this_group(&self, target: &Target) -> bool {
        let is_this = |arn: &String| {
            let parts: Vec<&str> = arn.splitn(8, ':').collect();
            matches!(parts[..], ["arn", _, "autoscaling", region, _, "autoScalingGroup", _, named]
                if region == self.region && named.strip_prefix("autoScalingGroupName/") == Some(self.group))
        };
        !target.arns.is_empty() && target.arns.iter().all(is_this)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::capability::fis::template::Action;

    fn bounds() -> Bounds<'static> {
        let members = (0..10).map(|number| format!("i-{number}")).collect();
        Bounds { region: "eu-west-1", group: "web", members, size: 10 }
    }

    fn by_tags(selection: &str, tags: &[(&str, &str)]) -> Target {
        Target {
            resource_type: "aws:ec2:instance".to_owned(),
            arns: Vec::new(),
            tags: tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            selection: selection.to_owned(),
        }
    }

    fn of_group(selection: &str) -> Target {
        by_tags(selection, &[(GROUP_TAG, "web"), ("team", "shop")])
    }

    fn by_arns(resource_type: &str, arns: &[&str]) -> Target {
        let arns = arns.iter().map(|&arn| arn.to_owned()).collect();
        Target {
            resource_type: resource_type.to_owned(),
            arns,
            selection: "ALL".to_owned(),
            ..Target::default()
        }
    }

    /// One action on each of these targets.
    fn on<const N: usize>(targets: [Target; N]) -> Template {
        let mut template = Template::default();
        for (number, target) in targets.into_iter().enumerate() {
            let name = format!("target-{number}");
            let action = Action {
                id: "aws:ec2:reboot-instances".to_owned(),
                targets: vec![name.clone()],
                ..Action::default()
            };
            template.actions.insert(format!("action-{number}"), action);
            template.targets.insert(name, target);
        }
        template
    }

    #[test]
    fn what_keeps_to_the_group_is_counted() {
        let one = "arn:aws:ec2:eu-west-1:1:instance/i-1";
        let other = "arn:aws-cn:ec2:eu-west-1:1:instance/i-2";
        let group = "arn:aws:autoscaling:eu-west-1:1:autoScalingGroup:u-u:autoScalingGroupName/web";
        for (template, members) in [
            (Template::default(), 0),
            (on([of_group("COUNT(1)")]), 1),
            (on([of_group("COUNT(99)")]), 10),
            (on([of_group("ALL")]), 10),
            (on([of_group("PERCENT(25)")]), 3),
            (on([of_group("PERCENT(0)")]), 0),
            (on([of_group("COUNT(1)"), of_group("COUNT(2)")]), 3),
            (on([of_group("ALL"), of_group("ALL")]), 10),
            (on([by_arns("aws:ec2:instance", &[one, other])]), 2),
            (on([by_arns("aws:ec2:spot-instance", &[one])]), 1),
            (on([by_arns("aws:ec2:autoscaling-group", &[group])]), 10),
        ] {
            assert_eq!(extent(&template, &bounds()), EngineExtent::Members(members), "{template:?}");
        }
        let mut waits = on([of_group("COUNT(1)")]);
        let wait = Action { id: "aws:fis:wait".to_owned(), ..Action::default() };
        waits.actions.insert("wait".to_owned(), wait);
        assert_eq!(extent(&waits, &bounds()), EngineExtent::Members(1));
    }

    #[test]
    fn what_may_hit_anything_else_is_beyond_the_group() {
        let mut accounts = on([of_group("COUNT(1)")]);
        accounts.hits_other_accounts = true;
        let mut untold = Template::default();
        let automation = Action { id: "aws:ssm:start-automation-execution".to_owned(), ..Action::default() };
        untold.actions.insert("run".to_owned(), automation);
        let mut nowhere = on([of_group("ALL")]);
        nowhere.targets.clear();
        for (template, why) in [
            (accounts, "other accounts"),
            (untold, "does not say what it hits"),
            (nowhere, "there is no target \"target-0\""),
            (on([by_tags("ALL", &[("team", "shop")])]), "is not limited to this group"),
            (on([by_tags("ALL", &[(GROUP_TAG, "web2")])]), "is not limited to this group"),
            (on([by_tags("ALL", &[])]), "is not limited to this group"),
            (
                on([of_group("COUNT(1)"), by_tags("COUNT(1)", &[("a", "b")])]),
                "the target \"target-1\" is not limited",
            ),
            (on([of_group("SOME")]), "chosen by \"SOME\""),
            (on([of_group("COUNT(-1)")]), "chosen by \"COUNT(-1)\""),
            (on([by_arns("aws:ec2:instance", &["arn:aws:ec2:eu-west-1:1:instance/i-99"])]), "i-99"),
            (on([by_arns("aws:ec2:instance", &["arn:aws:ec2:us-east-1:1:instance/i-1"])]), "us-east-1"),
            (on([by_arns("aws:ec2:instance", &["arn:aws:ec2:eu-west-1:1:volume/i-1"])]), "volume/i-1"),
            (on([by_arns("aws:ec2:subnet", &["arn:aws:ec2:eu-west-1:1:subnet/s-1"])]), "is aws:ec2:subnet"),
            (
                on([by_arns(
                    "aws:ec2:autoscaling-group",
                    &["arn:aws:autoscaling:eu-west-1:1:autoScalingGroup:u:autoScalingGroupName/web2"],
                )]),
                "is aws:ec2:autoscaling-group",
            ),
        ] {
            match extent(&template, &bounds()) {
                EngineExtent::Beyond(told) => assert!(told.contains(why), "{told}"),
                other => panic!("{why}: {other:?}"),
            }
        }
    }

    proptest! {
        /// For any tags, a target that the service would look for elsewhere is never taken for a part of the group.
        #[test]
        fn only_the_tag_of_the_group_bounds(
            tags in prop::collection::btree_map("[a-z:]{1,8}", "[a-z]{0,4}", 0..4),
            own in any::<bool>(),
        ) {
            let mut tags: BTreeMap<String, String> = tags;
            if own {
                tags.insert(GROUP_TAG.to_owned(), "web".to_owned());
            }
            let target = Target { tags, ..of_group("COUNT(2)") };
            let is_bounded = matches!(extent(&on([target]), &bounds()), EngineExtent::Members(2));
            prop_assert_eq!(is_bounded, own);
        }
    }
}
