//! The functions of Chaos Toolkit's extension for Azure (chaostoolkit-azure 0.17) that are carried out here.
//!
//! Each needs a filter, a query of Azure's Resource Graph. There, none means the whole subscription.

use super::{
    argument::{Argument, Kind},
    function::{AzureCall, Cloud, EventKind, Function, Operation, TargetKind},
};

const FILTER: Argument = Argument::required("filter", Kind::Query);
const CRITERIA: Argument = Argument::optional("instance_criteria", Kind::Criteria);
const DURATION: Argument = Argument::optional("duration", Kind::Count);
const LIMIT: Argument = Argument::optional("timeout", Kind::Count);
const SIZE: Argument = Argument::optional("size", Kind::Count);
const PATH: Argument = Argument::optional("path", Kind::Text);

const MACHINES: &str = "chaosazure.machine.actions";
const SCALE_SETS: &str = "chaosazure.vmss.actions";

const fn on_machines(name: &'static str, event: EventKind, arguments: &'static [Argument]) -> Function {
    Function {
        module: MACHINES,
        name,
        operation: Operation::Inject(event, TargetKind::Machines),
        arguments,
        rules: &[],
    }
}

const fn on_scale_sets(name: &'static str, event: EventKind, arguments: &'static [Argument]) -> Function {
    Function {
        module: SCALE_SETS,
        name,
        operation: Operation::Inject(event, TargetKind::ScaleSets),
        arguments,
        rules: &[],
    }
}

const fn asks(module: &'static str, name: &'static str, call: AzureCall) -> Function {
    Function { module, name, operation: Operation::Azure(call), arguments: &[FILTER], rules: &[] }
}

pub(super) static FUNCTIONS: &[Function] = &[
    on_machines("delete_machines", EventKind::Terminate, &[FILTER]),
    on_machines("stop_machines", EventKind::Stop, &[FILTER]),
    on_machines("restart_machines", EventKind::Restart, &[FILTER]),
    on_machines("stress_cpu", EventKind::BurnCpu, &[FILTER, DURATION, LIMIT]),
    on_machines("fill_disk", EventKind::FillDisk, &[FILTER, DURATION, LIMIT, SIZE, PATH]),
    Function {
        module: MACHINES,
        name: "start_machines",
        operation: Operation::Start(Cloud::Azure),
        arguments: &[FILTER],
        rules: &[],
    },
    on_scale_sets("delete_vmss", EventKind::Terminate, &[FILTER, CRITERIA]),
    on_scale_sets("stop_vmss", EventKind::Stop, &[FILTER, CRITERIA]),
    on_scale_sets("deallocate_vmss", EventKind::Deallocate, &[FILTER, CRITERIA]),
    on_scale_sets("restart_vmss", EventKind::Restart, &[FILTER, CRITERIA]),
    on_scale_sets("stress_cpu", EventKind::BurnCpu, &[FILTER, DURATION, LIMIT, CRITERIA]),
    on_scale_sets("stress_vmss_instance_cpu", EventKind::BurnCpu, &[FILTER, DURATION, LIMIT, CRITERIA]),
    on_scale_sets("fill_disk", EventKind::FillDisk, &[FILTER, DURATION, LIMIT, SIZE, PATH, CRITERIA]),
    asks("chaosazure.machine.probes", "describe_machines", AzureCall::DescribeMachines),
    asks("chaosazure.machine.probes", "count_machines", AzureCall::CountMachines),
    asks("chaosazure.vmss.probes", "count_instances", AzureCall::CountScaleSetInstances),
];
