//! The instructions of a recovery for a person, carried out on a fault that is held.

use std::{
    fs,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::Path,
    time::Duration,
};

use chaos_core::{
    ChaosEvent,
    capability::{Output, Script},
};
use chaos_events::{CpuBurn, DiskFill, NetworkBlackhole, registry};

use crate::host_faults::{
    disk_fill::disk::Disk,
    held::Held,
    machine::{Machine, Tools, holders, lacks_root, marked, program, until},
    network_blackhole::{
        all_tools,
        fallbacks::{with_iptables_only, without_owners},
        namespace::Network,
    },
    scene,
};

const LONG: Duration = Duration::from_secs(60);

/// The lines to copy into a shell.
fn commands(words: &str) -> String {
    let commands: Vec<&str> = words.lines().filter_map(|line| line.strip_prefix("    ")).collect();
    commands.join("\n")
}

/// Injects it, lets `look` see it, and then follows the instructions of its recovery.
async fn undone(machine: &Machine, event: impl ChaosEvent, look: impl AsyncFnOnce()) -> (Held, Output) {
    let held = Held::inject(machine, event).await;
    look().await;
    let record = held.record().await.unwrap();
    let words = registry().read(&record.recovery).unwrap().by_hand(&record.target, record.id);
    assert!(words.contains(record.target.as_str()), "{words}");
    assert_ne!(marked(&held.fault.to_string()), [0; 0]);
    let output = machine.again(&Script::new(commands(&words))).await;
    until("its processes are gone", Duration::from_secs(2), async || {
        marked(&held.fault.to_string()).is_empty()
    })
    .await;
    (held, output)
}

#[tokio::test]
async fn burners() {
    for tools in Tools::all() {
        let machine = Machine::with(tools);
        let burn = CpuBurn::load(10.0).unwrap().cores(2).unwrap().lasting(LONG).unwrap();
        let (held, output) = undone(&machine, burn, async || {}).await;
        assert_eq!((output.status, output.stderr.as_str()), (0, ""));
        held.cut_short().await;
    }
}

/// It ends no process of others: none that shows the commands, none that others have marked, and none with borrowed
/// rights.
#[tokio::test]
async fn strangers_are_left_alone() {
    if !scene::is_inside("host_faults::undone_by_hand::strangers_are_left_alone") {
        return;
    }
    for tools in Tools::all() {
        let machine = Machine::with(tools);
        let burn = CpuBurn::load(10.0).unwrap().cores(1).unwrap().lasting(LONG).unwrap();
        let held = Held::inject(&machine, burn).await;
        let record = held.record().await.unwrap();
        let words = registry().read(&record.recovery).unwrap().by_hand(&record.target, record.id);
        let mark = format!("CHAOS_FAULT={}", held.fault);
        let home = tempfile::tempdir().unwrap();
        let lent = home.path().join("sleep");
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::copy(program("sleep"), &lent).unwrap();
        fs::set_permissions(&lent, fs::Permissions::from_mode(0o4755)).unwrap();
        let sleep = program("sleep");
        let other = |name: &Path, user: u32, variables: &[&str]| {
            let mut command = std::process::Command::new("env");
            command.arg("-i").args(variables).arg(name).arg("1000").uid(user).gid(user);
            command.spawn().unwrap()
        };
        let mut others = [
            other(&sleep, 0, &["PAGER=less", &format!("HOOK={words}"), &mark]),
            other(&sleep, 0, &[&format!("{mark}0")]),
            other(&sleep, 0, &["FIRST=1", &mark]),
            other(&sleep, 65_534, &[&mark, "PATH=/bin"]),
            other(&lent, 65_534, &[&mark, "PATH=/bin"]),
        ];
        let output = machine.again(&Script::new(commands(&words))).await;
        assert!(output.status == 0 && output.stdout.contains("ended "), "{output:?}");
        let is_over = async || holders(&held.fault.to_string()).is_empty();
        until("the burner has ended", Duration::from_secs(5), is_over).await;
        let ended = others.each_mut().map(|other| other.try_wait().unwrap());
        assert_eq!(ended, [None; 5], "{output:?}");
        for other in &mut others {
            other.kill().unwrap();
            other.wait().unwrap();
        }
        held.cut_short().await;
    }
}

#[tokio::test]
async fn a_fill() {
    if lacks_root("a fill that is undone by hand") {
        return;
    }
    for tools in Tools::all() {
        let disk = Disk::ext4();
        let hostile = disk.path().join("it's $(touch made)");
        std::fs::create_dir(&hostile).unwrap();
        let before = disk.free();
        let machine = Machine::with(tools);
        let fill = DiskFill::bytes(hostile.to_str().unwrap(), 100 << 20).unwrap().lasting(LONG).unwrap();
        let (held, output) = undone(&machine, fill, async || assert!(disk.free() < before)).await;
        assert_eq!((output.status, output.stderr.as_str()), (0, ""));
        until("the space is back", Duration::from_secs(2), async || disk.free() == before).await;
        assert!(!hostile.join("made").exists() && !std::path::Path::new("made").exists());

        // The rest of a start that was killed between its first two steps.
        let leftover = hostile.join(format!(".chaos-fill-{}", held.fault));
        std::fs::write(&leftover, "").unwrap();
        let record = held.record().await.unwrap();
        let words = registry().read(&record.recovery).unwrap().by_hand(&record.target, record.id);
        machine.again(&Script::new(commands(&words))).await;
        assert!(!leftover.exists(), "{words}");
        held.cut_short().await;
    }
}

#[tokio::test]
async fn a_blackhole_whoever_carries_it_out() {
    if lacks_root("a blackhole that is undone by hand") {
        return;
    }
    let (owned, older) = (all_tools(), all_tools());
    let mut keeping = Vec::new();
    let older = older.into_iter().map(|tools| {
        let (tools, directory) = without_owners(tools);
        keeping.push(directory);
        tools
    });
    let tools: Vec<_> =
        owned.into_iter().chain(older).chain([with_iptables_only(Tools::of_debian())]).collect();
    for tools in tools {
        let network = Network::new();
        let (near, far) = (&network.near, &network.far);
        let machine = Machine::in_namespace(tools, Some(near.name()));
        let blackhole = NetworkBlackhole::everything().lasting(LONG).unwrap();
        let (held, output) = undone(&machine, blackhole, async || assert!(!far.reaches(near, 9))).await;
        assert!(far.reaches(near, 9), "{output:?}");
        let rules = near.rules();
        assert!(!rules.contains("chaos_") && !rules.contains("CHAOS-"), "{rules}\n{output:?}");
        held.cut_short().await;
    }
}
