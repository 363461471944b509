use std::{
    collections::BTreeMap,
    io::Write,
    process::{Command, Stdio},
};

use chaos_core::{
    Error, ErrorKind, Health, MemoryJournal, Monkey, Observer, Registry, Result, async_trait,
    plan::Reason,
    testing::{MemoryProvider, PowerOff, PowerOn},
};
use chaos_notify::{
    Channel, Message, Notifier, Settings,
    metrics::{BUCKETS, MetricsObserver, ServiceMetrics},
};
use jiff::Timestamp;
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::{Value, json};

use crate::{
    python::{python, script},
    tale::{HOSTILE, LONG, announce, recover, tell},
};

/// What PyPI's prometheus-client reads out of the text: labels and values by the name of a sample.
struct Read {
    families: Vec<Value>,
}

impl Read {
    fn of(text: &str) -> Option<Self> {
        let mut process = Command::new(python()?)
            .arg("-B")
            .arg(script("read_metrics.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        process.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let printed = process.wait_with_output().unwrap();
        assert!(printed.status.success(), "{text}");
        Some(Self { families: serde_json::from_slice(&printed.stdout).unwrap() })
    }

    fn samples(&self, name: &str) -> Vec<(BTreeMap<String, String>, f64)> {
        let samples = self.families.iter().flat_map(|family| family["samples"].as_array().unwrap());
        let named = samples.filter(|sample| sample["name"] == name);
        let read = named.map(|sample| {
            let labels = serde_json::from_value(sample["labels"].clone()).unwrap();
            (labels, sample["value"].as_str().unwrap().parse().unwrap())
        });
        read.collect()
    }

    #[track_caller]
    fn assert_has(&self, name: &str, labels: &[(&str, &str)], value: f64) {
        let labels: BTreeMap<String, String> =
            labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let samples = self.samples(name);
        let found = samples.iter().find(|sample| sample.0 == labels);
        assert_eq!(found.map(|sample| sample.1), Some(value), "{name} {labels:?}: {samples:?}");
    }
}

/// Takes a message and refuses the next one.
#[derive(Debug)]
struct Fickle(std::sync::atomic::AtomicUsize);

#[async_trait]
impl Channel for Fickle {
    async fn send(&self, _: &Message) -> Result<()> {
        let number = self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        if number == 0 { Ok(()) } else { Err(Error::new(ErrorKind::Denied, "no more")) }
    }

    fn name(&self) -> &str {
        "a \"fickle\" \\ one\n"
    }
}

#[tokio::test(start_paused = true)]
async fn every_figure_is_described_and_read_by_another_program() {
    let recorder = PrometheusBuilder::new().set_buckets(&BUCKETS).unwrap().build_recorder();
    let prometheus = recorder.handle();
    let _guard = metrics::set_default_local_recorder(&recorder);

    let observer = MetricsObserver::new();
    let notifier = Notifier::over(Fickle(0.into()), Settings::default());
    let monkey = Monkey::builder()
        .provider(MemoryProvider::default().with_group("web", 5).unwrap())
        .event(PowerOff::default())
        .observer(MetricsObserver::new())
        .unleash(MemoryJournal::new(), Registry::default().register::<PowerOn>())
        .build()
        .unwrap();
    monkey.run_once().await.unwrap().ensure_completed().unwrap();
    for (number, target) in HOSTILE.iter().enumerate() {
        tell(&observer, number, target, json!({ "activity": "recovering", "attempt": 1 }));
        recover(&observer, number, target);
        let failure = json!({ "kind": "other", "message": "?" });
        let given_up = json!({ "activity": "recovery-failed", "failure": failure, "by_hand": null });
        tell(&observer, number, target, given_up);
    }
    let failure = json!({ "kind": "other", "message": "?" });
    for activity in [
        json!({ "activity": "recovered", "time_to_recover": null, "gone": "terminated" }),
        json!({ "activity": "injection-failed", "failure": failure }),
        json!({ "activity": "journal-failed", "failure": failure }),
        json!({ "activity": "run-failed", "failure": failure }),
        json!({
            "activity": "recovery-retried", "attempt": 1, "failure": failure, "wait": 1.0,
            "until": Timestamp::UNIX_EPOCH,
        }),
        json!({ "activity": "steady-state-violated", "phase": "during", "probe": "home", "why": "503" }),
        json!({ "activity": "skipped", "reason": Reason::not_healthy(Health::Unhealthy) }),
    ] {
        tell(&observer, 9, "x:web/9", activity);
    }
    announce(&notifier, 1, "x:web/1").await.unwrap();
    recover(&notifier, 1, "x:web/1");
    notifier.flush(LONG).await;
    let service = ServiceMetrics::new();
    service.pending(3);
    service.halted(true);
    service.next_opening(Some("2026-03-02T09:00:00Z".parse().unwrap()));
    service.reload_failed();
    for activity in [
        json!({ "activity": "due-missed", "group": "x:web", "day": "2026-03-02", "why": [] }),
        json!({ "activity": "due-carried-out", "group": "x:web", "day": "2026-03-03" }),
        json!({
            "activity": "planned", "run": "0000000000000001", "groups": 1, "targets": 3, "chosen": 1,
            "left_alone": { Reason::halted("for \"now\"\n").kind(): 2 },
        }),
    ] {
        observer.observe(Timestamp::UNIX_EPOCH, &serde_json::from_value(activity).unwrap());
    }

    let text = prometheus.render();
    let Some(read) = Read::of(&text) else { return };
    let power_off = [("event", "power-off"), ("group", "memory:web")];
    read.assert_has("chaos_runs_total", &[("outcome", "completed")], 1.0);
    read.assert_has("chaos_faults_armed_total", &power_off, 1.0);
    read.assert_has("chaos_recover_seconds_count", &power_off, 1.0);
    read.assert_has("chaos_revert_seconds_count", &power_off, 1.0);
    read.assert_has("chaos_faults_total", &[power_off[0], power_off[1], ("outcome", "recovered")], 1.0);
    // Names stay what they are, and each is one value.
    for target in HOSTILE {
        let (group, _) = target.rsplit_once('/').unwrap();
        let same = HOSTILE.iter().filter(|other| other.rsplit_once('/').unwrap().0 == group).count() as f64;
        let labels = [("event", "stop"), ("group", group)];
        for outcome in ["recovered", "recovery-failed"] {
            read.assert_has("chaos_faults_total", &[labels[0], labels[1], ("outcome", outcome)], same);
        }
        read.assert_has("chaos_recover_seconds_sum", &labels, 4.5 * same);
        read.assert_has("chaos_revert_seconds_count", &labels, same);
    }
    let web = [("event", "stop"), ("group", "x:web")];
    read.assert_has("chaos_faults_total", &[web[0], web[1], ("outcome", "gone")], 1.0);
    read.assert_has("chaos_injections_failed_total", &web, 1.0);
    read.assert_has("chaos_recovery_retries_total", &web, 1.0);
    read.assert_has("chaos_journal_failures_total", &[], 1.0);
    read.assert_has("chaos_runs_failed_total", &[], 1.0);
    read.assert_has("chaos_steady_state_violations_total", &[("phase", "during")], 1.0);
    read.assert_has("chaos_skips_total", &[("reason", "not-healthy")], 1.0);
    read.assert_has("chaos_skips_total", &[("reason", "halted")], 2.0);
    let channel = ("channel", "a \"fickle\" \\ one\n");
    read.assert_has("chaos_notifications_total", &[channel, ("outcome", "delivered")], 1.0);
    read.assert_has("chaos_notifications_total", &[channel, ("outcome", "failed")], 1.0);
    read.assert_has("chaos_faults_pending", &[], 3.0);
    read.assert_has("chaos_halted", &[], 1.0);
    read.assert_has("chaos_next_opening_timestamp_seconds", &[], 1_772_442_000.0);
    read.assert_has("chaos_reloads_failed_total", &[], 1.0);
    read.assert_has("chaos_dues_total", &[("outcome", "missed")], 1.0);

    // The table of the documentation has every one, and no other.
    let table = include_str!("../../src/metrics/mod.rs");
    let rows = table.lines().filter_map(|line| line.strip_prefix("//! | `")?.split_once('`'));
    let documented: BTreeMap<&str, &str> =
        rows.map(|(name, rest)| (name, rest.split(" | ").nth(1).unwrap())).collect();
    let mut seen = BTreeMap::new();
    for family in &read.families {
        assert_ne!(family["help"], "", "{family}");
        let (name, kind) = (family["name"].as_str().unwrap(), family["type"].as_str().unwrap());
        let name = if kind == "counter" { format!("{name}_total") } else { name.to_owned() };
        seen.insert(name, kind.to_owned());
    }
    let documented: BTreeMap<String, String> =
        documented.into_iter().map(|(name, kind)| (name.to_owned(), kind.to_owned())).collect();
    assert_eq!(seen, documented);
    service.next_opening(None);
    let read = Read::of(&prometheus.render()).unwrap();
    assert!(read.samples("chaos_next_opening_timestamp_seconds")[0].1.is_nan());
}
