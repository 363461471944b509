//! What docs/deploy has is what systemd and the program understand.

use std::{fs, io::Write, process::Command};

use crate::support::CHAOS;

/// `systemd-analyze verify` ends with 0 even for an unknown key, so it is what it prints that counts.
#[test]
fn systemd_finds_nothing_in_the_unit() {
    let unit = include_str!("../../../docs/deploy/chaos-monkey.service");
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("chaos-monkey.service");
    let verified = |text: &str| {
        fs::write(&place, text.replace("/usr/local/bin/chaos ", &format!("{CHAOS} "))).unwrap();
        Command::new("systemd-analyze").arg("verify").arg(&place).output()
    };
    let Ok(found) = verified(unit) else {
        let mut stderr = std::io::stderr();
        writeln!(stderr, "\nskipped: the unit of docs/deploy: systemd-analyze is not installed").unwrap();
        return;
    };
    assert_eq!(String::from_utf8_lossy(&found.stderr), "");
    assert_eq!(String::from_utf8_lossy(&found.stdout), "");
    let broken = verified(&unit.replace("KillMode=mixed", "KilMode=mixed")).unwrap();
    assert!(String::from_utf8_lossy(&broken.stderr).contains("KilMode"), "{broken:?}");
    for (key, value) in [("Type", "notify"), ("KillMode", "mixed"), ("ExecReload", "/bin/kill -HUP $MAINPID")]
    {
        assert!(unit.contains(&format!("\n{key}={value}\n")), "{key}");
    }
}
