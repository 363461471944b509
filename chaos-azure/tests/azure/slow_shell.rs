//! Run Command that takes a minute: nothing is given up because of that, and no two looks run at the same time.

use std::time::Duration;

use async_trait::async_trait;
use chaos_core::{
    BlastRadius, Capability, CapabilitySet, ChaosEvent, FaultId, Hold, MemoryJournal, Monkey, Permit,
    Prepared, Recovery, RecoveryScope, Registry, Result, Scope, TargetId, Verdict, capability::Script,
};
use fake_azure::{FakeArm, NewAvailabilitySet};
use serde::{Deserialize, Serialize};

use crate::{cloud::sets, fast_clock::FastClock};

/// The duration of Run Command by the monkey's clock, for a script that takes no time.
const TAKES: Duration = Duration::from_secs(60);

const HOLD: Duration = Duration::from_secs(200);

/// Does nothing, by script.
#[derive(Debug)]
struct Nothing;

#[async_trait]
impl ChaosEvent for Nothing {
    fn name(&self) -> &'static str {
        "nothing"
    }

    fn requires(&self) -> CapabilitySet {
        CapabilitySet::of([Capability::Shell])
    }

    fn hold(&self) -> Hold {
        Hold::lasting(HOLD).unwrap()
    }

    async fn prepare(&self, scope: &Scope) -> Result<Prepared> {
        let shell = scope.target().capabilities().shell()?.clone();
        scope.expect_answers_within(shell.answers_within());
        Ok(Prepared::new(ByScript, move |permit| {
            Box::pin(async move { shell.run(&Script::new("true"), permit).await.map(|_| ()) })
        }))
    }
}

/// Looks by script, and sees the fault as long as it is held.
#[derive(Debug, Serialize, Deserialize)]
struct ByScript;

#[async_trait]
impl Recovery for ByScript {
    const KIND: &'static str = "chaos-azure-tests/by-script/1";

    async fn recover(&self, scope: &RecoveryScope, permit: &Permit) -> Result<()> {
        let shell = scope.remains().await?.shell()?.expect("the machine is there");
        shell.run(&Script::new("true"), permit).await.map(|_| ())
    }

    async fn verify(&self, scope: &RecoveryScope) -> Result<Verdict> {
        let shell = scope.remains().await?.shell()?.expect("the machine is there");
        shell.inspect(&Script::new("true")).await?;
        Ok(if scope.is_held() { Verdict::NotYet("it is held".to_owned()) } else { Verdict::Back })
    }

    fn by_hand(&self, target: &TargetId, _: FaultId) -> String {
        format!("nothing was done to {target}")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_command_that_takes_a_minute_is_waited_for_and_not_begun_again() {
    let fake = FakeArm::start().unwrap();
    fake.add(NewAvailabilitySet::new("shop", "web").machines(2));
    let real = TAKES / FastClock::FACTOR;
    fake.configure(|settings| settings.script_delay_milliseconds = u64::try_from(real.as_millis()).unwrap());
    let clock = FastClock::start();
    let monkey = Monkey::builder()
        .provider(sets(&fake).clock(clock.clone()).build().unwrap())
        .blast_radius(BlastRadius::default().min_healthy(0))
        .clock(clock)
        .unleash(MemoryJournal::new(), Registry::default().register::<ByScript>())
        .build()
        .unwrap();
    let web = format!("azure-avset:{}/shop/web/web-0", FakeArm::SUBSCRIPTION).parse().unwrap();
    let report = monkey.inject(Nothing, &web).await.unwrap();
    assert!(report.is_recovered() && report.faults[0].failure.is_none(), "{report:?}");
    // A refused command waits for the one before it: a recovery waits for the last look at the hold.
    let requests = fake.requests().into_iter();
    let orders =
        requests.filter(|request| request.path.ends_with("/runCommand") && request.status == Some(202));
    let orders = orders.count();
    // The injection, a look each minute of the rest of the hold, the recovery, and its verification.
    assert!((3..=8).contains(&orders), "{orders} orders");
}
