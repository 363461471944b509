//! Listing, filtering and resolving.

use std::collections::BTreeSet;

use chaos_core::{Group, GroupId, Provider, Result, provider::GroupFilter};

use super::face::{face, list};
use crate::{
    Timing,
    report::{Checked, Suite, ensure, violated},
};

/// No sane world holds this name.
const NOBODY: &str = "chaos-testkit-no-such-name-5b1f";

pub(super) async fn check<P: Provider>(suite: &mut Suite<'_>, fresh: &impl AsyncFn() -> Result<P>) {
    let timing = suite.timing;
    let provider = fresh().await.map_err(|error| format!("the fixture failed: {}", error.chain()));
    let provider = || match &provider {
        Ok(provider) => Ok(provider),
        Err(why) => violated(why.as_str()),
    };

    suite
        .check("the scheme is well-formed and always the same", async {
            let provider = provider()?;
            let scheme = provider.scheme();
            GroupId::new(scheme, "path")?;
            let again = provider.scheme();
            ensure!(again == scheme, "{scheme:?} and then {again:?}");
            Ok(())
        })
        .await;
    suite
        .check("there is a group with a healthy member", async { populated(timing, provider()?).await })
        .await;
    suite
        .check("ids start with the scheme", async {
            let provider = provider()?;
            let scheme = provider.scheme();
            for group in list(provider, &GroupFilter::all()).await? {
                ensure!(group.id.scheme() == scheme, "{} is listed by {scheme}", group.id);
            }
            Ok(())
        })
        .await;
    suite
        .check("members are named by their group", async {
            for group in list(provider()?, &GroupFilter::all()).await? {
                for member in &group.members {
                    let id = member.target.id();
                    ensure!(id.group() == group.id, "{id} is listed in {}", group.id);
                }
            }
            Ok(())
        })
        .await;
    suite.check("nothing is listed twice", async { no_duplicates(provider()?).await }).await;
    suite.check("every member resolves to itself", async { resolves_members(provider()?).await }).await;
    suite
        .check("a member is listed in the incarnation that its target tells", async {
            same_incarnations(timing, provider()?).await
        })
        .await;
    suite
        .check("a fresh look at a group agrees with the listing", async {
            looks_agree(timing, provider()?).await
        })
        .await;
    suite
        .check("a filter by id yields that group alone", async {
            filters(provider()?, |id| id.as_str().to_owned()).await
        })
        .await;
    suite
        .check("a filter by path yields that group alone", async {
            filters(provider()?, |id| id.path().to_owned()).await
        })
        .await;
    suite
        .check("a filter that nothing passes yields nothing", async {
            for filter in [GroupFilter::only([NOBODY]), GroupFilter::only(Vec::<String>::new())] {
                let yielded = list(provider()?, &filter).await?;
                ensure!(yielded.is_empty(), "{:?} yields {}", filter.names(), names(&yielded));
            }
            Ok(())
        })
        .await;
    suite
        .check("an unknown group is an error", async {
            let provider = provider()?;
            let unknown = GroupId::new(provider.scheme(), NOBODY)?;
            match provider.group(&unknown).await {
                Ok(group) => violated(format!("a look at {unknown} found {}", group.id)),
                Err(_) => Ok(()),
            }
        })
        .await;
    suite
        .check("an unknown target resolves to no target", async { unknown_targets(provider()?).await })
        .await;
}

fn names(groups: &[Group]) -> String {
    groups.iter().map(|group| group.id.as_str()).collect::<Vec<_>>().join(", ")
}

async fn populated(timing: &Timing, provider: &impl Provider) -> Checked {
    let watch = timing.watch_settling();
    loop {
        let groups = list(provider, &GroupFilter::all()).await?;
        if !groups.is_empty() && groups.iter().all(|group| group.healthy() > 0) {
            return Ok(());
        }
        let seen: Vec<String> =
            groups.iter().map(|group| format!("{} with {} healthy", group.id, group.healthy())).collect();
        ensure!(
            watch.again().await,
            "the fixture needs a group with a healthy member in each; it has [{}]",
            seen.join(", ")
        );
    }
}

async fn no_duplicates(provider: &impl Provider) -> Checked {
    let (mut groups, mut targets) = (BTreeSet::new(), BTreeSet::new());
    for group in list(provider, &GroupFilter::all()).await? {
        ensure!(groups.insert(group.id.clone()), "the group {} is listed twice", group.id);
        for member in &group.members {
            let id = member.target.id();
            ensure!(targets.insert(id.clone()), "the target {id} is listed twice");
        }
    }
    Ok(())
}

async fn resolves_members(provider: &impl Provider) -> Checked {
    for group in list(provider, &GroupFilter::all()).await? {
        for listed in group.members {
            let listed = listed.target;
            let Some(resolved) = provider.resolve(listed.id()).await? else {
                return violated(format!("{} is listed, but resolves to no target", listed.id()));
            };
            ensure!(resolved.id() == listed.id(), "{} resolves to {}", listed.id(), resolved.id());
            ensure!(
                resolved.labels() == listed.labels(),
                "{} is labelled {:?} when listed and {:?} when resolved",
                listed.id(),
                listed.labels(),
                resolved.labels()
            );
            let (offers, offered) = (resolved.capabilities().set(), listed.capabilities().set());
            ensure!(
                offers == offered,
                "{} offers {offered:?} when listed and {offers:?} when resolved",
                listed.id()
            );
        }
    }
    Ok(())
}

/// A fault keeps the listed incarnation, and its recovery asks the target. If the two differ, every target counts as
/// gone. An id without an incarnation is never used twice.
async fn same_incarnations(timing: &Timing, provider: &impl Provider) -> Checked {
    let watch = timing.watch_settling();
    loop {
        let mut differing = None;
        for group in list(provider, &GroupFilter::all()).await? {
            for member in group.members {
                let told = member.target.incarnation().await?;
                if told.is_some() && told != member.incarnation {
                    let (id, listed) = (member.target.id(), &member.incarnation);
                    differing =
                        Some(format!("{id} is listed in the incarnation {listed:?}, but tells {told:?}"));
                }
            }
        }
        match differing {
            None => return Ok(()),
            Some(why) => ensure!(watch.again().await, "{why}"),
        }
    }
}

/// A new world may change between two looks, so one agreement is enough.
async fn looks_agree(timing: &Timing, provider: &impl Provider) -> Checked {
    let watch = timing.watch_settling();
    loop {
        let mut differing = None;
        for listed in list(provider, &GroupFilter::all()).await? {
            let looked = provider.group(&listed.id).await?;
            ensure!(looked.id == listed.id, "a look at {} found {}", listed.id, looked.id);
            let (listed, looked) = (face(&listed), face(&looked));
            if listed != looked {
                differing = Some(format!("listed as {listed:?}, but a look found {looked:?}"));
            }
        }
        match differing {
            None => return Ok(()),
            Some(why) => ensure!(watch.again().await, "{why}"),
        }
    }
}

async fn filters(provider: &impl Provider, name: impl Fn(&GroupId) -> String) -> Checked {
    for group in list(provider, &GroupFilter::all()).await? {
        let filter = GroupFilter::all().name(name(&group.id));
        let yielded = list(provider, &filter).await?;
        ensure!(
            yielded.len() == 1 && yielded[0].id == group.id,
            "{:?} yields [{}]",
            filter.names(),
            names(&yielded)
        );
    }
    Ok(())
}

async fn unknown_targets(provider: &impl Provider) -> Checked {
    let mut unknown = vec![GroupId::new(provider.scheme(), NOBODY)?.target(NOBODY)?];
    for group in list(provider, &GroupFilter::all()).await? {
        unknown.push(group.id.target(NOBODY)?);
    }
    for id in unknown {
        // An error is fine: it is a doubt, and a doubt leaves every target alone.
        if let Ok(Some(target)) = provider.resolve(&id).await {
            return violated(format!("{id} resolves to {}", target.id()));
        }
    }
    Ok(())
}
