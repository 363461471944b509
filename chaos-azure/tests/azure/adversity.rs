//! The contract of providers in adversity, with answers that are changed on their way from the fake.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use azure_core::http::{HttpClient, Request};
use chaos_core::{Error, ErrorKind, Provider, Result, TargetId};
use chaos_testkit::{
    Timing,
    contract::adversity::{self, Adversity, Cut, Happens},
};
use fake_azure::{FakeArm, NewAvailabilitySet, NewScaleSet, PowerState};
use serde_json::json;

use crate::{
    cloud::{machine, scale_sets, sets},
    rewriting::{Impatient, Reply, Rewriting},
};

const DENIED: &str = "a right that is not there yet";
const HIDDEN: &str = "a subscription that is not found";
const ODD: &str = "a request that was never refused before";
const ENDED: &str = "a session that has ended";
const SIGN_IN: &str = "a page to log in";
const PROXY: &str = "a proxy that wants to know who asks";
const NOTHING: &str = "nothing at all";
const THROTTLED: &str = "too many requests";

/// The changes of answers on their way.
#[derive(Debug, Default)]
struct Trouble {
    refused: Option<String>,
    cut: Option<Cut>,
    whole: usize,
    twice: bool,
    endless: bool,
}

#[derive(Debug, Default)]
struct Front {
    asked: AtomicUsize,
    trouble: Mutex<Trouble>,
}

impl Front {
    fn change(&self, request: &Request, reply: &mut Reply) {
        let number = self.asked.fetch_add(1, Ordering::SeqCst);
        let path = request.url().path().to_lowercase();
        let mut trouble = self.trouble.lock().unwrap();
        match trouble.refused.as_deref() {
            Some(DENIED) => reply.refusal(403, "AuthorizationFailed"),
            Some(HIDDEN) => reply.refusal(404, "SubscriptionNotFound"),
            Some(ODD) => reply.refusal(400, "SomethingNew"),
            Some(ENDED) => reply.refusal(401, "ExpiredAuthenticationToken"),
            Some(SIGN_IN) => reply.text(200, "text/html", "<html>log in</html>"),
            Some(PROXY) => reply.text(407, "text/html", "<html>who are you?</html>"),
            Some(NOTHING) => reply.text(200, "application/json", ""),
            Some(THROTTLED) => reply.refusal(429, "TooManyRequests"),
            _ => {}
        }
        let is_of_sets = path.ends_with("/availabilitysets") || path.ends_with("/virtualmachinescalesets");
        if trouble.twice && is_of_sets {
            reply.change(|page| {
                let groups = page["value"].as_array_mut().unwrap();
                groups.extend(groups.clone());
            });
        }
        if trouble.endless && is_of_sets {
            let next = format!("{}&page={number}", request.url());
            reply.change(|page| page["nextLink"] = json!(next));
        }
        match trouble.cut {
            Some(_) if trouble.whole > 0 => trouble.whole -= 1,
            Some(cut) => reply.body = cut.of(&reply.body).to_vec(),
            None => {}
        }
    }
}

/// A fake without delays, and a set in it.
struct World {
    fake: FakeArm,
    front: Arc<Front>,
    kind: Kind,
    target: TargetId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    AvailabilitySet,
    Uniform,
    Flexible,
}

impl World {
    fn of(kind: Kind) -> Self {
        let fake = FakeArm::start().unwrap();
        let name = match kind {
            Kind::AvailabilitySet => {
                fake.add(NewAvailabilitySet::new("shop", "web").machines(3).tag("team", "shop"));
                fake.add(NewAvailabilitySet::new("shop", "db").machines(2));
                "azure-avset:SUB/shop/web/web-0"
            }
            Kind::Uniform => {
                fake.add(NewScaleSet::new("shop", "web").capacity(3));
                fake.add(NewScaleSet::new("shop", "db").capacity(2).held_at(2));
                "azure-vmss:SUB/shop/web/0"
            }
            Kind::Flexible => {
                fake.add(NewScaleSet::new("shop", "web").capacity(3).flexible());
                "azure-vmss:SUB/shop/web/web_00000000"
            }
        };
        let target = name.replace("SUB", FakeArm::SUBSCRIPTION).parse().unwrap();
        Self { fake, front: Arc::default(), kind, target }
    }

    fn trouble(&self, change: impl FnOnce(&mut Trouble)) -> Happens {
        change(&mut self.front.trouble.lock().unwrap());
        Happens::Now
    }

    fn http(&self) -> Arc<dyn HttpClient> {
        let front = Arc::clone(&self.front);
        Rewriting::by(move |request, reply| front.change(request, reply))
    }
}

#[async_trait]
impl Adversity for World {
    async fn provider(&self) -> Result<Arc<dyn Provider>> {
        let (http, clock) = (self.http(), Impatient::clock());
        Ok(match self.kind {
            Kind::AvailabilitySet => Arc::new(sets(&self.fake).http_client(http).clock(clock).build()?),
            _ => Arc::new(scale_sets(&self.fake).http_client(http).clock(clock).build()?),
        })
    }

    fn target(&self) -> &TargetId {
        &self.target
    }

    async fn asked(&self) -> Result<Option<usize>> {
        Ok(Some(self.front.asked.load(Ordering::SeqCst)))
    }

    fn refusals(&self) -> Vec<&'static str> {
        // The refusals do not come from the set. So one kind of set is tested with all, and the others only show that
        // they behave alike.
        if self.kind != Kind::AvailabilitySet {
            return vec![DENIED, SIGN_IN];
        }
        vec![DENIED, HIDDEN, ODD, ENDED, SIGN_IN, PROXY, NOTHING, THROTTLED]
    }

    async fn refuse(&self, way: &str) -> Result<Happens> {
        Ok(self.trouble(|trouble| trouble.refused = Some(way.to_owned())))
    }

    async fn cut(&self, cut: Cut) -> Result<Happens> {
        Ok(self.trouble(|trouble| (trouble.cut, trouble.whole) = (Some(cut), cut.after)))
    }

    async fn list_twice(&self) -> Result<Happens> {
        Ok(self.trouble(|trouble| trouble.twice = true))
    }

    async fn never_end(&self) -> Result<Happens> {
        Ok(self.trouble(|trouble| trouble.endless = true))
    }

    async fn replace_target(&self) -> Result<Happens> {
        if self.kind != Kind::AvailabilitySet {
            return Ok(Happens::never("scale sets never use the name of an instance again"));
        }
        let name = machine(self.target.name());
        self.fake.delete_machine(&name);
        self.fake.add(NewAvailabilitySet::new("shop", "web").machines(3));
        self.fake.set_power_state(&name, PowerState::Stopped);
        match self.fake.power_state(&name) {
            Some(PowerState::Stopped) => Ok(Happens::Now),
            _ => Err(Error::new(ErrorKind::Other, "the other machine does not exist")),
        }
    }

    async fn heal(&self) -> Result<()> {
        self.trouble(|trouble| *trouble = Trouble::default());
        Ok(())
    }
}

async fn is_kept(kind: Kind) {
    let timing = Timing::default().settle(Duration::from_secs(20)).quiet(Duration::from_millis(100));
    adversity::check(&timing, async || Ok(World::of(kind))).await.assert_kept();
}

#[tokio::test(flavor = "multi_thread")]
async fn availability_sets_keep_the_contract_in_adversity() {
    is_kept(Kind::AvailabilitySet).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uniform_scale_sets_keep_the_contract_in_adversity() {
    is_kept(Kind::Uniform).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn flexible_scale_sets_keep_the_contract_in_adversity() {
    is_kept(Kind::Flexible).await;
}
