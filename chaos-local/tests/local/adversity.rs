//! Fleets and adopted processes on a machine that answers badly: a state file that is unreadable at the moment or
//! truncated, a process without a descriptor left to look at another one, and a replica that was replaced while it was
//! stopped.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chaos_core::{ErrorKind, Health, Provider, Result, TargetId, async_trait};
use chaos_local::{AttachedFleet, Fleet, Fleets, ProcessGroups, Processes};
use chaos_testkit::{
    Timing,
    contract::adversity::{self, Adversity, Cut, Happens},
};
use rustix::{
    process::{Resource, Rlimit, Signal, getrlimit, setrlimit},
    thread::{CapabilitySet, capabilities, set_capabilities},
};

use crate::support::{Mark, Started, healths, identities, role, signal, until_group};

const DENIED: &str = "the state file may not be read";
const AWAY: &str = "the state directory is away";
const NO_DESCRIPTORS: &str = "no descriptor is left";

fn timing() -> Timing {
    Timing::default().quiet(Duration::from_millis(100))
}

/// Descriptors belong to the whole process, so each of these tests runs in a process of its own.
fn in_a_process_of_its_own(test: &str) -> bool {
    if role().is_some() {
        return true;
    }
    let status = Mark::new().role(test, "itself", &[]).0.wait().unwrap();
    assert!(status.success(), "{test}: {status}");
    false
}

/// Nothing more can be opened: not `/proc`, not a pidfd.
fn leave_descriptors(any: bool) {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = if any { limit.maximum } else { Some(0) };
    setrlimit(Resource::Nofile, Rlimit { ..limit }).unwrap();
}

/// Lets the rights of files count for root as well, on this thread.
fn heed_rights(heeded: bool) {
    let mut own = capabilities(None).unwrap();
    let all = CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH;
    own.effective = match heeded {
        true => own.effective - all,
        false => own.effective | (all & own.permitted),
    };
    set_capabilities(None, own).unwrap();
}

/// A fleet with a state directory, found by that.
struct FleetByItsFile {
    fleet: Fleet,
    attached: AttachedFleet,
    target: TargetId,
    directory: tempfile::TempDir,
    /// The state file as it was before it was cut.
    whole: Mutex<Option<Vec<u8>>>,
    twice: AtomicBool,
}

impl FleetByItsFile {
    async fn start(mark: &Mark) -> Result<Self> {
        let directory = tempfile::tempdir().unwrap();
        let state = directory.path().join("state");
        let fleet = mark.sleepers(2).state_directory(&state).start().await?;
        let attached = Fleet::attach(&state)?;
        let target = attached.id().target("replica-1")?;
        let (whole, twice) = (Mutex::default(), AtomicBool::new(false));
        Ok(Self { fleet, attached, target, directory, whole, twice })
    }

    fn state(&self) -> PathBuf {
        self.directory.path().join("state")
    }

    fn away(&self) -> PathBuf {
        self.directory.path().join("away")
    }

    fn file(&self) -> PathBuf {
        self.state().join("fleet.json")
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[async_trait]
impl Adversity for FleetByItsFile {
    async fn provider(&self) -> Result<Arc<dyn Provider>> {
        Ok(match self.twice.load(Ordering::SeqCst) {
            true => Arc::new(Fleets::of([self.fleet.clone(), self.fleet.clone()])),
            // It keeps nothing but where the directory is.
            false => Arc::new(self.attached.clone()),
        })
    }

    fn target(&self) -> &TargetId {
        &self.target
    }

    fn refusals(&self) -> Vec<&'static str> {
        vec![DENIED, AWAY, NO_DESCRIPTORS]
    }

    async fn refuse(&self, way: &str) -> Result<Happens> {
        match way {
            DENIED => {
                set_mode(&self.file(), 0o000);
                heed_rights(true);
                assert_eq!(fs::read(self.file()).unwrap_err().kind(), std::io::ErrorKind::PermissionDenied);
            }
            AWAY => fs::rename(self.state(), self.away()).unwrap(),
            _ => leave_descriptors(false),
        }
        Ok(Happens::Now)
    }

    async fn cut(&self, cut: Cut) -> Result<Happens> {
        if cut.after > 0 {
            return Ok(Happens::never("a fleet is asked by one file alone"));
        }
        let whole = fs::read(self.file()).unwrap();
        // In its place, as a disk that was full leaves it.
        fs::write(self.file(), cut.of(&whole)).unwrap();
        *self.whole.lock().unwrap() = Some(whole);
        Ok(Happens::Now)
    }

    async fn list_twice(&self) -> Result<Happens> {
        self.twice.store(true, Ordering::SeqCst);
        Ok(Happens::Now)
    }

    async fn never_end(&self) -> Result<Happens> {
        Ok(Happens::never("a fleet is one file, which ends"))
    }

    async fn replace_target(&self) -> Result<Happens> {
        let before = identities(&self.fleet.group(self.fleet.id()).await?)[1];
        signal(before, Signal::KILL);
        let is_replaced = |group: &chaos_core::Group| {
            healths(group) == [Health::Healthy; 2] && identities(group)[1] != before
        };
        let after = identities(&until_group(&self.fleet, self.fleet.id(), is_replaced).await)[1];
        signal(after, Signal::STOP);
        Ok(Happens::Now)
    }

    async fn heal(&self) -> Result<()> {
        leave_descriptors(true);
        heed_rights(false);
        if self.away().exists() {
            fs::rename(self.away(), self.state()).unwrap();
        }
        set_mode(&self.file(), 0o600);
        if let Some(whole) = self.whole.lock().unwrap().take() {
            fs::write(self.file(), whole).unwrap();
        }
        self.twice.store(false, Ordering::SeqCst);
        Ok(())
    }
}

#[tokio::test]
async fn a_fleet_that_is_found_by_its_file_keeps_the_contract() {
    if !in_a_process_of_its_own("adversity::a_fleet_that_is_found_by_its_file_keeps_the_contract") {
        return;
    }
    let mark = Mark::new();
    let report = adversity::check(&timing(), async || FleetByItsFile::start(&mark).await).await;
    report.assert_kept();
    // It has no end to lack.
    assert_eq!(report.not_applicable(), 1, "{report}");
    mark.assert_nothing_left().await;
}

/// Processes that somebody else has started.
struct Adopted {
    groups: ProcessGroups,
    target: TargetId,
    _children: [Started; 3],
}

impl Adopted {
    async fn start(mark: &Mark) -> Result<Self> {
        let children = [mark.child(), mark.child(), mark.child()];
        let web = Processes::adopt("web", children[..2].iter().map(|child| &child.0))?;
        let target = web.group(web.id()).await?.members[1].target.id().clone();
        let groups = ProcessGroups::of([web, Processes::adopt("db", [&children[2].0])?])?;
        Ok(Self { groups, target, _children: children })
    }
}

const THE_KERNEL: &str = "the kernel answers from its memory: whole, once, and with an end";

#[async_trait]
impl Adversity for Adopted {
    async fn provider(&self) -> Result<Arc<dyn Provider>> {
        Ok(Arc::new(self.groups.clone()))
    }

    fn target(&self) -> &TargetId {
        &self.target
    }

    fn refusals(&self) -> Vec<&'static str> {
        vec![NO_DESCRIPTORS]
    }

    async fn refuse(&self, _: &str) -> Result<Happens> {
        leave_descriptors(false);
        Ok(Happens::Now)
    }

    async fn cut(&self, _: Cut) -> Result<Happens> {
        Ok(Happens::never(THE_KERNEL))
    }

    async fn list_twice(&self) -> Result<Happens> {
        let web = Processes::named("web").build()?;
        let error = ProcessGroups::of([web.clone(), web]).map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        Ok(Happens::never("groups of one name are refused when they are put together"))
    }

    async fn never_end(&self) -> Result<Happens> {
        Ok(Happens::never(THE_KERNEL))
    }

    async fn replace_target(&self) -> Result<Happens> {
        Ok(Happens::never("its name is a process id, a moment and a boot, which no other process has"))
    }

    async fn heal(&self) -> Result<()> {
        leave_descriptors(true);
        Ok(())
    }
}

#[tokio::test]
async fn adopted_processes_keep_the_contract() {
    if !in_a_process_of_its_own("adversity::adopted_processes_keep_the_contract") {
        return;
    }
    let mark = Mark::new();
    let report = adversity::check(&timing(), async || Adopted::start(&mark).await).await;
    report.assert_kept();
    assert_eq!((report.passed(), report.not_applicable()), (3, 7), "{report}");
    mark.assert_nothing_left().await;
}
