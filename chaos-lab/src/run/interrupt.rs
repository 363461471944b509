/// What interrupts a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Interrupt {
    /// Ctrl-C: SIGINT.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// SIGUSR1.
    User1,
    /// SIGUSR2. In Chaos Toolkit, no rollback is played then.
    User2,
    /// A hook of a control raised `InterruptExecution`.
    Control,
}
