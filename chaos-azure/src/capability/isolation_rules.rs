//! The rules that isolate a machine, and the names of the resources of a fault.

use std::{collections::BTreeSet, net::IpAddr};

use chaos_core::{Error, ErrorKind, FaultId, Result};

use crate::client::network::{Access, Direction, Rule, SecurityGroup};

/// The tag of the network security groups that isolate; its value is the fault's id.
pub const ISOLATION_TAG: &str = "chaos:isolation";

const NAME: &str = "chaos-isolation-";

/// The priority that takes precedence over all others.
const TOP: u32 = 100;

/// The name of the security group that a fault gives to interfaces without one. Its rules derive their names from it.
pub(crate) fn group_name(fault: FaultId) -> String {
    format!("{NAME}{fault}")
}

/// Whether a group or a rule with this name belongs to an isolation.
pub(crate) fn is_isolation(name: &str) -> bool {
    let Some(rest) = name.to_ascii_lowercase().strip_prefix(NAME).map(str::to_owned) else { return false };
    let fault = WAYS.iter().find_map(|way| rest.strip_suffix(way.suffix)).unwrap_or(&rest);
    fault.parse::<FaultId>().is_ok()
}

/// One of the rules of a fault. Azure accepts no rule with addresses of both families.
#[derive(Clone, Copy)]
struct Way {
    suffix: &'static str,
    direction: Direction,
    is_v6: bool,
}

const WAYS: [Way; 4] = [
    Way { suffix: "-in", direction: Direction::Inbound, is_v6: false },
    Way { suffix: "-out", direction: Direction::Outbound, is_v6: false },
    Way { suffix: "-in-v6", direction: Direction::Inbound, is_v6: true },
    Way { suffix: "-out-v6", direction: Direction::Outbound, is_v6: true },
];

/// The names of all rules that a fault may have made in a group.
pub(crate) fn rule_names(fault: FaultId) -> impl Iterator<Item = String> {
    WAYS.into_iter().map(move |way| format!("{}{}", group_name(fault), way.suffix))
}

/// Rules that block all traffic, for a group of the isolated machine alone.
pub(crate) fn rules_for_everybody(fault: FaultId) -> Vec<Rule> {
    let ways = WAYS.into_iter().filter(|way| !way.is_v6);
    ways.map(|way| rule(fault, way, TOP, Vec::new())).collect()
}

/// Rules that block all traffic of these addresses, for a group with other members, without the rules that already
/// exist.
///
/// # Errors
/// `Conflict` if a rule that allows traffic would take precedence over them, because the machine would not be cut off.
pub(crate) fn rules_for(
    fault: FaultId,
    group: &SecurityGroup,
    addresses: &BTreeSet<IpAddr>,
) -> Result<Vec<Rule>> {
    let mut rules = Vec::new();
    for (way, addresses) in ways(addresses) {
        let wanted = rule(fault, way, TOP, addresses);
        let is_same = |other: &&Rule| other.name.eq_ignore_ascii_case(&wanted.name);
        if group.rules.iter().find(is_same).is_some_and(|there| there.addresses == wanted.addresses) {
            continue;
        }
        let others = group.rules.iter().chain(&rules).filter(|other| !is_same(other));
        let priority = first_free(others, way.direction);
        may_decide_first(group, way.direction, priority)?;
        rules.push(Rule { priority, ..wanted });
    }
    Ok(rules)
}

/// Whether such rules could be added.
///
/// # Errors
/// As [`rules_for`].
pub(crate) fn may_be_added(group: &SecurityGroup, addresses: &BTreeSet<IpAddr>) -> Result<()> {
    for (way, _) in ways(addresses) {
        may_decide_first(group, way.direction, first_free(group.rules.iter(), way.direction))?;
    }
    Ok(())
}

/// The directions and families that these addresses need.
fn ways(addresses: &BTreeSet<IpAddr>) -> impl Iterator<Item = (Way, Vec<IpAddr>)> {
    let of = |way: Way| addresses.iter().copied().filter(|address| address.is_ipv6() == way.is_v6).collect();
    WAYS.into_iter()
        .map(move |way| (way, of(way)))
        .filter(|(_, addresses): &(_, Vec<_>)| !addresses.is_empty())
}

/// Each rule of one direction has a unique priority.
fn first_free<'a>(rules: impl Iterator<Item = &'a Rule>, direction: Direction) -> u32 {
    let taken: BTreeSet<u32> =
        rules.filter(|rule| rule.direction == direction).map(|rule| rule.priority).collect();
    (TOP..).find(|priority| !taken.contains(priority)).unwrap_or(TOP)
}

/// Rules of others that take precedence and deny are no obstacle.
fn may_decide_first(group: &SecurityGroup, direction: Direction, priority: u32) -> Result<()> {
    let obstacle = group
        .rules
        .iter()
        .find(|rule| rule.direction == direction && rule.access == Access::Allow && rule.priority < priority);
    let Some(obstacle) = obstacle else { return Ok(()) };
    let what = "a rule of the security group takes precedence over any rule that could be added, and allows traffic: \
        give it a priority of 101 or more";
    Err(Error::new(ErrorKind::Conflict, what)
        .with("rule", &obstacle.name)
        .with("priority", obstacle.priority)
        .with("security_group", group.id.as_str()))
}

fn rule(fault: FaultId, way: Way, priority: u32, addresses: Vec<IpAddr>) -> Rule {
    let name = format!("{}{}", group_name(fault), way.suffix);
    Rule { name, priority, direction: way.direction, access: Access::Deny, addresses }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::resource_id::ResourceId;

    fn fault() -> FaultId {
        "00000000000000ff".parse().unwrap()
    }

    fn group(rules: &[(u32, Direction, Access)]) -> SecurityGroup {
        let id = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/shop/providers/Microsoft.Network/\
                  networkSecurityGroups/web";
        let rules = rules.iter().enumerate().map(|(index, (priority, direction, access))| Rule {
            name: format!("rule-{index}"),
            priority: *priority,
            direction: *direction,
            access: *access,
            addresses: Vec::new(),
        });
        SecurityGroup::of(ResourceId::parse(id).unwrap(), rules.collect())
    }

    fn addresses(texts: &[&str]) -> BTreeSet<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn a_pair_of_rules_at_the_top_names_the_machine_alone() {
        let rules = rules_for(fault(), &group(&[]), &addresses(&["10.0.0.4", "10.0.0.5"])).unwrap();
        let told: Vec<_> = rules.iter().map(|rule| (rule.name.as_str(), rule.priority)).collect();
        assert_eq!(
            told,
            [("chaos-isolation-00000000000000ff-in", 100), ("chaos-isolation-00000000000000ff-out", 100)]
        );
        assert!(rules.iter().all(|rule| rule.access == Access::Deny && rule.addresses.len() == 2));
        let rules = rules_for(fault(), &group(&[]), &addresses(&["10.0.0.4", "fd00::4"])).unwrap();
        let told: Vec<_> = rules.iter().map(|rule| (rule.priority, rule.addresses[0].is_ipv6())).collect();
        assert_eq!(told, [(100, false), (100, false), (101, true), (101, true)]);
    }

    #[test]
    fn rules_that_are_there_are_not_made_again() {
        let mut group = group(&[]);
        group.rules = rules_for(fault(), &group, &addresses(&["10.0.0.4"])).unwrap();
        assert_eq!(rules_for(fault(), &group, &addresses(&["10.0.0.4"])).unwrap(), []);
        // The address of the machine has changed since.
        let again = rules_for(fault(), &group, &addresses(&["10.0.0.9"])).unwrap();
        assert_eq!(again.iter().map(|rule| rule.priority).collect::<Vec<_>>(), [100, 100]);
    }

    #[test]
    fn who_comes_first_may_forbid_and_must_not_allow() {
        use Access::{Allow, Deny};
        use Direction::{Inbound, Outbound};
        let machine = addresses(&["10.0.0.4"]);
        let priorities = |rules: &[(u32, Direction, Access)]| {
            rules_for(fault(), &group(rules), &machine)
                .map(|rules| rules.iter().map(|rule| rule.priority).collect::<Vec<_>>())
        };
        assert_eq!(priorities(&[(100, Inbound, Deny), (101, Inbound, Deny)]).unwrap(), [102, 100]);
        assert_eq!(priorities(&[(101, Inbound, Allow), (100, Outbound, Deny)]).unwrap(), [100, 101]);
        for rules in [
            &[(100, Inbound, Allow)][..],
            &[(100, Outbound, Allow)],
            &[(100, Inbound, Deny), (101, Inbound, Allow)],
        ] {
            let error = priorities(rules).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Conflict);
            assert!(error.to_string().contains("rule-"), "{error}");
        }
    }

    #[test]
    fn only_what_a_fault_has_made_isolates() {
        assert!(is_isolation("chaos-isolation-00000000000000ff"));
        assert!(is_isolation("Chaos-Isolation-00000000000000FF-in-v6".to_lowercase().as_str()));
        assert!(rule_names(fault()).all(|name| is_isolation(&name)));
        for name in
            ["", "web", "chaos-isolation-", "chaos-isolation-web", "x-chaos-isolation-00000000000000ff"]
        {
            assert!(!is_isolation(name), "{name}");
        }
    }
}
