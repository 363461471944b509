use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use chaos_notify::{Channel, JsonLines, Kind, Notifier, Settings};
use serde_json::Value;

use crate::tale::{Fast, HOSTILE, LONG, announce, recover};

fn lines(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

fn parsed(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

#[tokio::test]
async fn each_message_is_one_line_of_json_whatever_is_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("messages");
    let notifier = Notifier::over(JsonLines::file(&path).unwrap(), Settings::default());
    for (number, target) in HOSTILE.iter().enumerate() {
        announce(&notifier, number, target).await.unwrap();
    }
    let sent = notifier.flush(LONG).await;
    assert!(sent.is_complete() && sent.delivered == HOSTILE.len(), "{sent}");
    let lines = lines(&path);
    assert_eq!(lines.len(), HOSTILE.len());
    for (number, line) in lines.iter().enumerate() {
        let message = parsed(line);
        assert_eq!(message["kind"], "announced");
        assert_eq!(message["fault"], format!("{number:016x}"));
        assert_eq!(message["id"], format!("{number:016x}-announced-1772442000000000000"));
        assert_eq!((&message["run"], &message["stands_for"]), (&Value::Null, &Value::from(1)));
        assert_eq!(message["at"], "2026-03-02T09:00:00Z");
        let body = message["body"].as_str().unwrap();
        assert!(body.contains("start it & <see> [x](http://y)\nBcc:"), "{body}");
        assert!(body.chars().all(|character| character == '\n' || !character.is_control()), "{body:?}");
    }
}

#[tokio::test]
async fn a_line_that_was_cut_off_ends_before_the_next_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("messages");
    for before in ["{\"id\":\"cut o", "{}\n", ""] {
        fs::write(&path, before).unwrap();
        let notifier = Notifier::over(JsonLines::file(&path).unwrap(), Settings::default());
        announce(&notifier, 1, "x:web/1").await.unwrap();
        recover(&notifier, 1, "x:web/1");
        assert!(notifier.flush(LONG).await.is_complete());
        let lines = lines(&path);
        let (begin, ours) = lines.split_at(lines.len() - 2);
        assert_eq!(begin.join("\n"), before.trim_end());
        assert_eq!(parsed(&ours[0])["kind"], "announced");
        assert_eq!(parsed(&ours[1])["kind"], "recovered");
    }
}

#[tokio::test]
async fn a_file_that_was_moved_is_opened_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (path, moved) = (folder.path().join("messages"), folder.path().join("messages.1"));
    let channel = JsonLines::file(&path).unwrap();
    let notifier = Notifier::over(channel.clone(), Settings::default());
    announce(&notifier, 1, "x:web/1").await.unwrap();
    assert!(notifier.flush(LONG).await.is_complete());
    fs::rename(&path, &moved).unwrap();
    recover(&notifier, 1, "x:web/1");
    assert!(notifier.flush(LONG).await.is_complete());
    assert_eq!(lines(&moved).len(), 2, "until then, lines go on to the former one");
    channel.reopen().unwrap();
    announce(&notifier, 2, "x:web/2").await.unwrap();
    assert!(notifier.flush(LONG).await.is_complete());
    assert_eq!((lines(&moved).len(), lines(&path).len()), (2, 1));

    // One that cannot be opened changes nothing.
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let error = channel.reopen().unwrap_err();
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    recover(&notifier, 2, "x:web/2");
    assert!(notifier.flush(LONG).await.is_complete());
    let missing = JsonLines::file(folder.path().join("no/such/folder")).unwrap_err();
    assert_eq!(missing.kind(), chaos_core::ErrorKind::NotFound, "{missing}");
}

/// A pipe that holds no more hangs whoever writes to it.
#[tokio::test]
async fn a_write_that_hangs_delays_nothing_and_is_followed_by_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    let reader = OpenOptions::new().read(true).write(true).open(&path).unwrap();
    let channel = JsonLines::file(&path).unwrap();
    // Until it is full.
    let filling = path.clone();
    let filler = std::thread::spawn(move || {
        let mut pipe = OpenOptions::new().write(true).open(filling).unwrap();
        let _ = pipe.write_all(&vec![b'x'; 1 << 20]);
    });
    let notifier = Notifier::over(channel.clone(), Settings::default());
    for number in 0..3 {
        announce(&notifier, number, "x:web/1").await.unwrap();
        recover(&notifier, number, "x:web/1");
    }
    assert_eq!(notifier.deliveries().waiting, 6, "nothing has waited");
    let mut reading = Command::new("cat").stdin(reader).stdout(Stdio::null()).spawn().unwrap();
    let sent = notifier.flush(LONG).await;
    assert!(sent.is_complete() && sent.delivered == 6, "{sent}");
    reading.kill().unwrap();
    reading.wait().unwrap();
    drop(filler);
}

#[tokio::test]
async fn a_full_disk_is_tried_again_and_told() {
    let full = JsonLines::file("/dev/full").unwrap();
    let required = Notifier::over(full.clone(), Settings::default().required().clock(Fast(4)));
    let error = announce(&required, 1, "x:web/1").await.unwrap_err();
    assert!(error.is_retryable() && error.chain().contains("No space left"), "{}", error.chain());
    assert_eq!(full.name(), "/dev/full");
}

#[tokio::test]
async fn less_important_messages_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("messages");
    let settings = Settings::default().least(Kind::Recovered);
    let notifier = Notifier::over(JsonLines::file(&path).unwrap(), settings);
    announce(&notifier, 1, "x:web/1").await.unwrap();
    recover(&notifier, 1, "x:web/1");
    assert!(notifier.flush(LONG).await.is_complete());
    assert_eq!(lines(&path).len(), 1);
}
