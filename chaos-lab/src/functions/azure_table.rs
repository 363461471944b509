//! The functions of Chaos Toolkit's extension for Azure (chaostoolkit-azure 0.17) that are carried out here.
//!
//! Each needs a filter, a query of Azure's Resource Graph. There, none means the whole subscription.

use super::{
    argument::{Argument, Kind},
    function::{AzureCall, Blow, Cloud, Deed, Function, On},
};

const FILTER: Argument = Argument::required("filter", Kind::Query);
const CRITERIA: Argument = Argument::optional("instance_criteria", Kind::Criteria);
const DURATION: Argument = Argument::optional("duration", Kind::Count);
const LIMIT: Argument = Argument::optional("timeout", Kind::Count);
const SIZE: Argument = Argument::optional("size", Kind::Count);
const PATH: Argument = Argument::optional("path", Kind::Text);

const MACHINES: &str = "chaosazure.machine.actions";
const SCALE_SETS: &str = "chaosazure.vmss.actions";

const fn on_machines(name: &'static str, blow: Blow, arguments: &'static [Argument]) -> Function {
    Function { module: MACHINES, name, does: Deed::Strike(blow, On::Machines), arguments, rules: &[] }
}

const fn on_scale_sets(name: &'static str, blow: Blow, arguments: &'static [Argument]) -> Function {
    Function { module: SCALE_SETS, name, does: Deed::Strike(blow, On::ScaleSets), arguments, rules: &[] }
}

const fn asks(module: &'static str, name: &'static str, call: AzureCall) -> Function {
    Function { module, name, does: Deed::Azure(call), arguments: &[FILTER], rules: &[] }
}

pub(super) static FUNCTIONS: &[Function] = &[
    on_machines("delete_machines", Blow::Terminate, &[FILTER]),
    on_machines("stop_machines", Blow::Stop, &[FILTER]),
    on_machines("restart_machines", Blow::Restart, &[FILTER]),
    on_machines("stress_cpu", Blow::BurnCpu, &[FILTER, DURATION, LIMIT]),
    on_machines("fill_disk", Blow::FillDisk, &[FILTER, DURATION, LIMIT, SIZE, PATH]),
    Function {
        module: MACHINES,
        name: "start_machines",
        does: Deed::Start(Cloud::Azure),
        arguments: &[FILTER],
        rules: &[],
    },
    on_scale_sets("delete_vmss", Blow::Terminate, &[FILTER, CRITERIA]),
    on_scale_sets("stop_vmss", Blow::Stop, &[FILTER, CRITERIA]),
    on_scale_sets("deallocate_vmss", Blow::Deallocate, &[FILTER, CRITERIA]),
    on_scale_sets("restart_vmss", Blow::Restart, &[FILTER, CRITERIA]),
    on_scale_sets("stress_cpu", Blow::BurnCpu, &[FILTER, DURATION, LIMIT, CRITERIA]),
    on_scale_sets("stress_vmss_instance_cpu", Blow::BurnCpu, &[FILTER, DURATION, LIMIT, CRITERIA]),
    on_scale_sets("fill_disk", Blow::FillDisk, &[FILTER, DURATION, LIMIT, SIZE, PATH, CRITERIA]),
    asks("chaosazure.machine.probes", "describe_machines", AzureCall::DescribeMachines),
    asks("chaosazure.machine.probes", "count_machines", AzureCall::CountMachines),
    asks("chaosazure.vmss.probes", "count_instances", AzureCall::CountScaleSetInstances),
];
