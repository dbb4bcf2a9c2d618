import Coordination

/// Which run a coordinating process leads, and where it goes on.
struct RunStart: Sendable {
    var runID: RunID
    /// Higher than that of any earlier start of the run's coordinator.
    var epoch: Epoch
    /// Workers that were quarantined before this start, with the reasons.
    var quarantined: [String: String] = [:]
    /// Nil for a run that begins.
    var state: CheckpointState?
}
