import Common
import SelMix
import Training

/// Everything that a run needs to go on from the start of a round, whoever works for it then.
///
/// The selection is not among it: it follows from the weights, and is computed anew by the round's validation.
struct CheckpointState: Sendable {
    /// The round that comes next; the heads are those that start it.
    var nextRound: RoundIndex
    /// By fold.
    var heads: [Parameters]
    var velocities: [Parameters]
    /// The objective's multipliers [K] after the last round's update; empty for an objective without any.
    var multipliers: [Double]
    var convergence: ConvergenceWindow?
    var history: [RoundReport]
    var bestRound: BestRound
    var best: TrainingEngine.BestState
    /// Validation counts of the head as brought.
    var initialCounts: ConfusionCounts
    /// Of the steps since the last validation.
    var meanLoss: Double?
}

extension EventHistory.Checkpoint {
    init(_ manifest: CheckpointManifest) {
        self.init(
            name: CheckpointStore.name(of: RoundIndex(manifest.nextRound)),
            // A digest that is none agrees with no log.
            position: LogPosition(
                offset: manifest.eventOffset, digest: UInt64(manifest.eventDigest, radix: 16) ?? ~0),
            nextStep: manifest.nextStep)
    }
}

/// What a checkpoint says about itself besides its tensors.
struct CheckpointManifest: Sendable, Codable, Equatable {
    static let currentFormat = 2

    var format = currentFormat
    var version: String
    var runID: String
    var epoch: UInt64
    var configurationDigest: String
    var nextRound: Int
    /// The optimiser step that comes next.
    var nextStep: Int
    /// Bytes of the event log that were durable before this checkpoint, and their digest (``LogPosition``).
    var eventOffset: UInt64
    var eventDigest: String
    var classes: Int
    var dimension: Int
    /// Whether the head has a bias; nil in checkpoints of versions that knew no other heads.
    var hasBias: Bool?
    /// How many heads are trained in turns.
    var folds: Int
    var convergence: ConvergenceWindow?
    var history: [RoundReport]
    var bestRound: BestRound
    var meanLoss: Double?
    /// XXH3 of the tensor file's bytes.
    var fileDigest: String
    /// XXH3 of each tensor.
    var tensors: [String: String]
}
