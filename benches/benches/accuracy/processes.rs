//! The kernel's figures of processes, and the processes that are targets here.

use std::{
    fs,
    process::{Child, Command, Stdio},
    time::Duration,
};

use chaos_core::{
    FaultId,
    clock::{Clock, SystemClock},
};

/// The ticks per second, in which `/proc` gives CPU time.
const TICKS: f64 = 100.0;

/// A process that ends with this handle.
#[derive(Debug)]
pub(crate) struct Owned(pub(crate) Child);

impl Owned {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// One core's worth of competition.
    pub(crate) fn hog() -> Self {
        Self::start(Command::new("sh").args(["-c", "while :; do :; done"]))
    }

    /// A process that can be a target.
    pub(crate) fn idle() -> Self {
        Self::start(Command::new("sleep").arg("100000"))
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The leaders of sessions with the mark of this fault.
pub(crate) fn burners(fault: FaultId) -> Vec<u32> {
    let mark = format!("CHAOS_FAULT={fault}");
    let is_burner = |pid: &u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.starts_with(mark.as_bytes())
            && fields(*pid).is_some_and(|fields| fields[3] == pid.to_string())
    };
    let processes =
        fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    processes.filter(is_burner).collect()
}

pub(crate) fn children_of(pid: u32) -> Vec<u32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    children.split_whitespace().map(|child| child.parse().unwrap()).collect()
}

/// The CPU time of these processes and of their children that have ended, in seconds.
pub(crate) fn cpu_time(processes: &[u32]) -> f64 {
    let of_one = |pid: &u32| {
        let fields = fields(*pid)?;
        Some(fields[11..15].iter().map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / TICKS)
    };
    processes.iter().filter_map(of_one).sum()
}

/// The average use of one core by each of these processes over `window`, in percent.
pub(crate) async fn load_of(processes: &[u32], window: Duration) -> f64 {
    let clock = SystemClock::default();
    let (begun, before) = (clock.now(), cpu_time(processes));
    clock.sleep(window).await;
    let (passed, after) = (clock.now().duration_since(begun).as_secs_f64(), cpu_time(processes));
    (after - before) / passed / processes.len() as f64 * 100.0
}

/// The fields of `/proc/PID/stat` after the name.
fn fields(pid: u32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(stat.rsplit_once(") ")?.1.split(' ').map(str::to_owned).collect())
}

/// Waits until `find` finds something.
pub(crate) async fn until_found<T>(what: &str, mut find: impl FnMut() -> Option<T>) -> T {
    let clock = SystemClock::default();
    for _ in 0..10_000 {
        if let Some(found) = find() {
            return found;
        }
        clock.sleep(Duration::from_millis(1)).await;
    }
    unreachable!("waited too long for {what}")
}
