//! A new state of health breaks nobody: whoever matches says what to do with an unknown one.

use chaos_core::Health;

fn is_well(health: Health) -> bool {
    match health {
        Health::Healthy => true,
        Health::Unhealthy | Health::Stopped | Health::Gone | Health::Unknown => false,
    }
}

fn main() {}
