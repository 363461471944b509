//! The time from the start of an injection to the effect of a host fault, and from the start of its recovery to the end
//! of the effect.

use std::{net::UdpSocket, rc::Rc, sync::Mutex, time::Duration};

use chaos_core::{
    ChaosEvent,
    clock::{Clock, SystemClock},
    observer::Activity,
};
use chaos_events::{CpuBurn, DiskFill, NetworkBlackhole, Protocol};
use jiff::Timestamp;

use crate::{
    Effort,
    places::{Disk, Network, may_make},
    processes::{burners, cpu_time},
    target::OneTarget,
};

/// The time from one look, or packet, to the next.
const TICK: Duration = Duration::from_millis(1);
/// The limit of every wait: nothing here takes so long.
const AGES: Duration = Duration::from_secs(10);
/// The time for which a fault is left in effect.
const HELD: Duration = Duration::from_millis(200);

/// The times of one fault, in milliseconds.
struct Times {
    to_effect: f64,
    to_gone: f64,
}

pub(crate) async fn compare(effort: Effort) {
    println!("| event | inject to effect, ms: median | worst | recover to gone, ms: median | worst |");
    println!("|---|---|---|---|---|");
    let mut burns = Vec::new();
    for _ in 0..effort.repetitions {
        let event = CpuBurn::load(50.0).and_then(|burn| burn.cores(1)).unwrap();
        let target = OneTarget::here().await;
        let fault = Rc::clone(&target.fault);
        let processes = || fault.get().map(burners).unwrap_or_default();
        let in_effect = || cpu_time(&processes()) > 0.0;
        burns.push(times(target, event, in_effect, || processes().is_empty()).await);
    }
    print_row("cpu-burn", &burns);
    if !may_make("the latency of disk fill and network blackhole") {
        return;
    }
    let mut fills = Vec::new();
    for _ in 0..effort.repetitions {
        let disk = Disk::ext4();
        let event = DiskFill::bytes(disk.path().to_str().unwrap(), 200 << 20).unwrap();
        let (before, _) = disk.free_and_used();
        let taken = || before - disk.free_and_used().0.min(before);
        fills
            .push(times(OneTarget::here().await, event, || taken() >= 199 << 20, || taken() < 1 << 20).await);
    }
    print_row("disk-fill", &fills);
    let mut holes = Vec::new();
    for _ in 0..effort.repetitions {
        holes.push(blackhole().await);
    }
    print_row("network-blackhole", &holes);
}

fn print_row(event: &str, all: &[Times]) {
    let figures = |time: fn(&Times) -> f64| {
        let mut times: Vec<f64> = all.iter().map(time).collect();
        times.sort_by(f64::total_cmp);
        format!("{:.0} | {:.0}", times[times.len() / 2], times[times.len() - 1])
    };
    println!("| {event} | {} | {} |", figures(|times| times.to_effect), figures(|times| times.to_gone));
}

/// Injects, ends the hold a little later, and watches.
async fn times(
    target: OneTarget,
    event: impl ChaosEvent,
    in_effect: impl Fn() -> bool,
    is_gone: impl Fn() -> bool,
) -> Times {
    let (mut effect, mut gone) = (None, None);
    let watching = async {
        effect = Some(first(&in_effect).await);
        SystemClock::default().sleep(HELD).await;
    };
    let phases = fault(target, event, watching, async { gone = Some(first(&is_gone).await) }).await;
    Times {
        to_effect: milliseconds(phases.injecting, effect.unwrap()),
        to_gone: milliseconds(phases.recovering, gone.unwrap()),
    }
}

/// The starts of the phases of a fault.
struct Phases {
    injecting: Timestamp,
    recovering: Timestamp,
}

/// One fault: `held` while it is held, `ending` while it is recovered.
async fn fault(
    mut target: OneTarget,
    event: impl ChaosEvent,
    held: impl Future<Output = ()>,
    ending: impl Future<Output = ()>,
) -> Phases {
    let (monkey, id) = (target.monkey.clone(), target.id.clone());
    // Dropping the call cuts the hold short; the fault is recovered in a task of its own.
    let injecting = tokio::select! {
        report = monkey.inject(event, &id) => unreachable!("it ended by itself: {}", report.unwrap()),
        (injecting, ()) = async {
            tokio::join!(target.next(|activity| matches!(activity, Activity::Injecting { .. })), held)
        } => injecting,
    };
    let recovering = target.next(|activity| matches!(activity, Activity::Recovering { .. })).await;
    ending.await;
    target.next(|activity| matches!(activity, Activity::Recovered { .. })).await;
    Phases { injecting, recovering }
}

/// The moment at which `is_so` was true for the first time.
async fn first(is_so: impl Fn() -> bool) -> Timestamp {
    let clock = SystemClock::default();
    let begun = clock.now();
    loop {
        let now = clock.now();
        if is_so() {
            return now;
        }
        assert!(now.duration_since(begun).unsigned_abs() < AGES, "waited too long");
        clock.sleep(TICK).await;
    }
}

fn milliseconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64() * 1000.0
}

/// Sends a packet for each tick. Finds the first that does not arrive, and the first after that which does.
async fn blackhole() -> Times {
    let network = Network::make();
    let (sender, receiver) = network.sockets();
    let port = receiver.local_addr().unwrap().port();
    let event = NetworkBlackhole::ports(Protocol::Udp, [port]).unwrap();
    let sent = Mutex::new(Vec::new());
    let sending = async {
        loop {
            let number = {
                let mut sent = sent.lock().unwrap();
                sent.push(SystemClock::default().now());
                sent.len() as u32 - 1
            };
            // A packet that the blackhole drops on its way out is an error here.
            let _ = sender.send(&number.to_be_bytes());
            SystemClock::default().sleep(TICK).await;
        }
    };
    let target = OneTarget::within(&network.name).await;
    let clock = SystemClock::default();
    // The injection takes its part of the first second.
    let (held, ending) = (clock.sleep(2 * HELD), clock.sleep(2 * HELD));
    let phases = tokio::select! {
        phases = fault(target, event, held, ending) => phases,
        () = sending => unreachable!("it never ends"),
    };
    let sent = sent.into_inner().unwrap();
    let arrived = arrived(&receiver, sent.len());
    let lost = (0..sent.len()).find(|&number| sent[number] >= phases.injecting && !arrived[number]).unwrap();
    let back = (lost..sent.len()).find(|&number| arrived[number]).unwrap();
    Times {
        to_effect: milliseconds(phases.injecting, sent[lost]),
        to_gone: milliseconds(phases.recovering, sent[back]),
    }
}

fn arrived(receiver: &UdpSocket, sent: usize) -> Vec<bool> {
    let mut arrived = vec![false; sent];
    receiver.set_nonblocking(true).unwrap();
    let mut packet = [0; 4];
    while let Ok(4) = receiver.recv(&mut packet) {
        arrived[u32::from_be_bytes(packet) as usize] = true;
    }
    arrived
}
