//! The suite of providers: sound ones pass, and each check is violated by a liar.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use crate::support::{Coverage, paused};
use chaos_core::{
    Group, GroupId, Health, Provider, Result, Target, TargetId, async_trait,
    capability::Remains,
    group::{Labels, Member},
    provider::{BoxStream, GroupFilter},
    testing::MemoryProvider,
};
use chaos_testkit::{ContractReport, contract, faulty::Altered};
use futures_util::StreamExt;

fn world() -> MemoryProvider {
    let world = MemoryProvider::default().with_group("web", 3).unwrap();
    let world = world.with_fixed_group("db", 2).unwrap().with_fixed_group("old", 1).unwrap();
    let oldest = "memory:old/machine-0".parse().unwrap();
    world.set_began_at(&oldest, jiff::Timestamp::UNIX_EPOCH).unwrap();
    world
}

async fn check<P: Provider>(world: impl Fn() -> P) -> ContractReport {
    contract::provider::check(&paused(), async || Ok(world())).await
}

async fn check_lie(lie: Lie) -> ContractReport {
    check(|| LyingProvider {
        lie,
        inner: world().with_group("hidden", 1).unwrap(),
        all: GroupFilter::all(),
        schemes: AtomicUsize::new(0),
    })
    .await
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lie {
    None,
    SchemeChanges,
    SchemeIsForeign,
    MemberOfAnotherGroup,
    OtherLabelsWhenResolved,
    ResolvesToNobody,
    OtherLabelsWhenLookedAt,
    NoAgeWhenLookedAt,
    NoDeploymentWhenListed,
    FiltersByPathAlone,
    FiltersByIdAlone,
    IgnoresUnknownFilters,
    TakesNobodyForEverybody,
    InventsGroups,
    InventsTargets,
}

/// A world with a group that is not listed, and one lie about it.
#[derive(Debug)]
struct LyingProvider {
    lie: Lie,
    inner: MemoryProvider,
    all: GroupFilter,
    schemes: AtomicUsize,
}

fn without_ages(mut group: Group) -> Group {
    group.members.iter_mut().for_each(|member| member.began_at = None);
    group
}

fn hidden() -> TargetId {
    "memory:hidden/machine-0".parse().unwrap()
}

impl LyingProvider {
    async fn show(&self, group: Result<Group>) -> Result<Group> {
        let mut group = group?;
        if self.lie == Lie::MemberOfAnotherGroup && group.id.path() == "db" {
            let stranger = self.inner.resolve(&hidden()).await?.unwrap();
            group.members.push(Member::new(stranger, Health::Healthy).incarnation("0"));
        }
        Ok(group)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Provider for LyingProvider {
    fn scheme(&self) -> &'static str {
        let call = self.schemes.fetch_add(1, Ordering::SeqCst);
        match self.lie {
            Lie::SchemeChanges if call == 1 => "elsewhere",
            Lie::SchemeIsForeign => "elsewhere",
            _ => "memory",
        }
    }

    fn groups<'a>(&'a self, filter: &'a GroupFilter) -> BoxStream<'a, Result<Group>> {
        let passes = move |id: &GroupId| match (self.lie, filter.names()) {
            (_, None) => true,
            (Lie::FiltersByPathAlone, Some(names)) => names.iter().any(|name| name == id.path()),
            (Lie::FiltersByIdAlone, Some(names)) => names.iter().any(|name| name == id.as_str()),
            (Lie::IgnoresUnknownFilters, Some([name, ..])) if name.contains("no-such") => true,
            (Lie::TakesNobodyForEverybody, Some([])) => true,
            _ => filter.passes(id),
        };
        self.inner
            .groups(&self.all)
            .filter(move |group| {
                let id = &group.as_ref().unwrap().id;
                std::future::ready(id.path() != "hidden" && passes(id))
            })
            .then(|group| self.show(group))
            .boxed()
    }

    async fn group(&self, id: &GroupId) -> Result<Group> {
        let group = match self.inner.group(id).await {
            Err(_) if self.lie == Lie::InventsGroups => Ok(Group::new(id.clone())),
            group => group,
        };
        let group = self.show(group).await?;
        match self.lie {
            Lie::NoAgeWhenLookedAt if group.id.path() == "old" => Ok(without_ages(group)),
            Lie::NoDeploymentWhenListed if group.id.path() == "old" => Ok(group.deployment("refresh 7")),
            Lie::OtherLabelsWhenLookedAt => Ok(group.labels(Labels::from([("a".into(), "b".into())]))),
            _ => Ok(group),
        }
    }

    async fn group_in_recovery(&self, id: &GroupId) -> Result<Group> {
        // With the same lies.
        self.group(id).await
    }

    async fn resolve(&self, id: &TargetId) -> Result<Option<Arc<dyn Target>>> {
        let target = self.inner.resolve(id).await?;
        match self.lie {
            Lie::InventsTargets if target.is_none() && id.name().contains("no-such") => {
                self.inner.resolve(&hidden()).await
            }
            Lie::ResolvesToNobody => Ok(None),
            Lie::OtherLabelsWhenResolved => Ok(target.map(crate::support::relabelled)),
            _ => Ok(target),
        }
    }

    async fn remains(&self, id: &TargetId) -> Result<Remains> {
        self.inner.remains(id).await
    }
}

#[tokio::test(start_paused = true)]
async fn the_world_in_memory_passes() {
    let report = check(world).await;
    report.assert_kept();
    assert_eq!(report.not_applicable(), 0, "{report}");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_terminated_is_not_and_says_so() {
    let report = check(|| MemoryProvider::default().with_group("web", 3).unwrap()).await;
    report.assert_kept();
    assert_eq!(report.not_applicable(), 1, "{report}");
    let report = check(|| crate::support::without_lifecycle(world())).await;
    report.assert_kept();
    assert_eq!(report.not_applicable(), 2, "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_fixture_that_fails_is_a_violation_of_every_check() {
    let report =
        contract::provider::check(&paused(), async || MemoryProvider::default().with_group("", 3)).await;
    assert_eq!(report.violations().count(), report.checks.len(), "{report}");
}

#[tokio::test(start_paused = true)]
async fn every_check_sees_its_liar() {
    let mut coverage = Coverage::of_sound(&check_lie(Lie::None).await);
    for (lie, expected) in [
        (Lie::MemberOfAnotherGroup, "members are named by their group"),
        (Lie::OtherLabelsWhenResolved, "every member resolves to itself"),
        (Lie::NoAgeWhenLookedAt, "a fresh look at a group agrees with the listing"),
        (Lie::NoDeploymentWhenListed, "a fresh look at a group agrees with the listing"),
        (Lie::OtherLabelsWhenLookedAt, "a fresh look at a group agrees with the listing"),
        (Lie::FiltersByPathAlone, "a filter by id yields that group alone"),
        (Lie::FiltersByIdAlone, "a filter by path yields that group alone"),
        (Lie::IgnoresUnknownFilters, "a filter that nothing passes yields nothing"),
        (Lie::TakesNobodyForEverybody, "a filter that nothing passes yields nothing"),
        (Lie::InventsGroups, "an unknown group is an error"),
        (Lie::InventsTargets, "an unknown target resolves to no target"),
    ] {
        coverage.caught(&format!("{lie:?}"), &check_lie(lie).await, &[expected]);
    }
    let changing = check_lie(Lie::SchemeChanges).await;
    coverage.caught_among_others(
        "a scheme that changes",
        &changing,
        &["the scheme is well-formed and always the same"],
    );
    let foreign = check_lie(Lie::SchemeIsForeign).await;
    coverage.caught_among_others("a foreign scheme", &foreign, &["ids start with the scheme"]);
    let nobody = check_lie(Lie::ResolvesToNobody).await;
    coverage.caught_among_others(
        "targets that do not resolve",
        &nobody,
        &["every member resolves to itself"],
    );
    coverage.caught(
        "an empty world",
        &check(MemoryProvider::default).await,
        &["there is a group with a healthy member"],
    );
    coverage.caught(
        "members that are listed in another incarnation than they tell",
        &check(|| {
            Altered::new(world()).groups(|mut group| {
                for member in &mut group.members {
                    member.incarnation = member.incarnation.take().map(|own| format!("listed-{own}").into());
                }
                group
            })
        })
        .await,
        // And a monkey leaves such members alone.
        &[
            "a member is listed in the incarnation that its target tells",
            "a group that replaces its members replaces one that is terminated",
            "a group that replaces nobody leaves a terminated member gone",
        ],
    );
    // A monkey leaves such a group alone, so the suite cannot terminate a member either.
    coverage.caught_among_others(
        "a member twice",
        &check(|| {
            Altered::new(world()).groups(|mut group| {
                let twin = group.members[0].clone();
                group.members.push(twin);
                group
            })
        })
        .await,
        &["nothing is listed twice"],
    );
    let declaring = |replaces: bool, world: fn() -> MemoryProvider| {
        check(move || Altered::new(world()).groups(move |group| group.replaces_members(replaces)))
    };
    coverage.caught(
        "a group that claims to heal",
        &declaring(true, || MemoryProvider::default().with_fixed_group("web", 3).unwrap()).await,
        &["a group that replaces its members replaces one that is terminated"],
    );
    coverage.caught(
        "a group that hides that it heals",
        &declaring(false, || MemoryProvider::default().with_group("web", 3).unwrap()).await,
        &["a group that replaces nobody leaves a terminated member gone"],
    );
    coverage.assert_complete();
}
