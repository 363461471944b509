//! The functions of Chaos Toolkit's extension for AWS (chaostoolkit-aws 0.35) that are carried out here.

use super::{
    argument::{Argument, Kind, Rule},
    function::{AwsCall, Cloud, EventKind, Function, Operation, TargetKind},
};

const fn optional(name: &'static str, kind: Kind) -> Argument {
    Argument::optional(name, kind)
}

const fn required(name: &'static str, kind: Kind) -> Argument {
    Argument::required(name, kind)
}

const NAMES: Argument = optional("asg_names", Kind::Texts);
const TAGS: Argument = optional("tags", Kind::Tags);
const COUNT: Argument = optional("instance_count", Kind::Count);
const PERCENT: Argument = optional("instance_percent", Kind::Percent);
const ZONE: Argument = optional("az", Kind::Text);
const FORCE: Argument =
    optional("force", Kind::NeverTrue("an instance is stopped in order here, so that it comes back whole"));
const ID: Argument = optional("instance_id", Kind::Text);
const IDS: Argument = optional("instance_ids", Kind::Texts);
const FILTERS: Argument = optional("filters", Kind::Filters);
const LIMIT: Argument = optional("timeout", Kind::Seconds);

const ONE_GROUP: Rule = Rule::One(&["asg_names", "tags"]);
const HOW_MANY: Rule = Rule::Some(&["instance_count", "instance_percent", "az"]);
const COUNT_OR_PERCENT: Rule = Rule::NotBoth("instance_count", "instance_percent");
const ONE_INSTANCE: Rule = Rule::Some(&["instance_id", "az", "filters"]);
const INSTANCES: Rule = Rule::Some(&["instance_ids", "az", "filters"]);

const GROUP_ACTIONS: &str = "chaosaws.asg.actions";
const GROUP_PROBES: &str = "chaosaws.asg.probes";
const EC2_ACTIONS: &str = "chaosaws.ec2.actions";
const EC2_PROBES: &str = "chaosaws.ec2.probes";
const METRICS: &str = "chaosaws.cloudwatch.probes";
const ENGINE_ACTIONS: &str = "chaosaws.fis.actions";
const ENGINE_PROBES: &str = "chaosaws.fis.probes";

const fn function(
    module: &'static str,
    name: &'static str,
    operation: Operation,
    arguments: &'static [Argument],
    rules: &'static [Rule],
) -> Function {
    Function { module, name, operation, arguments, rules }
}

pub(super) static FUNCTIONS: &[Function] = &[
    function(
        GROUP_ACTIONS,
        "terminate_random_instances",
        Operation::Inject(EventKind::Terminate, TargetKind::AutoScalingGroups),
        &[NAMES, TAGS, COUNT, PERCENT, ZONE],
        &[ONE_GROUP, HOW_MANY, COUNT_OR_PERCENT],
    ),
    function(
        GROUP_ACTIONS,
        "stop_random_instances",
        Operation::Inject(EventKind::Stop, TargetKind::AutoScalingGroups),
        &[NAMES, TAGS, COUNT, PERCENT, ZONE, FORCE],
        &[ONE_GROUP, HOW_MANY, COUNT_OR_PERCENT],
    ),
    function(
        EC2_ACTIONS,
        "stop_instance",
        Operation::Inject(EventKind::Stop, TargetKind::Instance),
        &[ID, ZONE, FORCE, FILTERS],
        &[ONE_INSTANCE],
    ),
    function(
        EC2_ACTIONS,
        "stop_instances",
        Operation::Inject(EventKind::Stop, TargetKind::Instances),
        &[IDS, ZONE, FILTERS, FORCE],
        &[INSTANCES],
    ),
    function(
        EC2_ACTIONS,
        "terminate_instance",
        Operation::Inject(EventKind::Terminate, TargetKind::Instance),
        &[ID, ZONE, FILTERS],
        &[ONE_INSTANCE],
    ),
    function(
        EC2_ACTIONS,
        "terminate_instances",
        Operation::Inject(EventKind::Terminate, TargetKind::Instances),
        &[IDS, ZONE, FILTERS],
        &[INSTANCES],
    ),
    function(
        EC2_ACTIONS,
        "restart_instances",
        Operation::Inject(EventKind::Restart, TargetKind::Instances),
        &[IDS, ZONE, FILTERS],
        &[INSTANCES],
    ),
    function(
        EC2_ACTIONS,
        "start_instances",
        Operation::Start(Cloud::Aws),
        &[IDS, ZONE, FILTERS],
        &[INSTANCES],
    ),
    function(
        ENGINE_ACTIONS,
        "start_experiment",
        Operation::Aws(AwsCall::StartExperiment),
        &[
            required("experiment_template_id", Kind::Text),
            optional("client_token", Kind::Text),
            optional("tags", Kind::TagMap),
        ],
        &[],
    ),
    function(
        ENGINE_ACTIONS,
        "stop_experiment",
        Operation::Aws(AwsCall::StopExperiment),
        &[required("experiment_id", Kind::Text)],
        &[],
    ),
    function(
        ENGINE_ACTIONS,
        "stop_experiments_by_tags",
        Operation::Aws(AwsCall::StopExperimentsByTags),
        &[
            required("tags", Kind::TagMap),
            optional(
                "delete_templates",
                Kind::NeverTrue("a template is no fault, and cannot be brought back"),
            ),
        ],
        &[],
    ),
    // Ours: what undoes a start.
    function(
        ENGINE_ACTIONS,
        "stop_experiments_of_run",
        Operation::Aws(AwsCall::StopExperimentsOfRun),
        &[required("run", Kind::Text)],
        &[],
    ),
    function(
        ENGINE_PROBES,
        "get_experiment",
        Operation::Aws(AwsCall::GetExperiment),
        &[required("experiment_id", Kind::Text)],
        &[],
    ),
    function(
        GROUP_PROBES,
        "describe_auto_scaling_groups",
        Operation::Aws(AwsCall::DescribeGroups),
        &[NAMES, TAGS],
        &[ONE_GROUP],
    ),
    function(
        GROUP_PROBES,
        "desired_equals_healthy",
        Operation::Aws(AwsCall::DesiredEqualsHealthy),
        &[required("asg_names", Kind::Texts)],
        &[],
    ),
    function(
        GROUP_PROBES,
        "desired_equals_healthy_tags",
        Operation::Aws(AwsCall::DesiredEqualsHealthy),
        &[required("tags", Kind::Tags)],
        &[],
    ),
    function(
        GROUP_PROBES,
        "wait_desired_equals_healthy",
        Operation::Aws(AwsCall::AwaitDesiredEqualsHealthy),
        &[required("asg_names", Kind::Texts), LIMIT],
        &[],
    ),
    function(
        GROUP_PROBES,
        "wait_desired_equals_healthy_tags",
        Operation::Aws(AwsCall::AwaitDesiredEqualsHealthy),
        &[required("tags", Kind::Tags), LIMIT],
        &[],
    ),
    function(
        GROUP_PROBES,
        "wait_desired_not_equals_healthy_tags",
        Operation::Aws(AwsCall::AwaitDesiredNotEqualsHealthy),
        &[required("tags", Kind::Tags), LIMIT],
        &[],
    ),
    function(
        GROUP_PROBES,
        "is_scaling_in_progress",
        Operation::Aws(AwsCall::IsScaling),
        &[required("tags", Kind::Tags)],
        &[],
    ),
    function(
        GROUP_PROBES,
        "process_is_suspended",
        Operation::Aws(AwsCall::ProcessIsSuspended),
        &[NAMES, TAGS, required("process_names", Kind::Texts)],
        &[ONE_GROUP],
    ),
    function(
        GROUP_PROBES,
        "has_subnets",
        Operation::Aws(AwsCall::HasSubnets),
        &[required("subnets", Kind::Texts), NAMES, TAGS],
        &[ONE_GROUP],
    ),
    function(
        GROUP_PROBES,
        "instance_count_by_health",
        Operation::Aws(AwsCall::CountByHealth),
        &[NAMES, TAGS, optional("count_healthy", Kind::Flag)],
        &[ONE_GROUP],
    ),
    function(
        EC2_PROBES,
        "describe_instances",
        Operation::Aws(AwsCall::DescribeInstances),
        &[required("filters", Kind::Filters)],
        &[],
    ),
    function(
        EC2_PROBES,
        "count_instances",
        Operation::Aws(AwsCall::CountInstances),
        &[required("filters", Kind::Filters)],
        &[],
    ),
    function(
        EC2_PROBES,
        "count_min_instances",
        Operation::Aws(AwsCall::CountAtLeast),
        &[required("filters", Kind::Filters), optional("min_count", Kind::Whole)],
        &[],
    ),
    function(
        EC2_PROBES,
        "instance_state",
        Operation::Aws(AwsCall::InstanceState),
        &[required("state", Kind::Text), IDS, FILTERS],
        &[Rule::Some(&["instance_ids", "filters"])],
    ),
    function(
        METRICS,
        "get_alarm_state_value",
        Operation::Aws(AwsCall::AlarmState),
        &[required("alarm_name", Kind::Text)],
        &[],
    ),
    function(
        METRICS,
        "get_metric_statistics",
        Operation::Aws(AwsCall::MetricStatistics),
        &[
            required("namespace", Kind::Text),
            required("metric_name", Kind::Text),
            optional("dimension_name", Kind::Text),
            optional("dimension_value", Kind::Text),
            optional("dimensions", Kind::Dimensions),
            optional("duration", Kind::Count),
            optional("offset", Kind::Whole),
            optional("statistic", Kind::Text),
            optional("extended_statistic", Kind::Text),
            optional("unit", Kind::Text),
        ],
        &[
            Rule::One(&["statistic", "extended_statistic"]),
            Rule::One(&["dimensions", "dimension_name"]),
            Rule::Together("dimension_name", "dimension_value"),
        ],
    ),
    function(
        METRICS,
        "get_metric_data",
        Operation::Aws(AwsCall::MetricData),
        &[
            required("namespace", Kind::Text),
            required("metric_name", Kind::Text),
            optional("dimension_name", Kind::Text),
            optional("dimension_value", Kind::Text),
            optional("dimensions", Kind::Dimensions),
            required("statistic", Kind::OneOf(&["Average", "Sum", "Minimum", "Maximum", "SampleCount"])),
            optional("duration", Kind::Count),
            optional("period", Kind::Count),
            optional("offset", Kind::Whole),
            optional("unit", Kind::Text),
        ],
        &[Rule::One(&["dimensions", "dimension_name"]), Rule::Together("dimension_name", "dimension_value")],
    ),
];
