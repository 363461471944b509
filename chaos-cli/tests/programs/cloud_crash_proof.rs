//! Crash proof in the clouds: whenever a drill is killed while every call is slow, its faults are undone.

use std::{collections::BTreeMap, env, fs, path::Path, time::Duration};

use crate::stand_in::StandIn;
use crate::support::{DRILL, Ended, RECOVER, SplitMix, command, end, pending, text};
use chaos_core::{
    Journal,
    clock::{Clock, SystemClock},
    journal::FaultQuery,
};
use chaos_journal::SqlJournal;
use fake_azure::{FakeArm, NewAvailabilitySet, NewScaleSet, PowerState, Trouble};
use futures_util::future::join_all;
use serde_json::json;
use tempfile::TempDir;

/// The delay of every answer, in milliseconds.
const SLOW: u64 = 120;
/// The number of all kills, and the number of them that is drawn if not all are run.
const KILLS: usize = 100;
const DRAWN: usize = 4;
/// The number of kills at the same time, each with a cloud of its own.
const LANES: usize = 4;
const SIZE: usize = 4;

/// The events, each with its arguments and the seconds within which its drill is killed.
const EVENTS: [(&str, &[&str], f64); 6] = [
    ("terminate", &[], 3.0),
    ("stop", &["--duration", "3s"], 5.0),
    ("reboot", &[], 3.0),
    ("cpu-burn", &["--cores", "1", "--load", "5", "--duration", "8s"], 10.0),
    ("disk-fill", &["--bytes", "1MB", "--duration", "8s"], 10.0),
    ("network-blackhole", &["--ports", "9", "--duration", "8s"], 10.0),
];

/// One kill.
#[derive(Debug)]
struct Case {
    on_aws: bool,
    event: usize,
    /// In seconds after the arming; for one kill in four, after the start of the drill.
    moment: f64,
    is_from_the_arming: bool,
    seed: u64,
}

impl Case {
    fn drawn(number: usize, random: &mut SplitMix) -> Self {
        let event = number % EVENTS.len();
        let moment = EVENTS[event].2 * random.next_unit();
        let is_from_the_arming = !random.next().is_multiple_of(4);
        let on_aws = (number / EVENTS.len()).is_multiple_of(2);
        Self { on_aws, event, moment, is_from_the_arming, seed: random.next() >> 12 }
    }
}

/// One of the two clouds, with a set of four machines in it.
enum Cloud {
    Aws(StandIn),
    Azure(FakeArm),
}

struct Lane {
    cloud: Cloud,
    place: TempDir,
}

impl Lane {
    /// `None` if moto is not installed.
    fn of(case: &Case) -> Option<Self> {
        let cloud = if case.on_aws {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fakes/aws");
            let cloud = StandIn::start(&folder)?;
            cloud.add(json!([{ "name": "web", "region": "eu-west-1", "size": SIZE }]));
            cloud.break_calls(json!({ "do": "delay", "count": 0, "milliseconds": SLOW }));
            Cloud::Aws(cloud)
        } else {
            let fake = FakeArm::start().unwrap();
            let size = u32::try_from(SIZE).unwrap();
            // Only a scale set that is kept at its size replaces machines.
            if EVENTS[case.event].0 == "terminate" {
                fake.add(NewScaleSet::new("shop", "web").capacity(size).held_at(size));
            } else {
                fake.add(NewAvailabilitySet::new("shop", "web").machines(size));
            }
            fake.trouble(Trouble::delay(SLOW).for_ever());
            Cloud::Azure(fake)
        };
        let place = tempfile::Builder::new().prefix("chaos-cloud-kill-").tempdir().unwrap();
        fs::create_dir(place.path().join("disk")).unwrap();
        Some(Self { cloud, place })
    }

    fn program(&self, program: &str, arguments: &[&str]) -> tokio::process::Command {
        let mut command = command(program, arguments);
        let ours = |name: &str| name.starts_with("AWS_") || name.starts_with("AZURE_");
        for (name, _) in env::vars_os().filter(|(name, _)| ours(&name.to_string_lossy())) {
            command.env_remove(name);
        }
        match &self.cloud {
            Cloud::Aws(cloud) => command
                .env("AWS_ENDPOINT_URL", cloud.endpoint())
                .env("AWS_ACCESS_KEY_ID", "test")
                .env("AWS_SECRET_ACCESS_KEY", "test")
                .env("AWS_REGION", "eu-west-1")
                .env("AWS_EC2_METADATA_DISABLED", "true"),
            Cloud::Azure(fake) => command
                .env("AZURE_RESOURCE_MANAGER_ENDPOINT", fake.endpoint())
                .env("AZURE_SUBSCRIPTION_ID", FakeArm::SUBSCRIPTION)
                .env("IDENTITY_ENDPOINT", format!("{}/msi/token", fake.endpoint()))
                .env("IDENTITY_HEADER", FakeArm::SECRET),
        };
        command.env("HOME", self.place.path()).env_remove("XDG_STATE_HOME");
        command
    }

    fn provider(&self) -> &'static str {
        match self.cloud {
            Cloud::Aws(_) => "aws",
            Cloud::Azure(_) => "azure",
        }
    }

    async fn ran(&self, program: &str, arguments: &[&str]) -> Ended {
        end(self.program(program, arguments).spawn().unwrap()).await
    }

    /// Kills a drill, recovers, and checks that nothing is left. Returns the fault that was found, and how many
    /// processes held it.
    async fn perform(&self, case: &Case, said: &str) -> (String, usize) {
        let (event, more, _) = EVENTS[case.event];
        let (journal, disk) = (self.place.path().join("journal"), self.place.path().join("disk"));
        let seed = case.seed.to_string();
        let mut line =
            vec!["--provider", self.provider(), "--group", "web", "--yes", "--json", "--seed", &seed];
        line.extend(["--event", event, "--journal", text(&journal)]);
        line.extend(more);
        if event == "disk-fill" {
            line.extend(["--path", text(&disk)]);
        }
        let mut drill = self.program(DRILL, &line).spawn().unwrap();
        let clock = SystemClock::default();
        while case.is_from_the_arming && drill.try_wait().unwrap().is_none() && !holds_a_fault(&journal).await
        {
            clock.sleep(Duration::from_millis(20)).await;
        }
        clock.sleep(Duration::from_secs_f64(case.moment)).await;
        let _ = drill.start_kill();
        let drill = end(drill).await;
        // A drill that came to its end may have hit nothing, and has recovered everything.
        assert!(drill.was_killed() || matches!(drill.status.code(), Some(0 | 5)), "{said}: {drill:#?}");
        if !journal.exists() {
            return ("no journal yet".to_owned(), 0);
        }
        let met = pending(&journal).await;
        let held = met.iter().map(|fault| self.holders(&fault.id.to_string()).len()).sum();
        let met = met.first().map_or("none".to_owned(), |fault| fault.state.to_string());

        let recovered = self.ran(RECOVER, &["--journal", text(&journal), "--json"]).await;
        assert_eq!(recovered.status.code(), Some(0), "{said}: {recovered:#?}");
        assert!(pending(&journal).await.is_empty(), "{said}: pending entries are left: {recovered:#?}");
        let store = SqlJournal::open_existing(&journal).await.unwrap();
        for fault in store.find(&FaultQuery::all()).await.unwrap().faults {
            let holders = self.holders(&fault.id.to_string());
            assert!(holders.is_empty(), "{said}: {holders:?} still hold it: {recovered:#?}");
            assert!(!self.rules().await.contains(&fault.id.to_string()), "{said}: rules are left");
        }
        assert_eq!(fs::read_dir(&disk).unwrap().count(), 0, "{said}: files are left: {recovered:#?}");
        let looked =
            ["--provider", self.provider(), "--group", "web", "--event", "reboot", "--dry-run", "--json"];
        let looked = self.ran(DRILL, &looked).await.with_code(0).json();
        assert_eq!(looked["group"]["healthy_after"], SIZE, "{said}: {looked:#}: {recovered:#?}");
        if let Cloud::Azure(fake) = &self.cloud {
            for machine in fake.machines() {
                assert_eq!(fake.power_state(&machine), Some(PowerState::Running), "{said}: {machine}");
            }
        }
        (met, held)
    }

    /// The processes with a fault's id, on any machine: they hold the fault.
    fn holders(&self, fault: &str) -> Vec<String> {
        let programs = fs::read_dir("/proc").unwrap().filter_map(|entry| {
            let entry = entry.ok()?;
            entry.file_name().to_str()?.parse::<u32>().ok()?;
            let line = fs::read(entry.path().join("cmdline")).ok()?;
            Some(String::from_utf8_lossy(&line).replace('\0', " "))
        });
        programs.filter(|line| line.contains(fault)).collect()
    }

    /// All packet filters in the networks of its machines.
    async fn rules(&self) -> String {
        let namespaces: Vec<String> = match &self.cloud {
            Cloud::Aws(cloud) => {
                let machines = cloud.page("GET", "machines", None);
                let names = machines.as_array().unwrap().iter().map(|machine| machine["namespace"].clone());
                names.filter_map(|name| name.as_str().map(str::to_owned)).collect()
            }
            Cloud::Azure(fake) => fake.machines().iter().filter_map(|id| fake.namespace(id)).collect(),
        };
        let mut rules = String::new();
        for namespace in namespaces {
            let list = ["netns", "exec", &namespace, "nft", "list", "ruleset"];
            rules.push_str(&end(command("ip", list).spawn().unwrap()).await.stdout);
        }
        rules
    }
}

/// Whether a fault is armed in a journal that is being written.
async fn holds_a_fault(journal: &Path) -> bool {
    match SqlJournal::open_existing(journal).await {
        Ok(journal) => journal.pending().await.is_ok_and(|found| !found.faults.is_empty()),
        Err(_) => false,
    }
}

/// A hundred kills with `CHAOS_LONG=1`, otherwise a drawn part of them.
#[tokio::test(flavor = "multi_thread")]
async fn killed_at_random_moments_of_six_events_while_every_call_is_slow() {
    let is_long = env::var_os("CHAOS_LONG").is_some_and(|value| value == "1");
    let mut random = SplitMix::drawn();
    let origin = random.origin();
    let mut cases: Vec<Case> = (0..KILLS).map(|number| Case::drawn(number, &mut random)).collect();
    // Without networks of their own, this machine would be cut off.
    if !rustix::process::geteuid().is_root() {
        cases.retain(|case| EVENTS[case.event].0 != "network-blackhole");
    }
    if !is_long {
        let first = usize::try_from(random.next() >> 8).unwrap() % (cases.len() - DRAWN);
        cases = cases.into_iter().skip(first).take(DRAWN).collect();
    }
    println!("{origin}: {} kills", cases.len());
    let lanes: Vec<Vec<&Case>> =
        (0..LANES).map(|lane| cases.iter().skip(lane).step_by(LANES).collect()).collect();
    let ran = join_all(lanes.into_iter().map(async |lane| {
        let mut met = Vec::new();
        for case in lane {
            let said = format!("{origin}: {} {case:?}", EVENTS[case.event].0);
            let Some(lane) = Lane::of(case) else { continue };
            let seen = lane.perform(case, &said).await;
            println!("{said}: met {}, {} holders; nothing is left", seen.0, seen.1);
            met.push(seen);
        }
        met
    }));
    let (mut states, mut holders) = (BTreeMap::<String, u32>::new(), 0);
    for (state, held) in ran.await.into_iter().flatten() {
        *states.entry(state).or_default() += 1;
        holders += held;
    }
    println!("met by the kills: {states:?}, {holders} processes that held a fault");
    let in_flight: u32 =
        states.iter().filter(|(state, _)| !state.starts_with("no")).map(|(_, count)| count).sum();
    assert!(!is_long || in_flight >= 40, "too few kills met a fault: {states:?}");
}
