//! Recoveries under scarcity: of processes, descriptors, memory, commands, `/proc`. They may fail, and say so. They
//! never say that nothing is left while something is.
//!
//! A drawn part of them runs, `CHAOS_SEED` says which; with `CHAOS_LONG=1` all of them do.

use std::{collections::BTreeMap, env, fmt, time::Duration};

use chaos_core::clock::{Clock, SystemClock};
use futures_util::future::join_all;

use crate::host_faults::{
    cpu_burn::by_hand::ByHand,
    machine::{Tools, holders, marked},
    scene,
};

const LONG: Duration = Duration::from_secs(3_600);
/// How many are drawn for each shell.
const DRAWN: usize = 6;
/// Of no rights, and for each shell another: what they may start is counted for each user.
const USERS: [u32; 3] = [64_001, 64_002, 64_003];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Short {
    /// How many processes the user may have, with those of the fault.
    Processes(u32),
    /// How many descriptors a process may have open.
    Descriptors(u32),
    /// How many KiB a process may address.
    Memory(u32),
    NoProc,
    /// `hidepid=2`, for the user who began it.
    Hidden,
    /// The same, for another one.
    HiddenFromAnother,
    Missing(&'static str),
}

impl Short {
    fn all() -> Vec<Self> {
        let processes = (2..=12).map(Self::Processes);
        let descriptors = (6..=32).map(Self::Descriptors);
        let memory = (1..=16).map(|step| Self::Memory(step * 600));
        let missing = ["env", "sh", "grep", "ls", "readlink", "sleep", "setsid", "getconf", "nproc", "cat"];
        let others = [Self::NoProc, Self::Hidden, Self::HiddenFromAnother];
        processes.chain(descriptors).chain(memory).chain(missing.map(Self::Missing)).chain(others).collect()
    }

    /// The recoveries of this shell under this scarcity.
    fn tools(self, name: &str, user: u32) -> Tools {
        let tools = shell(name);
        let sh = tools.path().join("sh").display().to_string();
        let user = if self == Self::HiddenFromAnother { user + 100 } else { user };
        let whoever = format!("setpriv --reuid {user} --regid {user} --clear-groups");
        let inside = |mount: &str| format!("unshare --mount sh -c '{mount} && exec \"$@\"' sh {whoever}");
        let how = match self {
            Self::Processes(limit) => format!("prlimit --nproc={limit} {whoever}"),
            Self::Descriptors(limit) => format!("{whoever} prlimit --nofile={limit}"),
            Self::Memory(limit) => format!("{whoever} prlimit --as={}", limit * 1_024),
            Self::NoProc => inside("mount -t tmpfs none /proc"),
            Self::Hidden | Self::HiddenFromAnother => inside("mount -t proc -o hidepid=2 proc /proc"),
            Self::Missing(_) => whoever,
        };
        let tools = match self {
            // Of an order's own shell there is always one.
            Self::Missing(command) => tools.with("own-sh", std::fs::read_link(&sh).unwrap()).without(command),
            _ => tools,
        };
        let sh = match (self, name) {
            (Self::Missing("sh"), "busybox") => "busybox sh".to_owned(),
            (Self::Missing("sh"), _) => sh.replace("/sh", "/own-sh"),
            _ => sh,
        };
        // Some shells try for a long time to start a process.
        let script = format!(
            "PATH=/usr/sbin:/usr/bin:/sbin:/bin\nexec timeout -s KILL 6 {how} env PATH={} {sh} \"$@\"",
            tools.path().display()
        );
        tools.entered_through(&script)
    }
}

/// A shell, which busybox has all of its tools for.
fn shell(name: &str) -> Tools {
    match name {
        "dash" => Tools::of_debian(),
        "bash" => Tools::of_bash(),
        _ => Tools::of_busybox().unwrap(),
    }
}

/// How the recoveries of one shell went.
#[derive(Debug, Default)]
struct Figures {
    recovered: u32,
    refused: BTreeMap<String, u32>,
    looks: u32,
    blind: u32,
}

impl fmt::Display for Figures {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { recovered, refused, looks, blind } = self;
        write!(
            formatter,
            "{recovered} recovered, refused with {refused:?}; {looks} looks, {blind} of them refused"
        )
    }
}

async fn recover_all(name: &'static str, user: u32, cases: Vec<Short>) -> Figures {
    let enter = format!("exec setpriv --reuid {user} --regid {user} --clear-groups");
    let rich = Tools::of_debian().entered_through(&format!("{enter} /bin/dash \"$@\""));
    let burn = ByHand::recorded_in(rich, LONG).await;
    let mut figures = Figures::default();
    for case in cases {
        let burn = burn.again(LONG);
        burn.succeeds("start").await;
        assert_eq!(holders(&burn.fault).len(), 1, "{name}, {case:?}");
        let poor = burn.with_tools(case.tools(name, user));
        let look = poor.run("status").await;
        figures.looks += 1;
        figures.blind += u32::from(look.status != 0);
        assert!(look.status != 0 || look.stdout.contains("burners=1\n"), "{name}, {case:?}: {look:?}");
        let stop = poor.run("stop").await;
        let left = marked(&burn.fault);
        assert!(
            stop.status != 0 || left.is_empty(),
            "{name}, {case:?}: recovered, and left is {left:?}: {stop:?}"
        );
        if stop.status == 0 {
            figures.recovered += 1;
        } else {
            *figures.refused.entry(stop.status.to_string()).or_default() += 1;
        }
        burn.succeeds("stop").await;
        assert_eq!(marked(&burn.fault), [0; 0], "{name}, {case:?}");
    }
    figures
}

/// Of all of them, those that this seed draws.
fn drawn(mut all: Vec<Short>, mut seed: u64) -> Vec<Short> {
    let mut drawn = Vec::new();
    while drawn.len() < DRAWN && !all.is_empty() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let place = usize::try_from(seed >> 33).unwrap() % all.len();
        drawn.push(all.swap_remove(place));
    }
    drawn
}

#[tokio::test]
async fn a_recovery_that_is_short_of_something_never_says_that_it_is_over() {
    if !scene::is_inside(
        "host_faults::scarcity::a_recovery_that_is_short_of_something_never_says_that_it_is_over",
    ) {
        return;
    }
    let seed = match env::var("CHAOS_SEED").ok().and_then(|seed| seed.parse().ok()) {
        Some(seed) => seed,
        None => SystemClock::default().now().as_microsecond().unsigned_abs(),
    };
    let is_long = env::var("CHAOS_LONG").is_ok_and(|long| long == "1");
    eprintln!("CHAOS_SEED={seed}{}", if is_long { ", which draws nothing: all of them" } else { "" });
    let mut shells = vec!["dash", "bash"];
    shells.extend(Tools::of_busybox().map(|_| "busybox"));
    let recoveries = shells.into_iter().zip(USERS).map(async |(name, user)| {
        let all = Short::all();
        let cases = if is_long { all } else { drawn(all, seed.wrapping_add(user.into())) };
        let number = cases.len();
        let figures = recover_all(name, user, cases).await;
        eprintln!("{name}: of {number} recoveries {figures}");
    });
    join_all(recoveries).await;
}
