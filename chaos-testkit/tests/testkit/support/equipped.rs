//! A machine in memory with a shell and an isolation, which lies in one way.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
};

use chaos_core::{
    Capability, CapabilitySet, Error, ErrorKind, FaultId, Health, Permit, Result, Target, TargetId,
    async_trait,
    capability::{
        Capabilities, Change, Lifecycle, NetworkShare, Output, Script, Setting, SettingSet, Settings,
        SettingsSnapshot, Shell, Standing, Undo,
    },
    group::Labels,
    testing::MemoryProvider,
};
use chaos_testkit::{Subject, faulty::Altered};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    None,
    CapabilitiesChange,
    DeclaresShellAsOperation,
    TerminatesNobody,
    TerminatesOnce,
    StopsNobody,
    StopsOnce,
    StartsNobody,
    StartsWhatIsStoppedAlone,
    RebootsIntoTheVoid,
    RebootsOnce,
    RebootsNobody,
    Hides(Capability),
    HidesAndFails(Capability),
    LosesErrors,
    AlwaysSucceeds,
    PastesParameters,
    RunsForEver,
    SnapshotIsolates,
    IsolatesNobody,
    RestoresNobody,
    RestoresOnce,
    RestoredInWordsAlone,
}

/// The state of the machine that the world in memory does not hold.
#[derive(Debug, Default)]
pub(crate) struct Machine {
    calls: AtomicUsize,
    boots: AtomicUsize,
    isolated: AtomicBool,
}

/// A fresh world whose `memory:web/machine-0` lies.
pub(crate) fn subject(lie: Lie) -> Result<Subject> {
    let machine = Arc::new(Machine::default());
    let boots = Arc::clone(&machine);
    let world = MemoryProvider::default().with_group("web", 2)?;
    let provider = Altered::new(world)
        .targets(move |inner| Arc::new(Equipped { lie, inner, machine: Arc::clone(&machine) }));
    Ok(Subject::new(provider, "memory:web/machine-0".parse()?).boot_mark(move || {
        let boot = boots.boots.load(SeqCst);
        Box::pin(async move { Ok(boot.to_string()) })
    }))
}

#[derive(Clone, Debug)]
struct Equipped {
    lie: Lie,
    inner: Arc<dyn Target>,
    machine: Arc<Machine>,
}

impl Equipped {
    fn first_call(&self) -> bool {
        self.machine.calls.fetch_add(1, SeqCst) == 0
    }

    fn power(&self) -> Arc<dyn Lifecycle> {
        self.inner.capabilities().lifecycle.unwrap()
    }

    fn may(&self, operation: Capability) -> Result<()> {
        match self.lie {
            Lie::HidesAndFails(hidden) if hidden == operation => Err(denied()),
            _ => Ok(()),
        }
    }
}

fn denied() -> Error {
    Error::new(ErrorKind::Denied, "denied")
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Target for Equipped {
    fn id(&self) -> &TargetId {
        self.inner.id()
    }

    fn labels(&self) -> &Labels {
        self.inner.labels()
    }

    fn capabilities(&self) -> Capabilities {
        let own = Arc::new(self.clone());
        let capabilities = Capabilities::default().with_lifecycle(own.clone()).with_settings(own.clone());
        if self.lie == Lie::CapabilitiesChange && self.machine.calls.fetch_add(1, SeqCst).is_multiple_of(2) {
            return capabilities;
        }
        capabilities.with_shell(own)
    }

    async fn health(&self) -> Result<Health> {
        self.inner.health().await
    }

    async fn incarnation(&self) -> Result<Option<Arc<str>>> {
        self.inner.incarnation().await
    }

    async fn may_undo(&self, undo: &Undo) -> Result<()> {
        self.inner.may_undo(undo).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Lifecycle for Equipped {
    fn operations(&self) -> CapabilitySet {
        let all = self.power().operations();
        match self.lie {
            Lie::DeclaresShellAsOperation => all.union(CapabilitySet::of([Capability::Shell])),
            Lie::Hides(hidden) | Lie::HidesAndFails(hidden) => all.missing_from(CapabilitySet::of([hidden])),
            _ => all,
        }
    }

    fn by_hand(&self, operation: Capability) -> Option<String> {
        self.power().by_hand(operation)
    }

    async fn terminate(&self, permit: &Permit) -> Result<()> {
        self.may(Capability::Terminate)?;
        match self.lie {
            Lie::TerminatesNobody => Ok(()),
            Lie::TerminatesOnce if !self.first_call() => Err(denied()),
            _ => self.power().terminate(permit).await,
        }
    }

    async fn stop(&self, permit: &Permit) -> Result<()> {
        self.may(Capability::Stop)?;
        match self.lie {
            Lie::StopsNobody => Ok(()),
            Lie::StopsOnce if !self.first_call() => Err(denied()),
            _ => self.power().stop(permit).await,
        }
    }

    async fn start(&self, permit: &Permit) -> Result<()> {
        self.may(Capability::Start)?;
        match self.lie {
            Lie::StartsNobody => Ok(()),
            Lie::StartsWhatIsStoppedAlone if self.health().await? == Health::Healthy => Err(denied()),
            _ => self.power().start(permit).await,
        }
    }

    async fn reboot(&self, permit: &Permit) -> Result<()> {
        self.may(Capability::Reboot)?;
        match self.lie {
            Lie::RebootsNobody => return Ok(()),
            Lie::RebootsIntoTheVoid => return self.power().stop(permit).await,
            Lie::RebootsOnce if !self.first_call() => return Err(denied()),
            _ => {}
        }
        self.machine.boots.fetch_add(1, SeqCst);
        self.power().reboot(permit).await
    }
}

/// A real `sh`.
#[async_trait]
impl Shell for Equipped {
    async fn inspect(&self, script: &Script) -> Result<Output> {
        let mut source = script.source().to_owned();
        let mut command = tokio::process::Command::new("sh");
        for (name, value) in script.parameters() {
            match self.lie {
                Lie::PastesParameters => source = format!("{name}=\"{value}\"; {source}"),
                _ => {
                    command.env(name, value);
                }
            }
        }
        let output = command.arg("-c").arg(source).kill_on_drop(true).output();
        let limit = match self.lie {
            Lie::RunsForEver => script.limit() * 1_000,
            _ => script.limit(),
        };
        #[expect(clippy::disallowed_methods, reason = "a real shell has a real time limit")]
        let output = tokio::time::timeout(limit, output)
            .await
            .map_err(|elapsed| Error::new(ErrorKind::Timeout, "the script took too long").caused_by(elapsed))?
            .unwrap();
        let status = output.status.code().unwrap();
        Ok(Output::new(
            if self.lie == Lie::AlwaysSucceeds { 0 } else { status },
            String::from_utf8(output.stdout).unwrap(),
            if self.lie == Lie::LosesErrors {
                String::new()
            } else {
                String::from_utf8(output.stderr).unwrap()
            },
        ))
    }

    async fn network(&self) -> Result<NetworkShare> {
        Ok(NetworkShare::Whole)
    }

    async fn run(&self, script: &Script, _: &Permit) -> Result<Output> {
        self.inspect(script).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Settings for Equipped {
    fn can_change(&self) -> SettingSet {
        SettingSet::of([Setting::Isolation])
    }

    async fn snapshot(&self, _: &Change) -> Result<SettingsSnapshot> {
        if self.lie == Lie::SnapshotIsolates {
            self.machine.isolated.store(true, SeqCst);
        }
        SettingsSnapshot::of(&["network-a", "network-b"])
    }

    async fn apply(&self, _: &Change, _: &SettingsSnapshot, _: &Permit) -> Result<()> {
        self.machine.isolated.store(self.lie != Lie::IsolatesNobody, SeqCst);
        Ok(())
    }

    async fn restore(&self, _: &SettingsSnapshot, _: &Permit) -> Result<()> {
        match self.lie {
            Lie::RestoresNobody => return Ok(()),
            Lie::RestoresOnce if !self.first_call() => return Err(denied()),
            _ => {}
        }
        self.machine.isolated.store(false, SeqCst);
        Ok(())
    }

    async fn standing(&self, _: &SettingsSnapshot, _: FaultId) -> Result<Standing> {
        Ok(match self.lie {
            Lie::RestoredInWordsAlone => Standing::AsBefore,
            _ if self.machine.isolated.load(SeqCst) => Standing::Changed,
            _ => Standing::AsBefore,
        })
    }
}
