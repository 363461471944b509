//! Auto-scaling groups.
