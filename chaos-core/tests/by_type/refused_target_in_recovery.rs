//! A recovery sees no target that was discovered: it may run in another process, long after, and looks afresh.

use std::sync::Arc;

use chaos_core::{RecoveryScope, Target};

fn discovered(scope: &RecoveryScope) -> &Arc<dyn Target> {
    scope.target()
}

fn main() {}
