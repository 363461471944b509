//! The examples on processes of this machine, and those in memory.

use std::{
    fs,
    process::{Child, Command},
};

use crate::program::{Running, printed};

fn example(path: &str) -> Command {
    Command::new(path)
}

#[test]
fn a_dry_run_tells_of_everybody() {
    let printed = printed(&mut example(env!("CARGO_BIN_EXE_dry_run")));
    let table = "\
group      target     decision
local:web  replica-0  not drawn";
    assert!(printed.starts_with(table), "{printed}");
    assert_eq!(printed.matches("chosen: terminate").count(), 1, "{printed}");
    assert!(printed.ends_with("dry-run: 0 faults\n"), "{printed}");
}

#[test]
fn an_own_event_is_injected_and_undone() {
    let printed = printed(&mut example(env!("CARGO_BIN_EXE_own_event")));
    assert!(printed.starts_with("completed (run"), "{printed}");
    assert!(printed.contains("lose-configuration on local:web/replica-"), "{printed}");
    assert!(printed.ends_with("configuration: colour = 'green'\n"), "{printed}");
}

#[test]
fn lamps_are_switched_off_and_on() {
    let printed = printed(&mut example(env!("CARGO_BIN_EXE_own_provider")));
    assert!(printed.starts_with("completed (run"), "{printed}");
    assert!(printed.contains("stop on lamps:hall/lamp-"), "{printed}");
}

#[test]
fn an_own_calendar_closes_before_a_release() {
    let printed = printed(&mut example(env!("CARGO_BIN_EXE_own_calendar")));
    let lines: Vec<&str> = printed.lines().collect();
    let expected = [
        "2026-03-02T10:00:00Z: open until 2026-03-02T15:00:00Z",
        "2026-03-02T20:00:00Z: closed",
        "2026-03-04T10:00:00Z: closed, because a release is near",
    ];
    assert_eq!(lines[..3], expected);
    assert!(["now: 0 chosen", "now: 1 chosen"].contains(&lines[3]), "as it is office hours in London");
}

#[test]
fn an_observer_forbids_while_a_deployment_is_under_way() {
    let place = tempfile::tempdir().unwrap();
    let lock = place.path().join("deploy.lock");
    let run = || printed(example(env!("CARGO_BIN_EXE_forbid")).arg(&lock));
    fs::write(&lock, "").unwrap();
    let forbidden = run();
    assert!(forbidden.starts_with("skipped (run"), "{forbidden}");
    assert!(forbidden.contains("a deployment is under way"), "{forbidden}");
    fs::remove_file(&lock).unwrap();
    let allowed = run();
    assert!(allowed.contains("is being injected"), "{allowed}");
    assert!(allowed.contains("completed (run"), "{allowed}");
}

/// A process of the user that ends with the test.
struct Mine(Child);

impl Mine {
    fn start() -> Self {
        Self(Command::new("sleep").arg("600").spawn().unwrap())
    }

    fn is_frozen(&self) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap();
        stat.rsplit(") ").next().unwrap().starts_with('T')
    }
}

impl Drop for Mine {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn what_a_killed_program_has_left_is_recovered_at_its_next_start() {
    let (place, mine) = (tempfile::tempdir().unwrap(), Mine::start());
    let start = |seconds: &str| {
        let mut command = example(env!("CARGO_BIN_EXE_recover_after_a_crash"));
        command.arg(place.path().join("chaos.journal")).args([&mine.0.id().to_string(), seconds]);
        command
    };
    let mut first = Running::start(&mut start("600"));
    first.line_with("freezing");
    while !mine.is_frozen() {
        std::thread::yield_now();
    }
    first.kill();
    assert!(mine.is_frozen(), "nothing has undone it yet");

    let second = printed(&mut start("1"));
    assert!(second.starts_with("left behind by an earlier start: stop on process:mine/0@"), "{second}");
    assert!(second.lines().next().unwrap().ends_with(" is recovered"), "{second}");
    assert!(second.contains("completed (run"), "{second}");
    assert!(!mine.is_frozen());
}

#[test]
fn a_nightly_job_hits_each_group_once_and_ends_when_it_is_told_to() {
    let place = tempfile::tempdir().unwrap();
    let journal = place.path().join("chaos.journal");
    let mut job = Running::start(example(env!("CARGO_BIN_EXE_nightly_job")).arg(&journal).arg("--now"));
    let mut hit = [job.line_with("armed: terminate"), job.line_with("armed: terminate")];
    hit.sort_by_key(|line| line.contains("local:web"));
    assert!(hit[0].contains("local:shop/replica-") && hit[1].contains("local:web/replica-"), "{hit:?}");
    assert!(job.line_with("run ended").ends_with("run ended: completed"));
    job.interrupt();
    assert!(job.end().ends_with("every target is back"));
}
