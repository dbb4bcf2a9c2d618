import Common
import Coordination

/// The coordinating process: the production state machine, and what its shell keeps.
struct CoordinatorProcess {
    var core: Coordinator
    /// The numbers.
    var state: TrainingState
    var kept = KeptContributions()
    /// What was computed here, while the state machine is told of it.
    var recomputed = Tensors.none
    var pausedUntil = Instant.origin
    /// When the next alarm is scheduled.
    var alarm: Instant?
    /// The canary's: assignments to send again and again.
    var sent: [(assignment: Assignment, peer: Incarnation)] = []

    var epoch: Epoch { core.configuration.epoch }

    init(_ configuration: Coordinator.Configuration, from start: RoundStart) {
        core = Coordinator(configuration)
        state = start.state
    }
}
