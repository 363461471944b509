//! What a notifier is told, as a monkey would tell it.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use async_trait::async_trait;
use chaos_core::{
    FaultId, Observer, Result,
    clock::{Clock, SystemClock},
    observer::Intended,
};
use chaos_notify::Notifier;
use jiff::Timestamp;
use serde_json::{Value, json};

/// Names of targets that would mention, link or forge something if they were taken for more than text. No name holds a
/// control character.
pub(crate) const HOSTILE: [&str; 4] = [
    "x:web/<!channel>",
    "x:[x](http://y)/<at>all<",
    "x:web/\u{2028}Bcc: eve@example.com",
    "x:web/=?utf-8?q?=0ABcc:_eve@example.com?=",
];

pub(crate) fn fault(number: usize) -> FaultId {
    format!("{number:016x}").parse().unwrap()
}

/// A file of the certificates of tests.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fakes/certificates").join(name)
}

fn at() -> Timestamp {
    "2026-03-02T09:00:00Z".parse().unwrap()
}

pub(crate) async fn announce(notifier: &Notifier, number: usize, target: &str) -> Result<()> {
    let target = serde_json::from_value(json!(target)).unwrap();
    let mut intended = Intended::new(fault(number), target, "stop", at());
    intended.by_hand =
        "Start it again:\n\n    start it & <see> [x](http://y)\r\nBcc: eve@example.com".to_owned();
    notifier.before_injection(at(), &intended).await
}

/// Tells of an activity about a fault.
pub(crate) fn tell(notifier: &dyn Observer, number: usize, target: &str, what: Value) {
    let mut activity = json!({
        "run": "0000000000000001", "fault": fault(number), "target": target, "event": "stop", "seed": 1,
        "deadline": at(),
    });
    activity.as_object_mut().unwrap().extend(what.as_object().unwrap().clone());
    notifier.observe(at(), &serde_json::from_value(activity).unwrap());
}

pub(crate) fn recover(notifier: &dyn Observer, number: usize, target: &str) {
    tell(notifier, number, target, json!({ "activity": "recovered", "time_to_recover": 4.5 }));
}

/// A clock that is so many times as fast as that of this machine.
#[derive(Debug)]
pub(crate) struct Fast(pub(crate) u32);

#[async_trait]
impl Clock for Fast {
    fn now(&self) -> Timestamp {
        SystemClock::default().now()
    }

    fn monotonic(&self) -> Duration {
        SystemClock::default().monotonic() * self.0
    }

    async fn sleep(&self, duration: Duration) {
        SystemClock::default().sleep(duration / self.0).await;
    }
}

/// As long as it takes on a busy machine.
pub(crate) const LONG: Duration = Duration::from_secs(300);
