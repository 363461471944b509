//! Limits of what one file may ask for.

use super::{
    lines::Property,
    misread::{Misread, Read},
};

/// Steps that rules may take together: each is a day, a week, a month or a year that is looked at.
const MOST_STEPS: u64 = 500_000;

/// Steps that one rule may take. Without a fit, the crate gives up after this many.
const MOST_STEPS_OF_RULE: u64 = 90_000;

/// Rules that fit nowhere, or hardly ever. Each costs as much as a hundred others.
const MOST_MISFITS: u32 = 10;

/// Instances of events within the time that is expanded.
const MOST_INSTANCES: usize = 20_000;

/// Whether the crate may give up before it has taken so many steps.
pub(super) fn is_too_long(steps: u64) -> bool {
    steps > MOST_STEPS_OF_RULE
}

pub(super) fn too_long(rule: &Property) -> Misread {
    rule.misread("rules that do not repeat as often since so long ago")
}

/// Whether one rule alone makes too many instances.
pub(super) fn is_flood(instances: usize) -> bool {
    instances > MOST_INSTANCES
}

pub(super) fn at_most() -> String {
    format!("at most {MOST_INSTANCES} instances of events in four years")
}

/// What is left of the limits of a file.
#[derive(Debug)]
pub(super) struct Work {
    steps: u64,
    misfits: u32,
    instances: usize,
}

impl Work {
    pub(super) fn new() -> Self {
        Self { steps: MOST_STEPS, misfits: MOST_MISFITS, instances: MOST_INSTANCES }
    }

    pub(super) fn spend_steps(&mut self, steps: u64, rule: &Property) -> Read<()> {
        match self.steps.checked_sub(steps) {
            Some(left) if !is_too_long(steps) => {
                self.steps = left;
                Ok(())
            }
            _ => Err(too_long(rule)),
        }
    }

    pub(super) fn spend_misfit(&mut self, rule: &Property) -> Read<()> {
        match self.misfits.checked_sub(1) {
            Some(left) => {
                self.misfits = left;
                Ok(())
            }
            None => Err(rule.misread(format!("at most {MOST_MISFITS} rules that hardly ever fit"))),
        }
    }

    pub(super) fn spend_instance(&mut self, line: usize, reason: &str) -> Read<()> {
        match self.instances.checked_sub(1) {
            Some(left) => {
                self.instances = left;
                Ok(())
            }
            None => Err(Misread::new(line, reason, at_most())),
        }
    }
}
