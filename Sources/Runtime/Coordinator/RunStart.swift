import Coordination

/// Which run a coordinating process leads, and where it goes on.
struct RunStart: Sendable {
    var runID: RunID
    /// Higher than that of any earlier start of the run's coordinator.
    var epoch: Epoch
    /// Nil for a run that begins.
    var state: CheckpointState?
}
