pub(crate) mod by_hand;

use std::{fs, os::unix::fs::PermissionsExt, time::Duration};

use chaos_core::{
    ErrorKind, Outcome,
    clock::{Clock, SystemClock},
    fault::{CutShort, FaultState},
};
use chaos_events::{CpuBurn, EndCpuBurn};
use chaos_testkit::{Subject, Timing, contract};
use futures_util::future::join_all;
use rustix::process::{Pid, Signal, kill_process};

use self::by_hand::ByHand;
use crate::host_faults::{
    held::Held,
    machine::{self, Machine, Tools, altered, holders, lacks_root, marked, until},
    scene,
};

const LONG: Duration = Duration::from_secs(60);
/// The maximum delay of a fault's end without a recovery.
const GRACE: Duration = Duration::from_secs(2);
/// A shell without rights.
const AS_NOBODY: &str = "exec setpriv --reuid 65534 --regid 65534 --clear-groups /bin/dash \"$@\"";

pub(crate) fn burn(percent: f64, duration: Duration) -> CpuBurn {
    CpuBurn::load(percent).unwrap().cores(1).unwrap().lasting(duration).unwrap()
}

#[tokio::test]
async fn it_burns_as_much_as_was_asked_for_and_says_how_much() {
    for tools in Tools::all() {
        let machine = Machine::with(tools);
        let report =
            machine.monkey().inject(burn(30.0, Duration::from_secs(3)), &machine.id()).await.unwrap();
        assert_eq!(report.outcome(), Outcome::Completed, "{report}");
        let fault = &report.faults[0];
        assert_eq!(fault.requested.get("load_percent"), Some(30.0));
        let achieved = fault.achieved.get("load_percent").unwrap();
        // It is less if others want the same cores.
        assert!((1.0..=40.0).contains(&achieved), "{achieved} %");
        assert_eq!(fault.achieved.get("cores"), Some(1.0));
        assert_eq!(marked(&fault.id.to_string()), [0; 0]);
        // On a busy machine the injection may return late, and then the report says so.
        assert!(
            fault.note.as_ref().is_none_or(|note| note.contains("before the injection had returned")),
            "{fault:?}"
        );
    }
}

#[tokio::test]
async fn its_recovery_keeps_the_contract() {
    for tools in Tools::all() {
        let machine = Machine::with(tools);
        let fresh = async || Ok(Subject::new(machine.clone(), machine.id()));
        let burn = burn(20.0, Duration::from_secs(60));
        contract::recovery::check::<EndCpuBurn>(&Timing::default(), burn, fresh).await.assert_kept();
    }
}

#[tokio::test]
async fn it_keeps_the_contract() {
    let machine = Machine::with(Tools::of_debian());
    let fresh = async || Ok(Subject::new(machine.clone(), machine.id()));
    let burn = burn(20.0, Duration::from_secs(2));
    contract::event::check(&Timing::default(), burn, chaos_events::registry(), fresh).await.assert_kept();
}

#[tokio::test]
async fn starting_and_stopping_are_harmless_when_they_are_repeated_or_never_happened() {
    for tools in Tools::all() {
        let burn = ByHand::lasting(tools, LONG).await;
        burn.succeeds("stop").await;
        let first = burn.succeeds("start").await;
        let burners = holders(&burn.fault);
        assert_eq!(burners.len(), 1, "{first:?}");
        let again = burn.succeeds("start").await;
        assert_eq!((again.stdout, holders(&burn.fault)), (first.stdout, burners));
        burn.succeeds("stop").await;
        // At once, without waiting.
        assert_eq!(marked(&burn.fault), [0; 0]);
        burn.succeeds("stop").await;
    }
}

#[tokio::test]
async fn nothing_begins_after_the_deadline_or_a_reboot() {
    for tools in Tools::all() {
        let burn = ByHand::lasting(tools, LONG).await;
        for (name, value) in
            [("ends_at", "1"), ("at_most", "1"), ("boot_id", "00000000-0000-0000-0000-000000000000")]
        {
            let late = burn.with(name, value);
            let start = late.run("start").await;
            assert_eq!(start.status, 75, "{name}: {start:?}");
            assert!(start.stderr.contains("nothing was begun"), "{name}: {start:?}");
            assert_eq!(marked(&late.fault), [0; 0], "{name}");
        }
    }
}

#[tokio::test]
async fn a_start_that_is_still_on_its_way_is_stopped_too() {
    // Before it begins anything; and when a burner has left the start's group but does nothing yet.
    for (tool, lines) in [("nproc", "WAIT 60"), ("env", r#"[ "$5" != action=hold ] || { WAIT 1.5; }"#)] {
        stopped_on_its_way(tool, lines).await;
    }
}

/// A start that is stopped while this tool lets it wait.
async fn stopped_on_its_way(tool: &str, lines: &str) {
    let home = tempfile::tempdir().unwrap();
    let (program, waits) = (home.path().join(tool), home.path().join("waits"));
    let wait = format!(": >'{}'; sleep", waits.display());
    let lines = lines.replace("WAIT", &wait);
    fs::write(&program, format!("#!/bin/sh\n{lines}\nexec {} \"$@\"\n", machine::program(tool).display()))
        .unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let burn = ByHand::lasting(Tools::of_debian().with(tool, program), LONG).await;
    let stopping = async {
        until("it is on its way", Duration::from_secs(10), async || waits.exists()).await;
        burn.succeeds("stop").await;
        assert_eq!(marked(&burn.fault), [0; 0]);
    };
    let (start, ()) = tokio::join!(burn.run("start"), stopping);
    assert_eq!(start.status, 137, "{tool}: {start:?}");
    // Nor does anything come after it.
    SystemClock::default().sleep(Duration::from_millis(1_900)).await;
    assert_eq!(marked(&burn.fault), [0; 0], "{tool}");
}

/// Kills starts at moments that are spread over the whole run of one, each alone or with all that it has not detached.
/// Hands what is left of each to `ends`.
async fn cut_anywhere(tools: Tools, duration: Duration, ends: impl AsyncFn(&ByHand)) {
    const MOMENTS: u32 = 16;
    let (whole, clock) = (ByHand::lasting(tools, LONG).await, SystemClock::default());
    let begun = clock.now();
    whole.succeeds("start").await;
    let span = clock.now().duration_since(begun).unsigned_abs();
    whole.succeeds("stop").await;
    let mut in_effect = 0;
    for moment in 0..MOMENTS {
        let burn = whole.again(duration);
        burn.killed(span * moment / MOMENTS, moment % 2 == 0).await;
        in_effect += u32::from(!marked(&burn.fault).is_empty());
        ends(&burn).await;
    }
    assert!(in_effect > 0, "no start had begun anything when it was killed");
}

#[tokio::test]
async fn a_start_that_is_cut_anywhere_ends_at_its_deadline() {
    let cut = async |tools| {
        cut_anywhere(tools, Duration::from_millis(400), async |burn| {
            until("it is over", Duration::from_secs(10), async || {
                let late = burn.late();
                let left = marked(&burn.fault);
                assert!(left.is_empty() || late < GRACE, "left {late:?} after the deadline: {left:?}");
                left.is_empty() && late > Duration::ZERO
            })
            .await;
        })
        .await;
    };
    join_all(Tools::all().into_iter().map(cut)).await;
}

#[tokio::test]
async fn a_start_that_is_cut_anywhere_leaves_nothing_after_its_recovery() {
    let cut = async |tools| {
        cut_anywhere(tools, LONG, async |burn| {
            burn.succeeds("stop").await;
            assert_eq!(marked(&burn.fault), [0; 0]);
            // Nor does anything come after it.
            SystemClock::default().sleep(Duration::from_millis(100)).await;
            assert_eq!(marked(&burn.fault), [0; 0]);
        })
        .await;
    };
    join_all(Tools::all().into_iter().map(cut)).await;
}

/// A recovery that cannot see the processes says neither that something is left nor that nothing is.
#[tokio::test]
async fn who_cannot_see_it_says_so() {
    if lacks_root("who_cannot_see_it_says_so") {
        return;
    }
    let burn = ByHand::lasting(Tools::of_debian(), LONG).await;
    burn.succeeds("start").await;
    let burning = holders(&burn.fault);
    assert!(!burning.is_empty());
    let debian = Tools::of_debian;
    for (tools, elsewhere, status, reason) in [
        (debian(), AS_NOBODY, 77, "user and group 0:0"),
        (debian(), "exec unshare --pid --fork --mount-proc /bin/dash \"$@\"", 77, "other namespaces"),
        (debian(), "PATH=/nowhere exec /bin/dash \"$@\"", 75, "is missing"),
    ] {
        let blind = burn.with_tools(tools.entered_through(elsewhere));
        let answer = blind.run("stop").await;
        assert_eq!(answer.status, status, "{elsewhere}: {answer:?}");
        assert!(answer.stderr.contains(reason), "{elsewhere}: {answer:?}");
        assert_eq!(holders(&burn.fault), burning, "{elsewhere}");
    }
    burn.succeeds("stop").await;
    assert_eq!(marked(&burn.fault), [0; 0]);
}

/// Forbids itself, by Landlock, to look outside of its own domain, and then executes its arguments. Exits with 9 if
/// Landlock is not available.
const BLINDED: &str = r#"
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
# A set of rules that handles the making of block devices alone, which nobody does here.
rules = ctypes.create_string_buffer(struct.pack("Q", 1 << 11))
descriptor = libc.syscall(444, rules, 8, 0)
if descriptor < 0 or libc.prctl(38, 1, 0, 0, 0) or libc.syscall(446, descriptor, 0):
    sys.exit(9)
os.execv(sys.argv[1], sys.argv[1:])
"#;

/// A security module may forbid what rights allow. A look that cannot see everything that the fault may have started is
/// no look.
#[tokio::test]
async fn whoever_is_kept_from_looking_has_not_looked() {
    let test = "whoever_is_kept_from_looking_has_not_looked";
    if lacks_root(test) {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let blinded = home.path().join("blinded.py");
    fs::write(&blinded, BLINDED).unwrap();
    // Without these rights, which let it look all the same.
    // The interpreter itself: a wrapper around it might have use for the variables of an order.
    let found =
        std::process::Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output();
    let python = found.map(|found| String::from_utf8(found.stdout).unwrap()).unwrap_or_default();
    let (python, blinded) = (python.trim(), blinded.display());
    let how = format!("setpriv --bounding-set=-perfmon,-sys_admin '{python}' '{blinded}'");
    let tried = std::process::Command::new("sh").args(["-c", &format!("{how} /bin/true")]).status().unwrap();
    if tried.code() != Some(0) {
        println!("skipped: {test}: this kernel has no Landlock, or there is no python3");
        return;
    }
    let path = std::env::var("PATH").unwrap();
    let entered =
        format!("here=$PATH PATH='{path}'; exec {how} /usr/bin/env PATH=\"$here\" /bin/dash \"$@\"");
    let burn = ByHand::lasting(Tools::of_debian(), LONG).await;
    burn.succeeds("start").await;
    let burning = holders(&burn.fault);
    assert!(!burning.is_empty());
    let answer = burn.with_tools(Tools::of_debian().entered_through(&entered)).run("stop").await;
    assert_eq!(answer.status, 75, "{answer:?}");
    assert_eq!(holders(&burn.fault), burning);
    burn.succeeds("stop").await;
    assert_eq!(marked(&burn.fault), [0; 0]);
}

/// A retry does not help a recovery as the wrong user, so the error comes at once. A retry with the rights helps.
#[tokio::test]
async fn the_wrong_user_is_told_at_once() {
    if lacks_root("the_wrong_user_is_told_at_once") {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let wrong = home.path().join("wrong");
    let lines = format!("[ ! -e '{}' ] || {AS_NOBODY}\nexec /bin/dash \"$@\"", wrong.display());
    let tools = Tools::of_debian().entered_through(&lines);
    let held = Held::inject(&Machine::with(tools), burn(20.0, LONG)).await;
    fs::write(&wrong, "").unwrap();
    let (clock, fault) = (SystemClock::default(), held.fault.to_string());
    let begun = clock.now();
    let (record, monkey) = held.not_recovered().await;
    let took = clock.now().duration_since(begun).unsigned_abs();
    let failure = record.failure.unwrap();
    assert_eq!(failure.kind, ErrorKind::Denied, "{failure}");
    assert!(
        failure.message.contains("user and group 0:0") && failure.message.contains("as root"),
        "{failure}"
    );
    // Of a budget of twenty.
    assert!(took < Duration::from_secs(10), "it took {took:?}");
    assert_ne!(holders(&fault), [0; 0]);
    fs::remove_file(&wrong).unwrap();
    assert_eq!(monkey.recover_pending().await.unwrap().faults[0].state, FaultState::Recovered);
    assert_eq!(marked(&fault), [0; 0]);
}

/// A burner that cannot tell the time ends.
#[tokio::test]
async fn a_clock_that_cannot_be_read_ends_it() {
    if !scene::is_inside("host_faults::cpu_burn::a_clock_that_cannot_be_read_ends_it") {
        return;
    }
    let nothing = tempfile::NamedTempFile::new().unwrap();
    for tools in Tools::all() {
        let burn = ByHand::lasting(tools, LONG).await;
        burn.succeeds("start").await;
        assert_eq!(holders(&burn.fault).len(), 1);
        run("mount", &["--bind", nothing.path().to_str().unwrap(), "/proc/uptime"]);
        until("it has ended", Duration::from_secs(20), async || marked(&burn.fault).is_empty()).await;
        let start = burn.run("start").await;
        assert!(start.status == 75 && start.stderr.contains("nothing was begun"), "{start:?}");
        run("umount", &["/proc/uptime"]);
    }
}

/// Nor does a machine's name matter, or that it has none.
#[tokio::test]
async fn a_machine_that_is_renamed_is_the_same_machine() {
    if !scene::is_inside("host_faults::cpu_burn::a_machine_that_is_renamed_is_the_same_machine") {
        return;
    }
    run("mount", &["--bind", "/dev/null", "/etc/machine-id"]);
    for sh in ["dash", "bash"] {
        let named = |name: &str| {
            let rename = format!("echo '{name}' >/proc/sys/kernel/hostname");
            Tools::of_debian().entered_through(&format!(
                "exec unshare --uts sh -c \"{rename}; exec {sh} \\\"\\$@\\\"\" sh \"$@\""
            ))
        };
        let burn = ByHand::recorded_in(named("web 1; *"), LONG).await;
        burn.succeeds("start").await;
        assert_eq!(holders(&burn.fault).len(), 1);
        burn.with_tools(named("$(reboot) b c")).succeeds("stop").await;
        assert_eq!(marked(&burn.fault), [0; 0]);
    }
}

#[tokio::test]
async fn what_ends_early_is_seen_while_it_is_held() {
    let machine = Machine::with(Tools::of_debian());
    let burn = burn(20.0, Duration::from_secs(8));
    let held = Held::inject(&machine, burn).await;
    for pid in holders(&held.fault.to_string()) {
        kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), Signal::KILL).unwrap();
    }
    let record = held.ended().await;
    assert_eq!(record.cut_short, Some(CutShort::EndedEarly), "{record:?}");
}

#[tokio::test]
async fn how_many_burners_were_left_is_said() {
    let machine = Machine::with(Tools::of_debian());
    let burn = CpuBurn::load(10.0).unwrap().cores(2).unwrap().lasting(LONG).unwrap();
    let held = Held::inject(&machine, burn).await;
    let burners = holders(&held.fault.to_string());
    assert_eq!(burners.len(), 2);
    kill_process(Pid::from_raw(burners[0].try_into().unwrap()).unwrap(), Signal::KILL).unwrap();
    until("one is left", Duration::from_secs(10), async || holders(&held.fault.to_string()).len() == 1).await;
    let record = held.cut_short().await;
    let note = record.note.clone().unwrap_or_default();
    assert!(note.contains("1 of 2 burners were left"), "{record:?}");
}

fn run(program: &str, arguments: &[&str]) {
    let status = std::process::Command::new(program).args(arguments).status().unwrap();
    assert!(status.success(), "{program} {arguments:?}: {status}");
}

/// Processes that a recovery could not see are no way in.
#[tokio::test]
async fn a_way_back_that_cannot_be_walked_is_found_before_the_way_in() {
    if lacks_root("a_way_back_that_cannot_be_walked_is_found_before_the_way_in") {
        return;
    }
    let no_proc = "exec unshare --mount sh -c 'mount -t tmpfs none /proc && exec \"$@\"' sh /bin/dash \"$@\"";
    let poor_grep = "case $* in *-z*) echo 'unknown option -z' >&2; exit 2 ;; esac\nexec /bin/grep \"$@\"";
    let (poor, _directory) = altered(Tools::of_debian(), "grep", poor_grep);
    let debian = Tools::of_debian;
    for (tools, reason) in [
        // Processes that /proc does not show.
        (debian().entered_through("exec unshare --pid --fork /bin/dash \"$@\""), "cannot be searched"),
        (debian().entered_through(no_proc), "cannot be read"),
        (poor, "unknown option"),
    ] {
        let machine = Machine::with(tools);
        let report = machine.monkey().inject(burn(20.0, LONG), &machine.id()).await.unwrap();
        assert_eq!(report.outcome(), Outcome::Skipped, "{report}");
        let reasons = report.why_nothing().join("; ");
        assert!(reasons.contains(reason), "{reason}: {reasons}");
        assert!(machine.ran().is_empty());
    }
}
