//! The fake of Azure Resource Manager as a process: prints `{"endpoint": ...}`, and ends when its standard input does.
//!
//! `cargo run -p fake-azure`

use std::io::{Read, Write, stdin, stdout};

use fake_azure::FakeArm;

fn main() -> std::io::Result<()> {
    let fake = FakeArm::start()?;
    writeln!(stdout(), "{{\"endpoint\": \"{}\"}}", fake.endpoint())?;
    stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
