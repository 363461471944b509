//! Truncated answers.

use std::{collections::BTreeMap, sync::Arc};

use chaos_core::{GroupId, Health, Provider, Result, TargetId, provider::GroupFilter};

use super::{
    Adversity, Cut, Happens,
    held::{Attempts, held},
    scene::{Scene, happens},
};
use crate::{
    contract::provider::face::{Face, face, list},
    report::{Checked, Finding, Suite, ensure, violated},
};

/// The most answers to one question in a small world of a test.
const MOST_ANSWERS: usize = 12;

pub(super) async fn check<A: Adversity>(suite: &mut Suite<'_>, fresh: &impl AsyncFn() -> Result<A>) {
    let timing = suite.timing;
    suite
        .check("an answer cut at 20 places is never a shorter listing", async {
            let scene = Scene::set(timing, fresh).await?;
            let whole = listed(scene.elsewhere().await?.provider.as_ref()).await?;
            at_every_place(&scene, async |provider| {
                let Ok(cut) = listed(provider).await else { return Ok(()) };
                ensure!(
                    cut.keys().eq(whole.keys()),
                    "of {:?} it listed {:?}, without an error",
                    whole.keys(),
                    cut.keys()
                );
                whole.iter().zip(cut.values()).try_for_each(|((id, whole), cut)| says_no_less(id, whole, cut))
            })
            .await
        })
        .await;
    suite
        .check("an answer cut at 20 places is never a smaller group", async {
            let scene = Scene::set(timing, fresh).await?;
            let id = scene.stage.target.group();
            let whole = face(&scene.elsewhere().await?.group().await?);
            at_every_place(&scene, async |provider| match provider.group(&id).await {
                Ok(cut) => says_no_less(&id, &whole, &face(&cut)),
                Err(_) => Ok(()),
            })
            .await
        })
        .await;
    suite
        .check("an answer cut at 20 places is never a target that is gone or well", async {
            let scene = Scene::set(timing, fresh).await?;
            let in_the_hold = async |_: &_| {
                scene.is_stopped().await?;
                let truth = scene.stage.handle().await?.incarnation().await?;
                at_every_place(&scene, async |provider| {
                    is_stopped_as_ever(&scene.stage.target, truth.as_deref(), provider).await
                })
                .await
            };
            let provider = Arc::clone(&scene.stage.provider);
            held(&scene.stage, provider, &Attempts::new(), in_the_hold, async { Ok(()) }).await.map(drop)
        })
        .await;
}

/// Asks with each answer, and all answers after it, cut in turn, at each of the places.
async fn at_every_place<A: Adversity>(
    scene: &Scene<A>,
    ask: impl AsyncFn(&dyn Provider) -> Checked,
) -> Checked {
    for after in 0..MOST_ANSWERS {
        let mut was_any_cut = false;
        for twentieths in 0..Cut::PLACES {
            match scene.world.cut(Cut::at(after, twentieths)).await? {
                Happens::Never(_) if after > 0 => return Ok(()),
                answer => happens(answer)?,
            }
            let asking = async {
                // If the provider cannot even be made, it has reported that.
                match scene.world.provider().await {
                    Ok(provider) => ask(&provider).await,
                    Err(_) => Ok(()),
                }
            };
            let (checked, asked) = scene.counting(asking).await?;
            scene.world.heal().await?;
            checked.map_err(|finding| match finding {
                Finding::Violated(why) => Finding::Violated(format!(
                    "cut to {twentieths} of {} after {after} answers: {why}",
                    Cut::PLACES
                )),
                not_applicable => not_applicable,
            })?;
            was_any_cut |= asked.is_none_or(|asked| asked > after);
            if !was_any_cut {
                break;
            }
            // Without a count, it is unknown whether there was another answer.
            if asked.is_none() && twentieths + 1 == Cut::PLACES {
                return Ok(());
            }
        }
        if !was_any_cut {
            ensure!(after > 0, "nothing was asked at all");
            return Ok(());
        }
    }
    Ok(())
}

async fn listed(provider: &dyn Provider) -> Result<BTreeMap<GroupId, Face>> {
    let groups = list(provider, &GroupFilter::all()).await?;
    Ok(groups.iter().map(|group| (group.id.clone(), face(group))).collect())
}

/// Targets that are left alone because of a cut answer are in doubt; all others must be the same.
fn says_no_less(id: &GroupId, whole: &Face, cut: &Face) -> Checked {
    let of_group = |face: &Face| {
        let replaces = (face.replaces_members, face.replaces_stopped);
        (face.labels.clone(), face.desired, replaces, face.is_deploying)
    };
    ensure!(of_group(whole) == of_group(cut), "{id} is {whole:?}, and was {cut:?} without an error");
    ensure!(
        whole.members.keys().eq(cut.members.keys()),
        "{id} has the members {:?}, and had {:?} without an error",
        whole.members.keys(),
        cut.members.keys()
    );
    for (target, member) in &whole.members {
        let seen = &cut.members[target];
        let is_in_doubt = seen.health == Health::Unknown || seen.excluded.is_some();
        if seen != member && !is_in_doubt {
            return violated(format!("{target} is {member:?}, and was {seen:?} without an error"));
        }
    }
    Ok(())
}

/// The target is stopped, so every answer must say so or be an error.
async fn is_stopped_as_ever(id: &TargetId, incarnation: Option<&str>, provider: &dyn Provider) -> Checked {
    let target = match provider.resolve(id).await {
        Err(_) => return Ok(()),
        Ok(None) => return violated(format!("{id} was gone without an error, and is stopped")),
        Ok(Some(target)) => target,
    };
    if let Ok(health) = target.health().await {
        ensure!(
            matches!(health, Health::Stopped | Health::Unknown),
            "{id} was {health} without an error, and is stopped"
        );
    }
    if let Ok(told) = target.incarnation().await {
        ensure!(told.as_deref() == incarnation, "{id} is {incarnation:?}, and was {told:?} without an error");
    }
    Ok(())
}
