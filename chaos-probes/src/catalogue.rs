use chaos_core::{
    Error, Result,
    catalogue::{Arguments, Parameter, ProbeCatalogue, ProbeFromArguments, ProbeSpec},
};

use crate::{Command, Http, Prometheus, Tcp};

/// Every probe of this crate by name, to be made from data: a command line, a file, a form.
///
/// ```
/// use serde_json::json;
///
/// let catalogue = chaos_probes::catalogue();
/// let steady = catalogue.steady_state(&json!({
///     "hypothesis": "If one replica hangs, then every customer is served",
///     "probes": [
///         {
///             "name": "home page",
///             "probe": { "name": "http", "url": "http://127.0.0.1:8080/" },
///             "tolerance": { "one-of": [200, 204] },
///         },
///         {
///             "name": "queue",
///             "probe": { "name": "command", "words": ["./queue-length"], "stdout": true },
///             "tolerance": "0",
///         },
///     ],
/// }))?;
/// # drop(steady);
///
/// let error = catalogue.decode(&json!({ "name": "http", "url": "127.0.0.1:8080" })).unwrap_err();
/// assert!(error.to_string().starts_with("invalid url: \"127.0.0.1:8080\"; expected "));
/// # Ok::<(), chaos_core::Error>(())
/// ```
pub fn catalogue() -> ProbeCatalogue {
    ProbeCatalogue::default()
        .register::<Http>()
        .register::<Tcp>()
        .register::<Command>()
        .register::<Prometheus>()
}

impl ProbeFromArguments for Http {
    fn spec() -> ProbeSpec {
        ProbeSpec::new("http", "The status of a request over HTTP, or what it answers")
            .with(Parameter::text("url", "an absolute URL").required().secret().value_name("URL"))
            .with(Parameter::text("method", "its method").default("GET"))
            .with(header())
            .with(Parameter::text("body", "its body").secret())
            .with(Parameter::flag("text", "yields the body as a text"))
            .with(json("body"))
            .with(Parameter::flag("milliseconds", "yields the time until the end of the body"))
            .at_most_one_of(["text", "json", "milliseconds"])
            .with(trusting())
            .with(limit("the whole answer").default("1s"))
    }

    fn from_arguments(given: &Arguments) -> Result<Self> {
        let url = given.text("url")?.unwrap_or_default();
        let mut http = Self::new(given.text("method")?.unwrap_or("GET"), url);
        for header in given.texts("header")? {
            let (name, value) = name_and_value(header)?;
            http = http.header(name, value);
        }
        if let Some(body) = given.text("body")? {
            http = http.body(body);
        }
        if given.is_given("text") {
            http = http.text();
        }
        if let Some(pointer) = given.text("json")? {
            http = http.json(pointer);
        }
        if given.is_given("milliseconds") {
            http = http.milliseconds();
        }
        if let Some(file) = given.text(TRUSTING)? {
            #[cfg(feature = "tls")]
            let trusting = http.trusting(file);
            #[cfg(not(feature = "tls"))]
            let trusting = Err(without_tls(file))?;
            http = trusting;
        }
        Ok(match given.duration(LIMIT)? {
            Some(limit) => http.answering_within(limit),
            None => http,
        })
    }
}

impl ProbeFromArguments for Tcp {
    fn spec() -> ProbeSpec {
        ProbeSpec::new("tcp", "Whether a connection over TCP is accepted")
            .with(Parameter::text("address", "a host and a port").required().value_name("HOST:PORT"))
            .with(limit("the connection").default("1s"))
    }

    fn from_arguments(given: &Arguments) -> Result<Self> {
        let tcp = Self::connect(given.text("address")?.unwrap_or_default());
        Ok(match given.duration(LIMIT)? {
            Some(limit) => tcp.answering_within(limit),
            None => tcp,
        })
    }
}

impl ProbeFromArguments for Command {
    fn spec() -> ProbeSpec {
        ProbeSpec::new("command", "The exit status of a program, or what it prints")
            .with(
                Parameter::text("words", "the program and its arguments, without a shell")
                    .required()
                    .repeated(),
            )
            .with(Parameter::flag("stdout", "yields the standard output as a text"))
            .with(json("standard output"))
            .at_most_one_of(["stdout", "json"])
            .with(limit("the program"))
    }

    fn from_arguments(given: &Arguments) -> Result<Self> {
        let words = given.texts("words")?;
        if let [line] = words[..]
            && line.contains(char::is_whitespace)
        {
            let expected = r#"a list of words, such as ["./queue", "--length"]: no shell splits a line"#;
            return Err(Error::invalid("words", format!("{line:?}"), expected));
        }
        let mut command = Self::new(words);
        if given.is_given("stdout") {
            command = command.stdout();
        }
        if let Some(pointer) = given.text("json")? {
            command = command.json(pointer);
        }
        Ok(match given.duration(LIMIT)? {
            Some(limit) => command.answering_within(limit),
            None => command,
        })
    }
}

impl ProbeFromArguments for Prometheus {
    fn spec() -> ProbeSpec {
        ProbeSpec::new("prometheus", "The one number that a query to a Prometheus server yields")
            .with(Parameter::text("url", "the URL of the server").required().secret().value_name("URL"))
            .with(Parameter::text("query", "a query in PromQL").required())
            .with(header())
            .with(trusting())
            .with(limit("the server").default("4s"))
    }

    fn from_arguments(given: &Arguments) -> Result<Self> {
        let (url, query) = (given.text("url")?.unwrap_or_default(), given.text("query")?.unwrap_or_default());
        let mut prometheus = Self::query(url, query);
        for header in given.texts("header")? {
            let (name, value) = name_and_value(header)?;
            prometheus = prometheus.header(name, value);
        }
        if let Some(file) = given.text(TRUSTING)? {
            #[cfg(feature = "tls")]
            let trusting = prometheus.trusting(file);
            #[cfg(not(feature = "tls"))]
            let trusting = Err(without_tls(file))?;
            prometheus = trusting;
        }
        Ok(match given.duration(LIMIT)? {
            Some(limit) => prometheus.answering_within(limit),
            None => prometheus,
        })
    }
}

/// The parameter for the time limit of every probe.
const LIMIT: &str = "answering-within";

fn limit(of: &str) -> Parameter {
    Parameter::duration(LIMIT, format!("how long {of} may take"))
}

/// The parameter for a file of certificate authorities.
const TRUSTING: &str = "trusting";

fn trusting() -> Parameter {
    Parameter::text(TRUSTING, "a PEM file with more certificate authorities, for https://").value_name("FILE")
}

#[cfg(not(feature = "tls"))]
fn without_tls(file: &str) -> Error {
    Error::invalid(TRUSTING, format!("{file:?}"), "none unless chaos-probes is built with its feature `tls`")
}

fn header() -> Parameter {
    Parameter::text("header", "a header").value_name("NAME: VALUE").repeated().secret()
}

fn json(of: &str) -> Parameter {
    let about = format!("yields the value in the {of} that a JSON pointer such as /status points at");
    Parameter::text("json", about).value_name("POINTER")
}

/// The parts of a header. No error shows one, because it may be secret.
fn name_and_value(header: &str) -> Result<(&str, &str)> {
    let parts = header.split_once(':').map(|(name, value)| (name.trim(), value.trim()));
    parts.ok_or_else(|| {
        Error::invalid("header", "one without a colon", "a name and a value, as in Accept: text/plain")
    })
}
