use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use azure_core::{
    credentials::{Secret, TokenCredential},
    http::HttpClient,
};
use chaos_core::{
    Error, ErrorKind, Result,
    clock::{Clock, SystemClock},
    steady_state::{Probe, Reading},
    text::duration_text,
};
use jiff::SignedDuration;

use crate::{
    client::{
        arm::Arm,
        connection::{Connection, settings_of_connections},
        credentials::Credentials,
        metrics::Question,
        within::within,
    },
    model::{cloud::Cloud, resource_id::ResourceId},
};

const AGGREGATIONS: [&str; 5] = ["Average", "Count", "Maximum", "Minimum", "Total"];

/// The intervals of Azure Monitor, in minutes, and how it spells them.
const INTERVALS: [(u64, &str); 8] = [
    (1, "PT1M"),
    (5, "PT5M"),
    (15, "PT15M"),
    (30, "PT30M"),
    (60, "PT1H"),
    (360, "PT6H"),
    (720, "PT12H"),
    (1440, "P1D"),
];

/// How long Azure Monitor keeps the numbers of a metric: 93 days, of which it shows 30 at a time.
const LONGEST_WINDOW: Duration = Duration::from_secs(30 * 24 * 3600);

/// A probe of a [steady state](chaos_core::steady_state) that looks at Azure Monitor. It yields the newest number of a
/// metric of a resource.
///
/// The number is that of the newest interval with data that began within the [window](Self::window). The newest minutes
/// often have none yet, and the current interval may not be over: a `Total` or a `Count` still grows then, so compare
/// it with an upper bound. A probe of your own, such as one over HTTP, notices a violation earlier.
///
/// A number may be older than the fault. Such a look counts, and says nothing about the fault, so hold the fault for
/// longer than an interval and the delay of the metric.
///
/// Each look is one request without a retry. While Azure has asked to wait, no request is sent. A look needs
/// `Microsoft.Insights/metrics/read` on the resource.
///
/// | doubt | what to do |
/// |---|---|
/// | the metric has no number in the window | check its dimensions, or widen the window |
/// | the metric has several series | choose one by its dimensions |
/// | Azure does not know the resource or the metric | check their names |
/// | access is denied, or there are no credentials | the error names the action that a role must allow |
/// | the request is throttled | look less often |
/// | Azure cannot be reached, or stays silent beyond the time limit | check the endpoint and the network |
///
/// ```
/// use chaos_azure::AzureMetric;
/// use chaos_core::SteadyState;
///
/// let balancer = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/shop/providers/\
///                 Microsoft.Network/loadBalancers/shop";
/// let answering = AzureMetric::of(balancer, "DipAvailability").aggregation("Average");
/// assert_eq!(answering.to_string(), "Average of DipAvailability of loadBalancers/shop in Azure Monitor");
///
/// let steady = SteadyState::new("If one machine is off, then the others answer")
///     .probe("the share that answers", answering, 60.0..);
/// # drop(steady);
/// ```
#[derive(Clone)]
#[must_use = "a probe looks at nothing before it is part of a steady state"]
pub struct AzureMetric {
    resource: String,
    metric: String,
    namespace: Option<String>,
    dimensions: Vec<(String, String)>,
    aggregation: String,
    interval: Duration,
    window: Option<Duration>,
    limit: Duration,
    connection: Connection,
    /// Made at the first look.
    arm: OnceLock<Arc<Arm>>,
}

impl AzureMetric {
    /// The metric with this name of the resource with this id, such as
    /// `/subscriptions/ID/resourceGroups/GROUP/providers/PROVIDER/KIND/NAME`.
    pub fn of(resource: impl Into<String>, metric: impl Into<String>) -> Self {
        Self {
            resource: resource.into(),
            metric: metric.into(),
            namespace: None,
            dimensions: Vec::new(),
            aggregation: "Average".to_owned(),
            interval: Duration::from_secs(60),
            window: None,
            // Less than the default time limit of a look, so that the doubt names Azure.
            limit: Duration::from_secs(4),
            connection: Connection::default(),
            arm: OnceLock::new(),
        }
    }

    /// Chooses the namespace of the metric. Default: that of the platform's metrics of the resource.
    pub fn namespace(mut self, name: impl Into<String>) -> Self {
        self.namespace = Some(name.into());
        self
    }

    /// Counts only what has this value in this dimension, such as `BackendIPAddress`. Default: all together.
    pub fn dimension(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.dimensions.push((name.into(), value.into()));
        self
    }

    /// Chooses the number of an interval: `Average`, `Count`, `Maximum`, `Minimum` or `Total`. Default: `Average`.
    pub fn aggregation(mut self, name: impl Into<String>) -> Self {
        self.aggregation = name.into();
        self
    }

    /// Sets the length of an interval: 1, 5, 15 or 30 minutes, 1, 6 or 12 hours, or a day. Many metrics lack some of
    /// them. Default: one minute.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Sets how old the newest number may be. If there is none, nobody knows how the system is now, which is a doubt.
    /// From one interval to 30 days. Default: five minutes, or three intervals if that is longer.
    pub fn window(mut self, window: Duration) -> Self {
        self.window = Some(window);
        self
    }

    /// Sets how long Azure may take, with the time to get a token. Longer silence is a doubt, because it says nothing
    /// about the system. Choose less than the time limit of the steady state. Default: 4 seconds.
    pub fn answering_within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    settings_of_connections!();

    fn chosen_window(&self) -> Duration {
        self.window.unwrap_or_else(|| Duration::from_secs(300).max(self.interval.saturating_mul(3)))
    }

    fn interval_text(&self) -> Result<&'static str> {
        let found = INTERVALS.iter().find(|(minutes, _)| Duration::from_secs(60 * minutes) == self.interval);
        found.map(|(_, text)| *text).ok_or_else(|| {
            let expected = "1, 5, 15 or 30 minutes, 1, 6 or 12 hours, or a day";
            Error::invalid("interval", duration_text(self.interval), expected)
        })
    }

    fn arm(&self) -> Result<&Arm> {
        if let Some(arm) = self.arm.get() {
            return Ok(arm);
        }
        self.connection.validate()?;
        let arm = self.connection.clone().open(Arc::new(SystemClock::default()))?.asking_once();
        Ok(self.arm.get_or_init(|| Arc::new(arm)))
    }

    async fn newest(&self, clock: &dyn Clock) -> Result<f64> {
        let resource = ResourceId::parse(&self.resource)?;
        let (now, window) = (clock.now(), self.chosen_window());
        let question = Question {
            resource: &resource,
            metric: &self.metric,
            namespace: self.namespace.as_deref(),
            dimensions: &self.dimensions,
            aggregation: &self.aggregation,
            interval: self.interval_text()?,
            from: now
                .saturating_sub(SignedDuration::try_from(window).unwrap_or(SignedDuration::MAX))
                .unwrap_or(now),
            to: now,
        };
        let late = "Azure Monitor did not answer in time: check the network, or raise `answering_within`";
        let answer = within(clock, self.limit, late, question.newest(self.arm()?)).await?;
        answer.map_err(advised)?.ok_or_else(|| {
            let what = "the metric has no number in the window: check its dimensions, or widen the window";
            Error::new(ErrorKind::Unavailable, what).with("window", duration_text(window))
        })
    }
}

/// Adds what a person can do about it.
fn advised(error: Error) -> Error {
    let what = match error.kind() {
        ErrorKind::Throttled => "Azure Monitor throttles the looks of a probe: look less often, with `every`",
        ErrorKind::NotFound => "the resource of a metric does not exist: check its id",
        ErrorKind::InvalidInput => {
            "Azure Monitor refuses the question: check the metric, its dimensions and interval"
        }
        _ => return error,
    };
    Error::new(error.kind(), what).caused_by(error)
}

#[async_trait]
impl Probe for AzureMetric {
    async fn look(&self, clock: &dyn Clock) -> Result<Reading> {
        let newest = self.newest(clock).await;
        newest
            .map(Reading::from)
            .map_err(|error| error.with("metric", &self.metric).with("resource", &self.resource))
    }

    fn check(&self) -> Result<()> {
        ResourceId::parse(&self.resource)?;
        let is_text = |text: &str| !text.trim().is_empty() && text.chars().count() <= 255;
        // A comma would separate two metrics.
        if !is_text(&self.metric) || self.metric.contains(',') {
            return Err(Error::invalid("metric", format!("{:?}", self.metric), "the name of one metric"));
        }
        if let Some(namespace) = self.namespace.as_deref().filter(|namespace| !is_text(namespace)) {
            return Err(Error::invalid("namespace", format!("{namespace:?}"), "the namespace of a metric"));
        }
        for (name, value) in &self.dimensions {
            // A star would stand for all values, each with a series of its own.
            let is_name = is_text(name) && !name.contains([' ', '\'']);
            if !is_name || value.is_empty() || value.contains('*') {
                let expected = "a name without blanks, and one value";
                return Err(Error::invalid("dimension", format!("{name:?}={value:?}"), expected));
            }
        }
        if !AGGREGATIONS.contains(&self.aggregation.as_str()) {
            let expected = "Average, Count, Maximum, Minimum or Total";
            return Err(Error::invalid("aggregation", format!("{:?}", self.aggregation), expected));
        }
        self.interval_text()?;
        let window = self.chosen_window();
        if window < self.interval || window > LONGEST_WINDOW {
            return Err(Error::invalid("window", duration_text(window), "from one interval to 30 days"));
        }
        if self.limit.is_zero() {
            return Err(Error::invalid("answering_within", "0s", "more than zero"));
        }
        self.arm().map(drop)
    }
}

impl fmt::Debug for AzureMetric {
    /// Without the connection.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AzureMetric")
            .field("resource", &self.resource)
            .field("metric", &self.metric)
            .field("namespace", &self.namespace)
            .field("dimensions", &self.dimensions)
            .field("aggregation", &self.aggregation)
            .field("interval", &self.interval)
            .field("window", &self.chosen_window())
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for AzureMetric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.aggregation, self.metric)?;
        for (index, (name, value)) in self.dimensions.iter().enumerate() {
            write!(f, "{}{name}={value}", if index == 0 { " {" } else { ", " })?;
        }
        if !self.dimensions.is_empty() {
            f.write_str("}")?;
        }
        // The last kind and name: the whole id is too long for a report.
        let mut segments = self.resource.rsplitn(3, '/');
        let (name, kind) = (segments.next().unwrap_or_default(), segments.next().unwrap_or_default());
        write!(f, " of {kind}/{name} in Azure Monitor")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BALANCER: &str = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/shop/providers/\
                            Microsoft.Network/loadBalancers/shop";

    fn metric() -> AzureMetric {
        AzureMetric::of(BALANCER, "DipAvailability").azure_cli()
    }

    #[test]
    fn what_can_never_be_asked_is_refused_by_name() {
        for (probe, expected) in [
            (AzureMetric::of("shop", "DipAvailability"), "invalid resource id: \"shop\""),
            (AzureMetric::of(BALANCER, " "), "invalid metric: \" \""),
            (AzureMetric::of(BALANCER, "a,b"), "invalid metric: \"a,b\""),
            (metric().namespace(""), "invalid namespace: \"\""),
            (metric().dimension("", "a"), "invalid dimension: \"\"=\"a\""),
            (metric().dimension("a eq 'b' or c", "a"), "invalid dimension"),
            (metric().dimension("BackendIPAddress", "*"), "invalid dimension: \"BackendIPAddress\"=\"*\""),
            (metric().aggregation("average"), "invalid aggregation: \"average\""),
            (metric().interval(Duration::from_secs(120)), "invalid interval: 2m"),
            (metric().window(Duration::from_secs(59)), "invalid window: 59s; expected from one interval"),
            (metric().window(LONGEST_WINDOW * 2), "invalid window"),
            (metric().answering_within(Duration::ZERO), "invalid answering_within: 0s"),
            (metric().endpoint("http://arm.example"), "invalid endpoint"),
            (metric().authority("http://login.example"), "invalid authority"),
            (
                metric().client_secret("not a tenant", "client", "hush"),
                "the configuration of the Azure credentials",
            ),
        ] {
            let error = probe.check().expect_err(expected).to_string();
            assert!(error.starts_with(expected) && !error.contains("hush"), "{error}");
        }
        metric().check().unwrap();
        for (minutes, _) in INTERVALS {
            metric().interval(Duration::from_secs(60 * minutes)).check().unwrap();
        }
    }

    #[test]
    fn a_probe_shows_what_it_looks_at_and_no_secret() {
        let probe =
            metric().client_secret("tenant", "client", "hush").dimension("BackendIPAddress", "10.0.0.4");
        let expected =
            "Average of DipAvailability {BackendIPAddress=10.0.0.4} of loadBalancers/shop in Azure Monitor";
        assert_eq!(probe.to_string(), expected);
        assert!(!format!("{probe} {probe:?}").contains("hush"));
    }
}
