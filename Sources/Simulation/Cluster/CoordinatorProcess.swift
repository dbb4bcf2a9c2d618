import Common
import Coordination

/// The coordinating process: the production state machine, and what its shell keeps.
struct CoordinatorProcess {
    var core: Coordinator
    /// The numbers.
    var state: TrainingState
    var kept = KeptContributions()
    /// By piece: what workers have summed of the open step.
    var sums: [Int: Model.Parameters] = [:]
    /// To whom pieces of the newest weights go by way of each other, and who has not been told of these weights.
    var passingOn: (version: WeightsVersion, lives: Set<Incarnation>)?
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
