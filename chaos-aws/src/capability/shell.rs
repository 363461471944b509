use std::{
    net::IpAddr,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use aws_sdk_ssm::{
    config::{
        self,
        http::HttpResponse,
        retry::{ClassifyRetry, RetryAction},
    },
    error::{ProvideErrorMetadata, SdkError},
    types::{InstanceInformationStringFilter, PingStatus, PlatformType},
};
use chaos_core::{
    Error, ErrorKind, Permit, Result,
    capability::{Envelope, NetworkShare, Output, Script, Shell},
};

use crate::{
    capability::{
        invocation::Invocation,
        lifeline::{lifeline_script, read_lifeline},
        reach::Reach,
    },
    client::error::failed,
    model::told::told,
};

/// How long the agent may take to fetch a command. The service accepts no shorter time.
const DELIVERED_WITHIN: Duration = Duration::from_secs(30);

const DOCUMENT: &str = "AWS-RunShellScript";

/// Runs scripts on an instance through Run Command of Systems Manager.
#[derive(Debug)]
pub(crate) struct CommandShell {
    reach: Reach,
    /// Whether the agent was seen online.
    is_seen: AtomicBool,
}

impl CommandShell {
    pub(crate) fn new(reach: Reach) -> Self {
        Self { reach, is_seen: AtomicBool::new(false) }
    }

    /// Checks once whether commands can be sent to the instance.
    async fn preflight(&self) -> Result<()> {
        if self.is_seen.load(Ordering::Relaxed) {
            return Ok(());
        }
        let of_instance = InstanceInformationStringFilter::builder()
            .key("InstanceIds")
            .values(&*self.reach.instance)
            .build()
            .map_err(|error| Error::new(ErrorKind::Other, "a filter cannot be made").caused_by(error))?;
        let call = self.reach.region.ssm().describe_instance_information().filters(of_instance);
        let answer =
            call.send().await.map_err(|error| self.failed("ssm:DescribeInstanceInformation", error))?;
        let known = told(answer.instance_information_list, "InstanceInformationList");
        let known = known.map_err(|error| self.named(error))?.into_iter();
        let known = known.into_iter().find(|known| known.instance_id() == Some(&*self.reach.instance));
        let Some(known) = known else {
            let what = "Systems Manager does not know this instance: it needs the agent, an instance profile with \
                AmazonSSMManagedInstanceCore, and a network route to the service";
            return Err(self.named(Error::new(ErrorKind::Unsupported, what)));
        };
        let platform = told(known.platform_type(), "PlatformType").map_err(|error| self.named(error))?;
        if *platform != PlatformType::Linux {
            let what = "scripts run on Linux only";
            return Err(self.named(Error::new(ErrorKind::Unsupported, what)).with("platform", platform));
        }
        match known.ping_status() {
            Some(PingStatus::Online) => {
                self.is_seen.store(true, Ordering::Relaxed);
                Ok(())
            }
            status => {
                let what = "the agent of Systems Manager on this instance is not online";
                let status = status.map_or("none", PingStatus::as_str);
                Err(self.named(Error::new(ErrorKind::Unavailable, what)).with("status", status))
            }
        }
    }

    async fn execute(&self, script: &Script, permit: Option<&Permit>) -> Result<Output> {
        // An exit with 194 would make the agent reboot the instance.
        let text = Envelope::default().failing_with_the_script().seal(script)?;
        self.preflight().await?;
        // Whole seconds; the service accepts from one second to two days.
        let limit = script.limit().as_secs_f64().ceil().clamp(1.0, 172_800.0);
        // The service has no idempotency token. A person finds the commands of a fault by the comment.
        let comment = match permit {
            Some(permit) => format!("chaos fault {}", permit.fault()),
            None => "chaos: looks and changes nothing".to_owned(),
        };
        let call = self
            .reach
            .region
            .ssm()
            .send_command()
            .document_name(DOCUMENT)
            .instance_ids(&*self.reach.instance)
            .parameters("commands", vec![text])
            .parameters("executionTimeout", vec![format!("{limit:.0}")])
            .timeout_seconds(i32::try_from(DELIVERED_WITHIN.as_secs()).unwrap_or(30))
            .comment(comment);
        let sent = match permit {
            None => call.send().await,
            Some(permit) => {
                let careful = config::Config::builder().retry_classifier(NotTwice);
                permit.in_time(call.customize().config_override(careful).send()).await?
            }
        };
        let sent = sent.map_err(|error| self.failed("ssm:SendCommand", error))?;
        let id = sent.command().and_then(|command| command.command_id()).ok_or_else(|| {
            self.named(Error::new(
                ErrorKind::Unavailable,
                "a command was sent, but the answer has no command id",
            ))
        })?;
        let within = DELIVERED_WITHIN + Duration::from_secs_f64(limit);
        Invocation { reach: &self.reach, id }.finish(within).await.map_err(|error| self.named(error))
    }

    fn failed<E>(&self, action: &'static str, error: SdkError<E, HttpResponse>) -> Error
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        self.named(failed(action, self.reach.region.name(), error))
    }

    fn named(&self, error: Error) -> Error {
        error.with("instance", &self.reach.instance)
    }
}

#[async_trait]
impl Shell for CommandShell {
    async fn inspect(&self, script: &Script) -> Result<Output> {
        self.execute(script, None).await
    }

    async fn run(&self, script: &Script, permit: &Permit) -> Result<Output> {
        self.execute(script, Some(permit)).await.map_err(|error| error.with("fault", permit.fault()))
    }

    /// The agent polls every few seconds, and may be busy with another command or just starting.
    fn answers_within(&self) -> Duration {
        Duration::from_secs(60)
    }

    async fn network(&self) -> Result<NetworkShare> {
        self.preflight().await?;
        Ok(NetworkShare::Whole)
    }

    async fn lifeline(&self) -> Result<Vec<IpAddr>> {
        let output = self.execute(&lifeline_script(self.reach.region.name())?, None).await?;
        read_lifeline(&output).map_err(|error| self.named(error))
    }
}

/// A command that changes something is not sent again if the first may have arrived. Only the service's own refusal
/// proves that it did not.
#[derive(Debug)]
struct NotTwice;

impl ClassifyRetry for NotTwice {
    fn classify_retry(&self, context: &aws_sdk_ssm::config::interceptors::InterceptorContext) -> RetryAction {
        let was_refused = context.response().is_some_and(|response| {
            let status = response.status().as_u16();
            (400..500).contains(&status)
        });
        if was_refused { RetryAction::NoActionIndicated } else { RetryAction::RetryForbidden }
    }

    fn name(&self) -> &'static str {
        "not twice"
    }
}
