use chaos_core::{TargetId, capability::quoted, text::escaped};

use crate::{
    client::machines::validate_instance,
    model::{
        group_path::{GroupPath, SCHEME},
        region_name::validate_region,
    },
};

/// The commands by which a person reaches an instance of an auto-scaling group. `None` for a target of another kind.
pub(super) fn whereabouts(target: &TargetId) -> Option<String> {
    if target.scheme() != SCHEME {
        return None;
    }
    let (group, instance) = (target.group(), target.name());
    let GroupPath { region, name, .. } = GroupPath::of(&group).ok()?;
    // Only validated parts are shown in a command.
    validate_region(region).ok()?;
    validate_instance(instance).ok()?;
    let mut words = format!(
        "It is the instance {instance} in {region}. Look at it, start it if it is stopped, or open a shell on \
         it:\n\n    \
         aws ec2 describe-instances --region {region} --instance-ids {instance}\n    \
         aws ec2 start-instances --region {region} --instance-ids {instance}\n    \
         aws ssm start-session --region {region} --target {instance}"
    );
    // A name that changes when it is shown must not be copied.
    if escaped(&name).to_string() == name {
        words.push_str(&format!(
            "\n\nSee what its group does about it:\n\n    \
             aws autoscaling describe-scaling-activities --region {region} --auto-scaling-group-name {}",
            quoted(&name)
        ));
    }
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    fn words(group: &str, instance: &str) -> Option<String> {
        let path = GroupPath { account: "123456789012", region: "eu-west-1", name: group.to_owned() };
        whereabouts(&path.id().unwrap().target(instance).unwrap())
    }

    #[test]
    fn commands_hold_nothing_that_is_not_quoted() {
        let shown = words("web", "i-0123456789abcdef0").unwrap();
        assert!(shown.contains("start-instances --region eu-west-1 --instance-ids i-0123456789abcdef0\n"));
        assert!(shown.ends_with("--auto-scaling-group-name 'web'"), "{shown}");
        let shown = words("it's $(reboot)", "i-0123456789abcdef0").unwrap();
        assert!(shown.ends_with(r"--auto-scaling-group-name 'it'\''s $(reboot)'"), "{shown}");
        for hostile in ["a\nreboot", "a\u{1b}[2K", "a\u{202e}b"] {
            let shown = words(hostile, "i-0123456789abcdef0").unwrap();
            assert!(shown.ends_with("--target i-0123456789abcdef0"), "{shown}");
        }
    }

    #[test]
    fn what_is_no_instance_has_none() {
        assert_eq!(words("web", "i-0; reboot"), None);
        for id in [
            "local:web/replica-2",
            "aws-asg:123456789012/evil.example/web/i-0123456789abcdef0",
            "aws-asg:123456789012/web/i-01234567",
        ] {
            assert_eq!(whereabouts(&id.parse().unwrap()), None, "{id}");
        }
    }
}
