use serde_json::{Map, Value, json};

use super::argument::{Argument, Misfit, Rule, is_open};
use crate::{
    experiment::{PythonProvider, nearest},
    substitution::Names,
};

/// A function of an extension of Chaos Toolkit that is carried out here, without Python.
#[derive(Debug)]
pub(crate) struct Function {
    pub(super) module: &'static str,
    pub(super) name: &'static str,
    pub(crate) operation: Operation,
    pub(super) arguments: &'static [Argument],
    pub(super) rules: &'static [Rule],
}

/// What a function operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Injects an event into members of groups.
    Inject(EventKind, TargetKind),
    /// Starts machines that are stopped.
    Start(Cloud),
    /// Calls AWS, and changes nothing that lasts but what has a deadline of its own.
    Aws(AwsCall),
    /// Asks Azure.
    Azure(AzureCall),
}

/// What is injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventKind {
    Terminate,
    Stop,
    /// Stops a machine of Azure, and gives its host back.
    Deallocate,
    Restart,
    BurnCpu,
    FillDisk,
}

/// Where it is injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TargetKind {
    /// Members of auto-scaling groups, in each of them.
    AutoScalingGroups,
    /// One instance of EC2.
    Instance,
    /// Each of some instances of EC2.
    Instances,
    /// Each of some virtual machines of Azure.
    Machines,
    /// Members of scale sets of Azure, in each of them.
    ScaleSets,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cloud {
    Aws,
    Azure,
}

/// A call of AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AwsCall {
    DescribeGroups,
    DesiredEqualsHealthy,
    AwaitDesiredEqualsHealthy,
    AwaitDesiredNotEqualsHealthy,
    IsScaling,
    ProcessIsSuspended,
    HasSubnets,
    CountByHealth,
    DescribeInstances,
    CountInstances,
    CountAtLeast,
    InstanceState,
    AlarmState,
    MetricStatistics,
    MetricData,
    StartExperiment,
    StopExperiment,
    StopExperimentsByTags,
    /// Those that a run has started.
    StopExperimentsOfRun,
    GetExperiment,
}

/// A question to Azure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AzureCall {
    DescribeMachines,
    CountMachines,
    CountScaleSetInstances,
}

impl Function {
    pub(crate) fn full_name(&self) -> String {
        format!("{}.{}", self.module, self.name)
    }

    /// Whether it injects an event, which belongs into the method.
    pub(crate) fn is_fault(&self) -> bool {
        matches!(self.operation, Operation::Inject(..) | Operation::Aws(AwsCall::StartExperiment))
    }

    /// Whether the event is undone by a recovery of its own.
    pub(crate) fn is_event(&self) -> bool {
        matches!(self.operation, Operation::Inject(..))
    }

    /// Whether it needs to know the run that it is carried out in.
    pub(crate) fn is_of_run(&self) -> bool {
        self.is_event() || self.starts_experiments() || self.stops_experiments_of_run()
    }

    /// Whether it starts an experiment of an engine.
    pub(crate) fn starts_experiments(&self) -> bool {
        self.operation == Operation::Aws(AwsCall::StartExperiment)
    }

    /// Whether it stops the experiments that a run has started.
    pub(crate) fn stops_experiments_of_run(&self) -> bool {
        self.operation == Operation::Aws(AwsCall::StopExperimentsOfRun)
    }

    /// The provider that undoes it, unless a recovery of its own operation. It lacks the run.
    pub(crate) fn undone_by(&self) -> Option<Value> {
        self.starts_experiments().then(|| {
            json!({
                "type": "python", "module": self.module, "func": "stop_experiments_of_run", "arguments": { "run": "" },
                // Post actions take their time.
                "timeout": 900,
            })
        })
    }

    pub(crate) fn cloud(&self) -> Cloud {
        match self.operation {
            Operation::Inject(
                _,
                TargetKind::AutoScalingGroups | TargetKind::Instance | TargetKind::Instances,
            )
            | Operation::Aws(_) => Cloud::Aws,
            Operation::Inject(_, TargetKind::Machines | TargetKind::ScaleSets) | Operation::Azure(_) => {
                Cloud::Azure
            }
            Operation::Start(cloud) => cloud,
        }
    }

    /// Everything that is wrong with the arguments. What holds a name without a value is not looked at.
    pub(crate) fn misfits(&self, arguments: &Map<String, Value>) -> Vec<Misfit> {
        let known = || self.arguments.iter().map(|argument| argument.name);
        let unknown = arguments.iter().filter(|(name, _)| !known().any(|known| known == name.as_str()));
        let unknown = unknown.map(|(name, value)| {
            let expected =
                format!("an argument of {}: {}", self.name, known().collect::<Vec<_>>().join(", "));
            let expected = nearest::or_nearest(&expected, name, known());
            Misfit { name: name.clone(), value: Some(value.clone()), expected }
        });
        let wrong = self.arguments.iter().filter_map(|argument| argument.check(arguments));
        let rules = self.rules.iter().filter_map(|rule| rule.check(arguments));
        unknown.chain(wrong).chain(rules).collect()
    }

    /// The arguments with their values.
    ///
    /// # Errors
    /// What is wrong with them, in a sentence.
    pub(crate) fn arguments(
        &self,
        python: &PythonProvider,
        names: &Names,
    ) -> Result<Map<String, Value>, String> {
        let arguments = match names.substitute(&Value::Object(python.arguments.clone())) {
            Value::Object(arguments) => arguments,
            _ => python.arguments.clone(),
        };
        let written = |name: &String| python.arguments.get(name).is_some_and(|value| !value.is_null());
        if let Some((name, _)) = arguments.iter().find(|(name, value)| value.is_null() && written(name)) {
            return Err(format!(
                "the argument {name} is {}, which stands for nothing",
                python.arguments[name]
            ));
        }
        if let Some((name, value)) = arguments.iter().find(|(_, value)| is_open(value)) {
            return Err(format!("the argument {name} holds a name without a value: {value}"));
        }
        match self.misfits(&arguments).into_iter().next() {
            None => Ok(arguments),
            Some(Misfit { name, value: Some(value), expected }) => {
                Err(format!("the argument {name} is {value}, expected {expected}"))
            }
            Some(Misfit { name, expected, .. }) if name.is_empty() => {
                Err(format!("the arguments are wrong: expected {expected}"))
            }
            Some(Misfit { name, expected, .. }) => {
                Err(format!("the argument {name} is missing, expected {expected}"))
            }
        }
    }
}
