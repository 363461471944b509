use std::{ffi::OsString, os::unix::ffi::OsStrExt, path::PathBuf, sync::Arc, time::Duration};

use chaos_core::{
    Error, Result,
    clock::{Clock, SystemClock},
};

use crate::{
    client::{
        health_check::HealthCheck,
        network_namespace::{namespace_of_replica, validate_namespace_name},
    },
    fleet::plan::Plan,
};

/// The settings of a [`Fleet`](crate::Fleet), made by [`Fleet::of`](crate::Fleet::of). Nothing is checked and nothing
/// happens before [`start`](FleetBuilder::start).
#[derive(Debug)]
#[must_use = "no replica runs before the fleet is started"]
pub struct FleetBuilder {
    plan: Plan,
}

impl FleetBuilder {
    const MOST_REPLICAS: usize = 1000;
    const LONGEST_NAME: usize = 200;

    pub(crate) fn new(program: OsString) -> Self {
        Self {
            plan: Plan {
                name: "fleet".to_owned(),
                program,
                arguments: Vec::new(),
                environment: Vec::new(),
                replicas: 1,
                network_namespace: None,
                first_port: None,
                check: HealthCheck::alive(),
                start_within: Duration::from_secs(10),
                state_directory: None,
                log_directory: None,
                clock: Arc::new(SystemClock::default()),
            },
        }
    }

    /// Adds an argument. `{index}` and `{port}` in it are replaced by the replica's number, from 0, and its port.
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.plan.arguments.push(argument.into());
        self
    }

    /// Adds arguments, each like [`arg`](FleetBuilder::arg).
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.plan.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Sets a variable in the replicas' environment, in addition to the environment of this process. `{index}` and
    /// `{port}` in the value are replaced by the replica's own.
    pub fn env(mut self, key: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.plan.environment.push((key.into(), value.into()));
        self
    }

    /// Sets the number of replicas, from 1 to 1,000. Default: 1.
    pub fn replicas(mut self, replicas: usize) -> Self {
        self.plan.replicas = replicas;
        self
    }

    /// Names the fleet: at most 200 bytes without a slash or a control character. Default: `fleet`.
    ///
    /// Without a state directory its group is `local:<name>`.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.plan.name = name.into();
        self
    }

    /// Sets the health check of the replicas. Default: [`HealthCheck::alive`].
    pub fn health(mut self, check: HealthCheck) -> Self {
        self.plan.check = check;
        self
    }

    /// Gives the replicas the ports `first`, `first + 1` and so on. Default: ports that are free when the fleet starts.
    ///
    /// A replica keeps its port for as long as the fleet lives.
    pub fn ports_from(mut self, first: u16) -> Self {
        self.plan.first_port = Some(first);
        self
    }

    /// Runs the replicas in this existing network namespace, as made by `ip netns add`. `{index}` in the name is
    /// replaced by the replica's number, so each replica can have its own. Default: the namespace of this process.
    ///
    /// Health checks connect from inside, to 127.0.0.1 there, so `lo` must be up.
    /// [`endpoints`](crate::Fleet::endpoints) are inside too. Ports that you do not set are free ports of the
    /// namespace; replicas in different namespaces may have the same ones.
    ///
    /// The network of a replica counts as its own: a fault that cuts it off cuts off all processes in its namespace,
    /// including other replicas. A recovery from another process finds the namespace through the fleet's [state
    /// directory](FleetBuilder::state_directory). Without a state directory it cannot find it.
    ///
    /// This needs root.
    ///
    /// ```no_run
    /// use chaos_local::{Fleet, HealthCheck};
    ///
    /// # async fn example() -> chaos_core::Result<()> {
    /// // ip netns add shop-0; ip -n shop-0 link set lo up; and so on
    /// let shop = Fleet::of("./shop").arg("--port={port}").replicas(3);
    /// let shop = shop.network_namespace("shop-{index}").health(HealthCheck::http("/health")).start().await?;
    /// # let _ = shop;
    /// # Ok(())
    /// # }
    /// ```
    pub fn network_namespace(mut self, name: impl Into<String>) -> Self {
        self.plan.network_namespace = Some(name.into());
        self
    }

    /// Sets the time until all replicas must be healthy. Default: 10 seconds.
    pub fn start_within(mut self, limit: Duration) -> Self {
        self.plan.start_within = limit;
        self
    }

    /// Lets other processes find this fleet. Its state is kept in `fleet.json` in this directory, which is created if
    /// it does not exist, and `fleet.lock` there is locked as long as the fleet lives. All three belong to this user
    /// alone, with any umask. If another user owns them or may write to them, they are refused, because such a user
    /// would choose what a fault hits.
    ///
    /// The group's id becomes `local:<directory>`, absolute and without symbolic links, so the id alone is enough to
    /// find the fleet again.
    pub fn state_directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.plan.state_directory = Some(directory.into());
        self
    }

    /// Appends the standard output and standard error of each replica to `replica-0.log` and so on in this directory,
    /// which is created if it does not exist. By default, only the end of the output is kept, for errors and the log of
    /// this process.
    pub fn log_to(mut self, directory: impl Into<PathBuf>) -> Self {
        self.plan.log_directory = Some(directory.into());
        self
    }

    /// Sets the clock of waits. Default: [`SystemClock`].
    ///
    /// A fleet waits in a thread of its own, which tokio's paused time does not reach.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.plan.clock = clock;
        self
    }

    /// The checked plan of the fleet.
    pub(crate) fn validate(self) -> Result<Plan> {
        let plan = self.plan;
        if plan.replicas == 0 || plan.replicas > Self::MOST_REPLICAS {
            let expected = format!("from 1 to {}", Self::MOST_REPLICAS);
            return Err(Error::invalid("replicas", plan.replicas, expected));
        }
        validate_name("fleet name", &plan.name)?;
        if plan.first_port == Some(0) {
            return Err(Error::invalid("first port", 0, "from 1 to 65535"));
        }
        if plan.start_within.is_zero() {
            return Err(Error::invalid("start time limit", "0s", "more than zero"));
        }
        plan.check.validate()?;
        if let Some(names) = &plan.network_namespace {
            validate_namespace_name(&namespace_of_replica(names, 0))?;
        }
        let has_nul = |text: &OsString| text.as_bytes().contains(&0);
        if plan.program.is_empty() || has_nul(&plan.program) {
            let expected = "the path or the name of a program";
            return Err(Error::invalid("program", format!("{:?}", plan.program), expected));
        }
        for (position, argument) in plan.arguments.iter().enumerate() {
            if has_nul(argument) {
                let field = format!("argument {}", position + 1);
                return Err(Error::invalid(field, format!("{argument:?}"), "no NUL byte"));
            }
        }
        for (key, value) in &plan.environment {
            if key.is_empty() || has_nul(key) || key.as_bytes().contains(&b'=') {
                let expected = "a name without an equals sign and without a NUL byte";
                return Err(Error::invalid("environment variable", format!("{key:?}"), expected));
            }
            if has_nul(value) {
                let field = format!("environment variable {key:?}");
                return Err(Error::invalid(field, format!("{value:?}"), "no NUL byte"));
            }
        }
        Ok(plan)
    }
}

/// A name that is valid as the path of a group's id, and that cannot be mistaken for a directory.
pub(crate) fn validate_name(field: &str, name: &str) -> Result<()> {
    let is_right = !name.is_empty()
        && name.len() <= FleetBuilder::LONGEST_NAME
        && !name.chars().any(|character| character == '/' || character.is_control());
    if is_right {
        Ok(())
    } else {
        let expected = "1 to 200 bytes without a slash or a control character";
        Err(Error::invalid(field, format!("{name:?}"), expected))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::Fleet;

    #[test]
    fn bad_settings_name_field_and_value() {
        let fleet = || Fleet::of("true");
        for (builder, expected) in [
            (fleet().replicas(0), "invalid replicas: 0"),
            (fleet().replicas(1001), "invalid replicas: 1001"),
            (fleet().name(""), "invalid fleet name: \"\""),
            (fleet().name("a/b"), "invalid fleet name: \"a/b\""),
            (fleet().name("a\nb"), "invalid fleet name: \"a\\nb\""),
            (fleet().ports_from(0), "invalid first port: 0"),
            (fleet().start_within(Duration::ZERO), "invalid start time limit: 0s"),
            (fleet().health(HealthCheck::http("x")), "invalid health check path: \"x\""),
            (fleet().arg("a").arg("b\0"), "invalid argument 2: \"b\\0\""),
            (fleet().env("A=B", "c"), "invalid environment variable: \"A=B\""),
            (fleet().env("A", "\0"), "invalid environment variable \"A\": \"\\0\""),
            (fleet().network_namespace(""), "invalid network namespace: \"\""),
            (fleet().network_namespace(".."), "invalid network namespace: \"..\""),
            (fleet().network_namespace("{index}/a"), "invalid network namespace: \"0/a\""),
            (Fleet::of(""), "invalid program: \"\""),
        ] {
            let error = builder.validate().expect_err(expected);
            assert!(error.to_string().starts_with(expected), "{error}");
        }
        fleet().name("it's $(reboot) `x` \"y\" \\ é").validate().unwrap();
    }

    #[test]
    fn a_port_in_use_or_out_of_range_is_named() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let plan = Fleet::of("true").ports_from(port).validate().unwrap();
        let error = plan.choose_ports().unwrap_err();
        assert!(error.to_string().starts_with(&format!("invalid port: {port};")), "{error}");

        let plan = Fleet::of("true").ports_from(65_535).replicas(2).validate().unwrap();
        let error = plan.choose_ports().unwrap_err().to_string();
        assert!(error.starts_with("invalid first port: 65535;"), "{error}");
    }
}
