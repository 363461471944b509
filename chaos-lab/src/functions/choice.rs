//! Which members of which groups a function hits.

use std::collections::{BTreeMap, BTreeSet};

use chaos_core::{Error, ErrorKind, Group, Health, TargetId, group::Member};

/// What a function asks for.
pub(crate) struct Wanted<'a> {
    /// The label that tells the failure domain of a member, and the wanted domain.
    pub(crate) zone: Option<(&'static str, String)>,
    /// The machines that may be hit, by the names that `name_of` gives. None: all.
    pub(crate) machines: Option<BTreeSet<String>>,
    pub(crate) name_of: &'a (dyn Fn(&TargetId) -> String + Sync),
    pub(crate) amount: Amount,
}

/// How many are hit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Amount {
    /// So many of each group.
    Count(usize),
    /// This share of the members in service of each group, rounded down.
    Percent(f64),
    /// Of each group, whoever can be hit.
    Every,
    /// All of the wanted machines, or nobody.
    All,
    /// One of all groups.
    One,
}

/// What is hit in one group.
#[derive(Clone, Debug)]
pub(crate) struct Share {
    /// As it was listed.
    pub(crate) group: Group,
    /// The members of which the victims are drawn.
    pub(crate) among: BTreeSet<TargetId>,
    pub(crate) count: usize,
}

impl Wanted<'_> {
    /// The share of each group. Nobody is hit unless all can be. `draw` chooses where one of all is hit.
    ///
    /// # Errors
    /// Why not, with group, number and limit.
    pub(crate) fn shares(&self, groups: &[Group], draw: u64) -> Result<Vec<Share>, String> {
        if groups.is_empty() {
            return Err("no group was found, so nobody was hit".to_owned());
        }
        self.knows_every_machine(groups)?;
        match self.amount {
            Amount::One => self.one(groups, draw),
            Amount::All => self.all(groups),
            _ => groups.iter().map(|group| self.share(group)).collect(),
        }
    }

    fn knows_every_machine(&self, groups: &[Group]) -> Result<(), String> {
        let Some(machines) = &self.machines else { return Ok(()) };
        let ids = groups.iter().flat_map(|group| &group.members).map(|member| member.target.id());
        let known: BTreeSet<String> = ids.map(self.name_of).collect();
        let unknown: Vec<&str> = machines.difference(&known).map(String::as_str).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let of = unknown.join(", ");
        Err(format!("nobody was hit: {of} is in no group, and only members of groups can be hit here"))
    }

    fn is_wanted(&self, member: &Member) -> bool {
        let of_zone = self.zone.as_ref().is_none_or(|(label, zone)| {
            member.target.labels().get(*label).is_some_and(|of_member| of_member == zone)
        });
        let of_machines =
            self.machines.as_ref().is_none_or(|wanted| wanted.contains(&(self.name_of)(member.target.id())));
        of_zone && of_machines
    }

    /// The wanted members in service, and those that may be hit, and why the others may not.
    fn members<'g>(&self, group: &'g Group) -> Candidates<'g> {
        let mut candidates = Candidates::default();
        for member in group.members.iter().filter(|member| self.is_wanted(member)) {
            candidates.in_service += usize::from(member.out_of_service.is_none());
            match why_not(member) {
                None => candidates.free.push(member.target.id()),
                Some(why) => candidates.spared.push(format!("{}: {why}", member.target.id().name())),
            }
        }
        candidates
    }

    fn share(&self, group: &Group) -> Result<Share, String> {
        let candidates = self.members(group);
        let place = self.place(group);
        let count = match self.amount {
            Amount::Count(count) => count,
            Amount::Percent(percent) => {
                let count = share_of(candidates.in_service, percent);
                if count == 0 {
                    let whole = candidates.in_service;
                    return Err(format!(
                        "nobody was hit: {percent} % of the {whole} in service in {place} is nobody"
                    ));
                }
                count
            }
            _ => candidates.free.len().max(1),
        };
        if candidates.free.len() < count {
            let free = candidates.free.len();
            let spared = candidates.reasons();
            return Err(format!(
                "nobody was hit: {count} of {place} were asked for, and {free} can be hit{spared}"
            ));
        }
        Ok(Share { group: group.clone(), among: candidates.free.into_iter().cloned().collect(), count })
    }

    fn one(&self, groups: &[Group], draw: u64) -> Result<Vec<Share>, String> {
        let found: Vec<Candidates<'_>> = groups.iter().map(|group| self.members(group)).collect();
        let free: Vec<(&Group, &TargetId)> = groups
            .iter()
            .zip(&found)
            .flat_map(|(group, candidates)| candidates.free.iter().map(move |id| (group, *id)))
            .collect();
        let count = u64::try_from(free.len()).unwrap_or(u64::MAX);
        let drawn = draw.checked_rem(count).and_then(|drawn| free.get(usize::try_from(drawn).ok()?));
        let Some((group, id)) = drawn else {
            let spared: String = found.iter().map(Candidates::reasons).collect();
            return Err(format!(
                "nobody was hit: none of the machines that were asked for can be hit{spared}"
            ));
        };
        Ok(vec![Share { group: (*group).clone(), among: BTreeSet::from([(*id).clone()]), count: 1 }])
    }

    fn all(&self, groups: &[Group]) -> Result<Vec<Share>, String> {
        let mut shares = BTreeMap::new();
        for group in groups {
            let candidates = self.members(group);
            if !candidates.spared.is_empty() {
                return Err(format!("nobody was hit: not all can be{}", candidates.reasons()));
            }
            if !candidates.free.is_empty() {
                let (count, among) = (candidates.free.len(), candidates.free.into_iter().cloned().collect());
                shares.insert(group.id.clone(), Share { group: group.clone(), among, count });
            }
        }
        if shares.is_empty() {
            return Err("nobody was hit: no machine was found".to_owned());
        }
        Ok(shares.into_values().collect())
    }

    fn place(&self, group: &Group) -> String {
        let zone = self.zone.as_ref().map(|(_, zone)| format!(" in {zone}")).unwrap_or_default();
        format!("{}{zone}", group.id)
    }
}

/// Not all that were asked for can be hit.
pub(super) fn refused(why: String) -> Error {
    Error::new(ErrorKind::Refused, why)
}

#[derive(Default)]
struct Candidates<'g> {
    in_service: usize,
    free: Vec<&'g TargetId>,
    spared: Vec<String>,
}

impl Candidates<'_> {
    /// As the end of a sentence.
    fn reasons(&self) -> String {
        const MOST: usize = 10;
        if self.spared.is_empty() {
            return String::new();
        }
        let more = self.spared.len().saturating_sub(MOST);
        let shown: Vec<&str> = self.spared.iter().take(MOST).map(String::as_str).collect();
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        format!(" ({}{more})", shown.join("; "))
    }
}

fn why_not(member: &Member) -> Option<String> {
    if let Some(why) = member.out_of_service.as_ref().or(member.excluded.as_ref()) {
        return Some(why.to_string());
    }
    (member.health != Health::Healthy).then(|| "it is not healthy".to_owned())
}

/// A share of a whole, rounded down.
fn share_of(whole: usize, percent: f64) -> usize {
    let float = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    // So that no binary fraction makes it one less.
    let share = float(whole) * percent / 100.0 + 1e-9;
    (0..=whole).rev().find(|part| float(*part) <= share).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use chaos_core::{Provider, provider::GroupFilter, testing::MemoryProvider};
    use futures_util::TryStreamExt;

    use super::*;

    /// Five machines in two zones: 0, 2 and 4 in `a`, 1 and 3 in `b`; and a group of two.
    async fn groups() -> Vec<Group> {
        let fleet = MemoryProvider::default().with_spread_group("web", 5, "zone", ["a", "b"]).unwrap();
        let fleet = fleet.with_group("db", 2).unwrap();
        fleet.groups(&GroupFilter::all()).try_collect().await.unwrap()
    }

    fn wanted(amount: Amount) -> Wanted<'static> {
        Wanted { zone: None, machines: None, name_of: &|id| id.name().to_owned(), amount }
    }

    fn counts(shares: &[Share]) -> Vec<(&str, usize, usize)> {
        shares.iter().map(|share| (share.group.id.path(), share.among.len(), share.count)).collect()
    }

    #[tokio::test]
    async fn each_group_has_its_number_or_its_share() {
        let groups = groups().await;
        let shares = wanted(Amount::Count(2)).shares(&groups, 0).unwrap();
        assert_eq!(counts(&shares), [("db", 2, 2), ("web", 5, 2)]);
        let shares = wanted(Amount::Percent(60.0)).shares(&groups, 0).unwrap();
        assert_eq!(counts(&shares), [("db", 2, 1), ("web", 5, 3)]);
        let shares = wanted(Amount::Every).shares(&groups, 0).unwrap();
        assert_eq!(counts(&shares), [("db", 2, 2), ("web", 5, 5)]);
    }

    #[tokio::test]
    async fn of_several_groups_none_is_hit_unless_all_can_be() {
        let mut groups = groups().await;
        let error = wanted(Amount::Count(3)).shares(&groups, 0).unwrap_err();
        assert_eq!(error, "nobody was hit: 3 of memory:db were asked for, and 2 can be hit");
        let error = wanted(Amount::Percent(40.0)).shares(&groups, 0).unwrap_err();
        assert_eq!(error, "nobody was hit: 40 % of the 2 in service in memory:db is nobody");
        for group in &mut groups {
            group.members[0].excluded = Some("opted out".into());
        }
        let error = wanted(Amount::Count(2)).shares(&groups, 0).unwrap_err();
        assert!(
            error.ends_with("2 of memory:db were asked for, and 1 can be hit (machine-0: opted out)"),
            "{error}"
        );
        let error = wanted(Amount::Count(1)).shares(&[], 0).unwrap_err();
        assert_eq!(error, "no group was found, so nobody was hit");
    }

    #[tokio::test]
    async fn a_zone_with_a_count_takes_that_count_of_the_zone() {
        let groups: Vec<Group> =
            groups().await.into_iter().filter(|group| group.id.path() == "web").collect();
        let of_zone = |zone: &str, amount| Wanted { zone: Some(("zone", zone.to_owned())), ..wanted(amount) };
        let shares = of_zone("b", Amount::Count(1)).shares(&groups, 0).unwrap();
        assert_eq!(counts(&shares), [("web", 2, 1)]);
        let shares = of_zone("a", Amount::Every).shares(&groups, 0).unwrap();
        assert_eq!(counts(&shares), [("web", 3, 3)]);
        let error = of_zone("c", Amount::Every).shares(&groups, 0).unwrap_err();
        assert_eq!(error, "nobody was hit: 1 of memory:web in c were asked for, and 0 can be hit");
    }

    #[tokio::test]
    async fn named_machines_are_hit_all_or_none() {
        let mut groups = groups().await;
        let of = |names: &[&str], amount| Wanted {
            machines: Some(names.iter().map(|name| (*name).to_owned()).collect()),
            name_of: &|id| id.to_string(),
            ..wanted(amount)
        };
        let both = ["memory:db/machine-1", "memory:web/machine-3"];
        let shares = of(&both, Amount::All).shares(&groups, 0).unwrap();
        assert_eq!(counts(&shares), [("db", 1, 1), ("web", 1, 1)]);
        for draw in 0..4 {
            let shares = of(&both, Amount::One).shares(&groups, draw).unwrap();
            assert_eq!(counts(&shares), [(if draw % 2 == 0 { "db" } else { "web" }, 1, 1)]);
        }
        let error = of(&["memory:db/machine-1", "i-7"], Amount::All).shares(&groups, 0).unwrap_err();
        assert!(error.starts_with("nobody was hit: i-7 is in no group"), "{error}");
        let web = groups.iter_mut().find(|group| group.id.path() == "web").unwrap();
        web.members.iter_mut().find(|member| member.target.id().name() == "machine-3").unwrap().health =
            Health::Unhealthy;
        let error = of(&both, Amount::All).shares(&groups, 0).unwrap_err();
        assert_eq!(error, "nobody was hit: not all can be (machine-3: it is not healthy)");
    }

    #[test]
    fn a_share_rounds_down_as_people_count() {
        for (whole, percent, share) in [
            (10, 30.0, 3),
            (10, 29.9, 2),
            (7, 100.0, 7),
            (3, 33.0, 0),
            (3, 33.4, 1),
            (100, 7.0, 7),
            (0, 50.0, 0),
        ] {
            assert_eq!(share_of(whole, percent), share, "{percent} % of {whole}");
        }
    }
}
