//! CPU burn and `stress-ng`, in turn, on an idle machine and beside a hog.

use std::{process::Command, rc::Rc, time::Duration};

use chaos_core::{Outcome, observer::Activity};
use chaos_events::CpuBurn;

use crate::{
    Effort,
    processes::{Owned, burners, children_of, load_of, until_found},
    target::OneTarget,
};

/// The first moments of a burner, which are not measured: the request is an average over a second.
const WARM_UP: Duration = Duration::from_millis(200);

pub(crate) async fn compare(effort: Effort) {
    let has_peer = Command::new("stress-ng").arg("--version").output().is_ok();
    if !has_peer {
        println!("skipped: the comparison with stress-ng: it is not installed");
    }
    println!("| machine | cores | requested % | CpuBurn % | error | stress-ng % | error |");
    println!("|---|---|---|---|---|---|---|");
    for (machine, hogs) in [("idle", 0), ("one hog", 1)] {
        let _hogs: Vec<Owned> = (0..hogs).map(|_| Owned::hog()).collect();
        for cores in [1, 2] {
            for &load in effort.loads {
                let ours = burn(load, cores, effort.window).await;
                let theirs = if has_peer { Some(stress(load, cores, effort.window).await) } else { None };
                let cell = |achieved: f64| format!("{achieved:.1} | {:+.1}", achieved - f64::from(load));
                let theirs = theirs.map_or_else(|| "- | -".to_owned(), cell);
                println!("| {machine} | {cores} | {load} | {} | {theirs} |", cell(ours));
            }
        }
    }
}

async fn burn(load: u32, cores: usize, window: Duration) -> f64 {
    let mut target = OneTarget::here().await;
    let (monkey, id, fault) = (target.monkey.clone(), target.id.clone(), Rc::clone(&target.fault));
    let duration = WARM_UP + window + Duration::from_millis(500);
    let event = CpuBurn::load(f64::from(load)).and_then(|burn| burn.cores(cores)?.lasting(duration)).unwrap();
    let measuring = async {
        target.next(|activity| matches!(activity, Activity::Injected { .. })).await;
        let processes = burners(fault.get().unwrap());
        assert_eq!(processes.len(), cores);
        measure(&processes, window).await
    };
    let (report, achieved) = tokio::join!(monkey.inject(event, &id), measuring);
    let report = report.unwrap();
    assert_eq!(report.outcome(), Outcome::Completed, "{report}");
    achieved
}

async fn stress(load: u32, cores: usize, window: Duration) -> f64 {
    let seconds = (WARM_UP + window).as_secs() + 2;
    let arguments =
        ["--cpu", &cores.to_string(), "--cpu-load", &load.to_string(), "--timeout", &seconds.to_string()];
    let peer = Owned::start(Command::new("stress-ng").args(arguments));
    let find = || Some(children_of(peer.0.id())).filter(|found| found.len() == cores);
    let workers = until_found("the workers of stress-ng", find).await;
    measure(&workers, window).await
}

async fn measure(processes: &[u32], window: Duration) -> f64 {
    load_of(processes, WARM_UP).await;
    load_of(processes, window).await
}
