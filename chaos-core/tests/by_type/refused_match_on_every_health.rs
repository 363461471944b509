//! A new state of health breaks no code: every match must handle an unknown state.

use chaos_core::Health;

fn is_well(health: Health) -> bool {
    match health {
        Health::Healthy => true,
        Health::Unhealthy | Health::Stopped | Health::Gone | Health::Unknown => false,
    }
}

fn main() {}
