//! An unprivileged user who knows the ids of all faults, and wants them to continue or wants processes of others to be
//! ended. No process of others is signalled, no recovery is hindered, delayed or faked, and none of the user's commands
//! runs.
//!
//! Each test is a scene in a process namespace of its own, which ends with everything in it.

use std::{
    fs,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use chaos_core::clock::{Clock, SystemClock};
use tempfile::TempDir;

use crate::host_faults::{
    cpu_burn::by_hand::ByHand,
    machine::{Tools, holders, program, until},
    scene,
};

const LONG: Duration = Duration::from_secs(600);
const NOBODY: u32 = 65_534;

/// Processes of somebody else, and the commands that they want to be run.
struct Stranger {
    fault: String,
    home: TempDir,
    processes: Vec<Child>,
}

impl Stranger {
    fn knows(fault: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o777)).unwrap();
        Self { fault: fault.to_owned(), home, processes: Vec::new() }
    }

    /// Starts a process whose first variable is the mark, as far as that is more than its name.
    fn marked(&mut self, mark: &str, user: u32, name: impl AsRef<Path>, arguments: &[&str]) {
        let arguments: Vec<_> = arguments.iter().map(|word| self.meaning(word)).collect();
        let mut command = Command::new("env");
        command.args(["-i", &format!("{mark}={}", self.fault), "PATH=/usr/bin:/bin"]);
        command.arg("program=sleep 1000").arg("setsid").arg(name.as_ref()).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).uid(user).gid(user);
        // A group of its own would make setsid fork.
        self.processes.push(command.spawn().unwrap());
    }

    fn meaning(&self, word: &str) -> String {
        word.replace("FAULT", &self.fault).replace("EVIL", &format!("touch {}", self.evil().display()))
    }

    fn evil(&self) -> PathBuf {
        self.home.path().join("ran")
    }

    /// Processes that name the mark, that look like a holder, or that contain commands to be evaluated.
    fn forges(&mut self) {
        let all: [&[&str]; 10] = [
            &["perl", "-e", "sleep 1000", "5", "mark=0"],
            &["perl", "-e", "sleep 1000", "5", "now[$(EVIL)]"],
            &["perl", "-e", "sleep 1000", "now[$(EVIL)]", "99999999"],
            &["perl", "-e", "sleep 1000", "from=mark[$(EVIL)]", "until=now[$(EVIL)]"],
            &["sh", "-c", "eval \"$program\"", "chaos-fault-FAULT", "from=1", "until=99999999"],
            &["sh", "-c", "eval \"$program\"", "chaos-fault-FAULT", "from=a[$(EVIL)]", "until=b[$(EVIL)]"],
            &["sh", "-c", "eval \"$program\"", "chaos-start-FAULT"],
            &["sh", "-c", ": chaos-start FAULT; sleep 1000"],
            &["sleep", "1000"],
            &["env", "-i", "CHAOS_FAULT=FAULT", "PATH=/usr/bin:/bin", "sleep", "1000"],
        ];
        for words in all {
            for mark in ["CHAOS_FAULT", "CHAOS_LOOK", "MARK"] {
                self.marked(mark, NOBODY, words[0], &words[1..]);
            }
        }
    }

    /// Processes with root's rights, which their file lends them.
    fn borrows_rights(&mut self) {
        for name in ["sleep", "dash"] {
            let copy = self.home.path().join(name);
            fs::copy(program(name), &copy).unwrap();
            fs::set_permissions(&copy, fs::Permissions::from_mode(0o4755)).unwrap();
        }
        let (sleep, dash) = (self.home.path().join("sleep"), self.home.path().join("dash"));
        self.marked("CHAOS_FAULT", NOBODY, sleep, &["1000"]);
        let words = ["-p", "-c", "sleep 1000; true", "chaos-fault-FAULT", "from=1", "until=99999999"];
        self.marked("CHAOS_FAULT", NOBODY, dash, &words);
    }

    fn is_many(&mut self) {
        for _ in 0..300 {
            self.marked("CHAOS_FAULT", NOBODY, "sleep", &["1000"]);
        }
    }

    fn respawns(&mut self) {
        let words = ["-c", "while :; do env -i CHAOS_FAULT=FAULT PATH=/usr/bin:/bin sleep 0.01; done"];
        for _ in 0..3 {
            self.marked("CHAOS_FAULT", NOBODY, "sh", &words);
        }
    }

    /// Processes of root that name the fault but do not belong to it.
    fn bystanders(&mut self) {
        self.marked("NOTE", 0, "sleep", &["1000"]);
        self.marked("HOOK=kill all with CHAOS_FAULT", 0, "sleep", &["1000"]);
        self.marked("CHAOS_FAULT=0", 0, "sleep", &["1000"]);
        self.marked("CHAOS_FAULT", 0, "perl", &["-e", "sleep 1000", "chaos-fault-FAULT"]);
        self.marked(
            "PATH=/bin",
            0,
            "sh",
            &["-c", "sleep 1000; true", ": chaos-start FAULT;", "CHAOS_FAULT=FAULT"],
        );
    }

    fn assert_untouched(&mut self, after: &str) {
        for process in &mut self.processes {
            assert_eq!(
                process.try_wait().unwrap(),
                None,
                "{after}: a stranger's process has ended: {process:?}"
            );
        }
        assert!(!self.evil().exists(), "{after}: a stranger's command has run");
    }
}

async fn took(work: impl Future<Output = ()>) -> Duration {
    let clock = SystemClock::default();
    let begun = clock.monotonic();
    work.await;
    clock.monotonic().saturating_sub(begun)
}

/// Begins a fault beside this stranger, looks at it and ends it, with each shell.
async fn is_recovered_beside(make: impl Fn(&mut Stranger)) {
    for tools in Tools::all() {
        let alone = ByHand::lasting(tools, LONG).await;
        alone.succeeds("start").await;
        let usual = took(async { drop(alone.succeeds("stop").await) }).await;

        let burn = alone.again(LONG);
        let mut stranger = Stranger::knows(&burn.fault);
        make(&mut stranger);
        // Not taken for it while it is not there,
        assert_eq!(burn.number("status", "processes").await, 0);
        burn.succeeds("stop").await;
        stranger.assert_untouched("a stop of nothing");
        // nor for one that is there already,
        let started = burn.succeeds("start").await;
        let own: Vec<_> = started.stdout.lines().filter(|line| line.starts_with("holder=")).collect();
        assert_eq!(own.len(), 1, "{started:?}");
        stranger.assert_untouched("a start");
        // nor counted in what it achieves.
        let status = burn.succeeds("status").await;
        assert_eq!(status.stdout.matches("burning=").count(), 1, "{status:?}");
        assert!(status.stdout.contains("burners=1\n"), "{status:?}");
        let pid: u32 = own[0].trim_start_matches("holder=").split('.').next().unwrap().parse().unwrap();
        assert!(holders(&burn.fault).contains(&pid));
        let with = took(async { drop(burn.succeeds("stop").await) }).await;
        assert_eq!(
            holders(&burn.fault).into_iter().find(|holder| *holder == pid),
            None,
            "the burner goes on"
        );
        assert!(with < 3 * usual + Duration::from_secs(1), "{with:?} instead of {usual:?}");
        assert_eq!(burn.number("status", "processes").await, 0);
        stranger.assert_untouched("a stop");
        assert!(!stranger.processes.is_empty());
    }
}

#[tokio::test]
async fn forged_marks() {
    if scene::is_inside("host_faults::adversary::forged_marks") {
        is_recovered_beside(Stranger::forges).await;
    }
}

#[tokio::test]
async fn borrowed_rights() {
    if scene::is_inside("host_faults::adversary::borrowed_rights") {
        is_recovered_beside(Stranger::borrows_rights).await;
    }
}

#[tokio::test]
async fn hundreds_of_marked_processes() {
    if scene::is_inside("host_faults::adversary::hundreds_of_marked_processes") {
        is_recovered_beside(Stranger::is_many).await;
    }
}

#[tokio::test]
async fn processes_that_come_again() {
    if scene::is_inside("host_faults::adversary::processes_that_come_again") {
        is_recovered_beside(Stranger::respawns).await;
    }
}

#[tokio::test]
async fn bystanders_that_name_the_fault() {
    if scene::is_inside("host_faults::adversary::bystanders_that_name_the_fault") {
        is_recovered_beside(Stranger::bystanders).await;
    }
}

/// Nor is what a journal or an order says.
#[tokio::test]
async fn text_of_a_journal_is_not_evaluated() {
    if !scene::is_inside("host_faults::adversary::text_of_a_journal_is_not_evaluated") {
        return;
    }
    for tools in Tools::all() {
        let burn = ByHand::lasting(tools, LONG).await;
        let stranger = Stranger::knows(&burn.fault);
        let own = crate::host_faults::machine::vantage();
        for word in ["a[$(EVIL)]", "$(EVIL)", "*", "08", "99999999999999999999"] {
            let word = stranger.meaning(word).replace(' ', "${IFS}");
            for place in 0..6 {
                let mut words: Vec<_> = own.split(' ').collect();
                words[place] = &word;
                let answer = burn.with("vantage", &words.join(" ")).run("stop").await;
                // What it says of the machine alone does not matter in the same boot.
                let is_refused = matches!(answer.status, 75 | 77) || (place == 0 && answer.status == 0);
                assert!(
                    is_refused || (place == 5 && word == "08" && answer.status == 0),
                    "{words:?}: {answer:?}"
                );
            }
            for name in ["ends_at", "at_most", "load", "cores"] {
                let forged = burn.with(name, &word);
                let answer = forged.run("start").await;
                assert!(
                    matches!(answer.status, 1 | 2 | 64 | 75 | 127) || word == "08",
                    "{name}={word}: {answer:?}"
                );
                forged.succeeds("stop").await;
            }
        }
        assert!(!stranger.evil().exists());
        until("nothing is left", Duration::from_secs(5), async || holders(&burn.fault).is_empty()).await;
    }
}
