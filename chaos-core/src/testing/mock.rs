//! Mocks of the public traits, made with [`mockall`], for the unit tests of programs that embed this library.
//!
//! They are for tests of logic. For tests of behaviour, use the in-memory types in [`testing`](crate::testing), and the
//! contract suites of `chaos-testkit`.
//!
//! ```
//! use chaos_core::{clock::Clock, testing::mock::MockClock};
//!
//! let mut clock = MockClock::new();
//! clock.expect_now().return_const("2026-03-02T09:00:00Z".parse::<jiff::Timestamp>().unwrap());
//! assert_eq!(clock.now().to_string(), "2026-03-02T09:00:00Z");
//! ```
//!
//! [`MockProvider`] mocks the listing as `expect_list`, which returns the items of the stream:
//!
//! ```
//! use chaos_core::{Group, Provider, provider::GroupFilter, testing::mock::MockProvider};
//! use futures_util::StreamExt;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let mut provider = MockProvider::new();
//! provider.expect_list().returning(|_| vec![Ok(Group::new("mock:web".parse().unwrap()))]);
//! assert_eq!(provider.groups(&GroupFilter::all()).count().await, 1);
//! # }
//! ```
//!
//! For the expectations of a test, such as the order of calls, use [`mockall`](mod@mockall). It is exported in the
//! version that the mocks are made with:
//!
//! ```
//! use chaos_core::{Health, Target, testing::mock::{MockTarget, mockall::Sequence}};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> chaos_core::Result<()> {
//! let (mut target, mut order) = (MockTarget::new(), Sequence::new());
//! target.expect_health().times(1).in_sequence(&mut order).returning(|| Ok(Health::Stopped));
//! target.expect_health().times(1).in_sequence(&mut order).returning(|| Ok(Health::Healthy));
//! assert_eq!(target.health().await?, Health::Stopped);
//! assert_eq!(target.health().await?, Health::Healthy);
//! # Ok(())
//! # }
//! ```

#![allow(missing_docs, reason = "the generated methods are documented by mockall")]

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::{StreamExt, stream, stream::BoxStream};
use jiff::Timestamp;
pub use mockall;
use mockall::mock;

use crate::{
    calendar::{Calendar, CalendarState},
    capability::{
        Capabilities, Capability, CapabilitySet, Change, Lifecycle, NetworkShare, Output, Remains, Script,
        SettingSet, Settings, SettingsSnapshot, Shell, Standing, Undo,
    },
    chance::Entropy,
    clock::Clock,
    engine::{Engine, EngineDefinition, EngineExperiment, EngineExperimentId, EngineRun},
    error::Result,
    event::{ChaosEvent, Hold, Scope},
    fault::{FaultId, FaultRecord, Mark, Permit, Prepared},
    group::{Group, GroupId, Health, Labels, Target, TargetId},
    journal::{
        Arming, DueNote, DueQuery, FaultQuery, Forget, Forgotten, Found, FoundDues, Halt, Journal,
        KeptSchedule, Lease, Limits,
    },
    observer::{Activity, Intended, Observer},
    provider::{GroupFilter, Provider},
};

// Each mock has every method of its trait, including those with a default. Elsewhere clippy checks that, but it does
// not look into `mock!`.

mock! {
    #[derive(Debug)]
    pub Target {}

    #[async_trait]
    impl Target for Target {
        fn id(&self) -> &TargetId;
        fn labels(&self) -> &Labels;
        fn capabilities(&self) -> Capabilities;
        async fn health(&self) -> Result<Health>;
        async fn incarnation(&self) -> Result<Option<Arc<str>>>;
        async fn may_undo(&self, undo: &Undo) -> Result<()>;
    }
}

mock! {
    #[derive(Debug)]
    pub Lifecycle {}

    #[async_trait]
    impl Lifecycle for Lifecycle {
        fn operations(&self) -> CapabilitySet;
        fn by_hand(&self, operation: Capability) -> Option<String>;
        async fn terminate(&self, permit: &Permit) -> Result<()>;
        async fn stop(&self, permit: &Permit) -> Result<()>;
        async fn start(&self, permit: &Permit) -> Result<()>;
        async fn reboot(&self, permit: &Permit) -> Result<()>;
    }
}

mock! {
    #[derive(Debug)]
    pub Shell {}

    #[async_trait]
    impl Shell for Shell {
        async fn inspect(&self, script: &Script) -> Result<Output>;
        async fn run(&self, script: &Script, permit: &Permit) -> Result<Output>;
        async fn network(&self) -> Result<NetworkShare>;
        async fn lifeline(&self) -> Result<Vec<std::net::IpAddr>>;
        fn answers_within(&self) -> Duration;
    }
}

mock! {
    #[derive(Debug)]
    pub Settings {}

    #[async_trait]
    impl Settings for Settings {
        fn can_change(&self) -> SettingSet;
        async fn snapshot(&self, change: &Change) -> Result<SettingsSnapshot>;
        async fn apply(&self, change: &Change, before: &SettingsSnapshot, permit: &Permit) -> Result<()>;
        async fn restore(&self, before: &SettingsSnapshot, permit: &Permit) -> Result<()>;
        async fn standing(&self, before: &SettingsSnapshot, fault: FaultId) -> Result<Standing>;
    }
}

mock! {
    #[derive(Debug)]
    pub Engine {}

    #[async_trait]
    impl Engine for Engine {
        async fn look_up(&self, id: &EngineExperimentId) -> Result<EngineDefinition>;
        async fn start(&self, experiment: &EngineExperiment, permit: &Permit) -> Result<()>;
        async fn runs(&self, experiment: &EngineExperiment, fault: FaultId) -> Result<Vec<EngineRun>>;
        async fn stop(&self, experiment: &EngineExperiment, run: &EngineRun, permit: &Permit) -> Result<()>;
    }
}

mock! {
    #[derive(Debug)]
    pub ChaosEvent {}

    #[async_trait]
    impl ChaosEvent for ChaosEvent {
        fn name(&self) -> &'static str;
        fn requires(&self) -> CapabilitySet;
        fn hold(&self) -> Hold;
        fn suits(&self, group: &Group) -> Result<(), String>;
        fn caveat(&self, group: &Group) -> Option<String>;
        async fn prepare(&self, scope: &Scope) -> Result<Prepared>;
    }
}

mock! {
    #[derive(Debug)]
    pub Calendar {}

    impl Calendar for Calendar {
        fn state(&self, at: Timestamp) -> CalendarState;
        fn check(&self) -> Result<()>;
    }
}

mock! {
    #[derive(Debug)]
    pub Clock {}

    #[async_trait]
    impl Clock for Clock {
        fn now(&self) -> Timestamp;
        fn monotonic(&self) -> Duration;
        async fn sleep(&self, duration: Duration);
    }
}

mock! {
    #[derive(Debug)]
    pub Entropy {}

    impl Entropy for Entropy {
        fn draw(&self) -> Result<u64>;
    }
}

mock! {
    #[derive(Debug)]
    pub Observer {}

    #[async_trait]
    impl Observer for Observer {
        fn observe(&self, at: Timestamp, activity: &Activity);
        async fn before_injection(&self, at: Timestamp, intended: &Intended) -> Result<()>;
    }
}

mock! {
    #[derive(Debug)]
    pub Journal {}

    #[async_trait]
    impl Journal for Journal {
        async fn arm(&self, fault: &FaultRecord, limits: &Limits) -> Result<Arming<Lease>>;
        async fn mark(&self, fault: FaultId, mark: &Mark) -> Result<()>;
        async fn find(&self, query: &FaultQuery) -> Result<Found>;
        async fn pending(&self) -> Result<Found>;
        async fn orphans(&self, now: Timestamp) -> Result<Found>;
        async fn set_halt(&self, halt: Option<Halt>) -> Result<()>;
        async fn halt(&self) -> Result<Option<Halt>>;
        async fn note_due(&self, note: &DueNote) -> Result<()>;
        async fn dues(&self, query: &DueQuery) -> Result<FoundDues>;
        async fn keep_schedule(&self, proposed: &KeptSchedule) -> Result<KeptSchedule>;
        async fn forget(&self, forget: &Forget) -> Result<Forgotten>;
    }
}

mock! {
    #[derive(Debug)]
    pub Provider {
        /// The items of the stream of groups.
        pub fn list(&self, filter: &GroupFilter) -> Vec<Result<Group>>;
        /// A fresh look at one group.
        pub fn find_group(&self, id: &GroupId) -> Result<Group>;
        /// Finds a target again.
        pub fn find_target(&self, id: &TargetId) -> Result<Option<Arc<dyn Target>>>;
    }
}

/// The scheme of every [`MockProvider`] is `mock`.
#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Provider for MockProvider {
    fn scheme(&self) -> &'static str {
        "mock"
    }

    fn groups<'a>(&'a self, filter: &'a GroupFilter) -> BoxStream<'a, Result<Group>> {
        stream::iter(self.list(filter)).boxed()
    }

    async fn group(&self, id: &GroupId) -> Result<Group> {
        self.find_group(id)
    }

    // Set the expectation on `find_group`: it is the same look.
    async fn group_in_recovery(&self, id: &GroupId) -> Result<Group> {
        self.find_group(id)
    }

    async fn resolve(&self, id: &TargetId) -> Result<Option<Arc<dyn Target>>> {
        self.find_target(id)
    }

    // Nothing outlives a mocked target.
    async fn remains(&self, _: &TargetId) -> Result<Remains> {
        Ok(Remains::default().without_shell().without_settings())
    }
}
