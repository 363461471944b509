use std::{net::SocketAddr, sync::Arc};

use async_trait::async_trait;
use chaos_core::{
    Error, Health, Result, Target, TargetId,
    capability::Capabilities,
    clock::Clock,
    group::{Labels, Member},
};
use futures_util::future::join_all;

use crate::{
    capability::{lifecycle::ProcessLifecycle, locate::Locate, shell::ProcessShell},
    client::{
        health_check::{Finding, HealthCheck},
        process_handle::{Activity, ProcessHandle},
        process_table::ProcessTable,
    },
    model::identity::{ProcessIdentity, ProcessStat},
};

/// A target that is a process: always the same one, or the current process of a fleet's replica.
#[derive(Debug)]
pub(crate) struct ProcessTarget {
    id: TargetId,
    labels: Labels,
    process: Arc<dyn Locate>,
    lifecycle: Arc<ProcessLifecycle>,
    shell: Arc<ProcessShell>,
    check: HealthCheck,
    address: Option<SocketAddr>,
    clock: Arc<dyn Clock>,
}

impl ProcessTarget {
    pub(crate) fn new(
        id: TargetId,
        labels: Labels,
        process: Arc<dyn Locate>,
        check: HealthCheck,
        address: Option<SocketAddr>,
        restarted: bool,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let lifecycle =
            ProcessLifecycle::new(id.clone(), Arc::clone(&process), restarted, Arc::clone(&clock));
        let shell = ProcessShell::new(id.clone(), Arc::clone(&process), Arc::clone(&clock));
        let (lifecycle, shell) = (Arc::new(lifecycle), Arc::new(shell));
        Self { id, labels, process, lifecycle, shell, check, address, clock }
    }

    /// The health of the current process, together with that process. `processes` are those of a moment ago.
    async fn observe(
        &self,
        process: Option<ProcessIdentity>,
        processes: &ProcessTable,
    ) -> Result<(Health, Option<ProcessIdentity>)> {
        let Some(identity) = process else {
            return Ok((Health::Gone, None));
        };
        let Some(process) = ProcessHandle::open(identity)? else {
            return Ok((Health::Gone, None));
        };
        let family = processes.tree(identity);
        let activity = || match process.activity()? {
            Activity::Running if is_any_stopped(&family)? => Ok(Activity::Stopped),
            activity => Ok::<_, Error>(activity),
        };
        let present = |health| Ok((health, Some(identity)));
        if activity()? == Activity::Stopped {
            return present(Health::Stopped);
        }
        let finding = self.check.look_at(&process, self.address, self.clock.as_ref()).await?;
        // If a process ended or stopped meanwhile, that counts, whatever the check says: another process may answer on
        // its port.
        match (activity()?, finding) {
            (Activity::Ended, _) => Ok((Health::Gone, None)),
            (Activity::Stopped, _) => present(Health::Stopped),
            (Activity::Running, Finding::Passed) => present(Health::Healthy),
            (Activity::Running, Finding::Failed(_)) => present(Health::Unhealthy),
        }
    }

    async fn member(self, process: Option<ProcessIdentity>, processes: &ProcessTable) -> Member {
        match self.observe(process, processes).await {
            Ok((health, identity)) => {
                let now = self.clock.now();
                let mut member = Member::new(Arc::new(self), health);
                if let Some(identity) = identity {
                    member = member.incarnation(identity.to_string());
                    member.began_at = identity.age().and_then(|age| now.checked_sub(age).ok());
                }
                member
            }
            Err(error) => Member::new(Arc::new(self), Health::Unknown).excluded(error.chain()),
        }
    }
}

/// All of them as members, looked at concurrently, each with its current process.
pub(crate) async fn members(
    targets: impl IntoIterator<Item = (ProcessTarget, Option<ProcessIdentity>)>,
) -> Result<Vec<Member>> {
    let processes = ProcessTable::read()?;
    let looks = targets.into_iter().map(|(target, process)| target.member(process, &processes));
    Ok(join_all(looks).await)
}

/// A stopped process stops the work of the others: a target is stopped as long as any of its processes is.
fn is_any_stopped(processes: &[ProcessIdentity]) -> Result<bool> {
    for process in processes {
        match ProcessStat::read(process.pid()) {
            Ok(Some(stat)) if stat.identity(process.pid()) == *process && stat.is_stopped() => {
                return Ok(true);
            }
            Ok(_) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

#[async_trait]
impl Target for ProcessTarget {
    fn id(&self) -> &TargetId {
        &self.id
    }

    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default().with_lifecycle(self.lifecycle.clone()).with_shell(self.shell.clone())
    }

    async fn health(&self) -> Result<Health> {
        let (health, _) = self.observe(self.process.process()?, &ProcessTable::read()?).await?;
        Ok(health)
    }

    async fn incarnation(&self) -> Result<Option<Arc<str>>> {
        Ok(self.process.process()?.map(|process| process.to_string().into()))
    }
}
