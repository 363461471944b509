use chaos_core::{Group, group::Member};

/// The maximum number of members out of service that are named.
const NAMED: usize = 3;

/// The number of healthy members compared with the number that makes the group whole, and the members that are out of
/// service on purpose, which is often the reason why a group does not heal.
pub(crate) fn how_healthy(group: &Group, whole: usize) -> String {
    let why_out =
        |member: &Member| Some(format!("{} is {}", member.target.id(), member.out_of_service.as_deref()?));
    let out: Vec<_> = group.members.iter().filter_map(why_out).collect();
    let mut text = format!("{} of {whole} members are healthy", group.healthy());
    for why in out.iter().take(NAMED) {
        text.push_str(&format!("; {why}"));
    }
    if out.len() > NAMED {
        text.push_str(&format!("; {} more are out of service", out.len() - NAMED));
    }
    text
}

#[cfg(test)]
mod tests {
    use chaos_core::{Provider, testing::MemoryProvider};

    use super::*;

    async fn group_with_out_of_service(many: usize) -> Group {
        let world = MemoryProvider::default().with_group("web", 6).unwrap();
        let mut group = world.group(&"memory:web".parse().unwrap()).await.unwrap();
        for member in group.members.iter_mut().take(many) {
            member.out_of_service = Some("in standby (Standby)".into());
        }
        group
    }

    #[tokio::test]
    async fn members_out_of_service_are_named_up_to_three() {
        let text = async |many| how_healthy(&group_with_out_of_service(many).await, 6);
        assert_eq!(text(0).await, "6 of 6 members are healthy");
        assert_eq!(text(1).await, "5 of 6 members are healthy; memory:web/machine-0 is in standby (Standby)");
        let many = text(5).await;
        assert!(many.starts_with("1 of 6 members are healthy; memory:web/machine-0 is in standby"), "{many}");
        assert!(
            many.ends_with("memory:web/machine-2 is in standby (Standby); 2 more are out of service"),
            "{many}"
        );
    }
}
