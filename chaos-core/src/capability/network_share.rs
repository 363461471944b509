/// How much of the network that a [`Shell`](crate::Shell)'s scripts see belongs to its target.
///
/// Whoever cuts a network off must not cut off strangers on the same machine.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NetworkShare {
    /// All of it: the target is a machine, or has a network namespace of its own.
    Whole,
    /// What goes to and from these ports of its machine, in ascending order: the target is one process among others. Empty
    /// where it listens on none.
    Ports(Vec<u16>),
}
