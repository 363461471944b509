use std::net::SocketAddr;

use chaos_core::catalogue::{Parameter, Parameters};

use super::reader::{Reader, Section};

/// `[service]`: how it is watched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ServiceSection {
    /// Where `/healthz` and `/metrics` are answered.
    pub(crate) listen: Option<SocketAddr>,
    /// From which level on the log has a line.
    pub(crate) log: Option<String>,
    /// Whether the log is lines of JSON.
    pub(crate) logs_json: bool,
}

/// Its parameters.
pub(super) fn parameters() -> Parameters {
    let levels = ["error", "warn", "info", "debug", "trace"].map(|level| (level, ""));
    Parameters::default()
        .with(
            Parameter::text("listen", "where /healthz and /metrics are answered, such as 127.0.0.1:9464")
                .value_name("ADDRESS:PORT"),
        )
        .with(
            Parameter::choice("log", levels, "from which level on standard error has a line").default("info"),
        )
        .with(
            Parameter::choice("log-format", [("text", ""), ("json", "")], "how a line is written")
                .default("text"),
        )
}

pub(super) fn read(reader: &mut Reader<'_>, section: Section) -> Option<ServiceSection> {
    let path = section.path.clone();
    let given = reader.read(section, "a service", &parameters())?;
    let listen = match reader.sound(&path, given.text("listen"))? {
        None => None,
        Some(text) => match text.parse() {
            Ok(address) => Some(address),
            Err(_) => {
                let expected = "an address and a port such as 127.0.0.1:9464";
                reader.refuse(&format!("{path}.listen"), format!("{text:?}"), expected);
                None
            }
        },
    };
    let log = reader.sound(&path, given.text("log"))?.map(str::to_owned);
    let logs_json = reader.sound(&path, given.text("log-format"))? == Some("json");
    Some(ServiceSection { listen, log, logs_json })
}
