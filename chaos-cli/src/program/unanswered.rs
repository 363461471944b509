use chaos_core::{
    ErrorKind, Health,
    plan::{Decision, GroupPlan, Plan, Reason},
};

/// Why a plan does not tell which targets would be hit: no target is chosen, and the only reason may be a fact that
/// could not be found out. `None` if a target is chosen, or if none is for known reasons.
pub fn why_unanswered(plan: &Plan) -> Option<String> {
    if plan.chosen().next().is_some() {
        return None;
    }
    match &plan.refused {
        // For these, the doubts tell whether there is nothing, or nothing was seen.
        None | Some(Reason::NoGroupPasses | Reason::NothingListed) => {}
        Some(reason) => return is_unsure(reason).then(|| reason.to_string()),
    }
    let doubts = plan.doubts.iter().map(ToString::to_string);
    doubts.chain(plan.groups.iter().filter_map(why_nobody_knows)).next()
}

fn why_nobody_knows(group: &GroupPlan) -> Option<String> {
    match &group.reason {
        None | Some(Reason::NobodyEligible) => {
            group.targets.iter().find_map(|target| match &target.decision {
                Decision::NotChosen { reason, .. } if is_unsure(reason) => {
                    Some(format!("{}: {reason}", target.id))
                }
                _ => None,
            })
        }
        Some(reason) => is_unsure(reason).then(|| format!("{}: {reason}", group.id)),
    }
}

/// Whether a target is left alone because of an unknown fact, not because of a known one.
fn is_unsure(reason: &Reason) -> bool {
    match reason {
        Reason::Doubt { failure, .. } => {
            !matches!(failure.kind, ErrorKind::InvalidInput | ErrorKind::Refused | ErrorKind::Unsupported)
        }
        Reason::NotHealthy { health, .. } => *health == Health::Unknown,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use chaos_core::{
        BlastRadius, Monkey,
        testing::{MemoryProvider, PowerOff},
    };
    use serde_json::json;

    use super::*;

    async fn plan(world: MemoryProvider, minimum: usize) -> Plan {
        let monkey = Monkey::builder().provider(world).event(PowerOff::default());
        let monkey = monkey.blast_radius(BlastRadius::default().min_healthy(minimum));
        monkey.build().unwrap().plan().await.unwrap()
    }

    fn world() -> MemoryProvider {
        MemoryProvider::default().with_group("web", 3).unwrap()
    }

    #[tokio::test]
    async fn only_what_was_seen_answers_who_would_be_hit() {
        assert_eq!(why_unanswered(&plan(world(), 1).await), None, "somebody is chosen");
        let ruled_out = plan(world(), 3).await;
        assert_eq!(why_unanswered(&ruled_out), None, "a rule that was seen spares everybody: {ruled_out}");

        // Somebody else's listing failed.
        let mut in_doubt = ruled_out;
        let doubt =
            json!({ "about": "aws-asg", "failure": { "kind": "denied", "message": "no\ncredentials" } });
        in_doubt.doubts.push(serde_json::from_value(doubt).unwrap());
        let why = why_unanswered(&in_doubt).unwrap();
        assert_eq!(why, "aws-asg: no\\ncredentials");

        let nobody_knows = world();
        for number in 0..3 {
            let id = format!("memory:web/machine-{number}").parse().unwrap();
            nobody_knows.set_health(&id, Health::Unknown).unwrap();
        }
        let nobody_knows = plan(nobody_knows, 0).await;
        let why = why_unanswered(&nobody_knows).unwrap();
        assert!(why.starts_with("memory:web"), "{why}");
    }
}
