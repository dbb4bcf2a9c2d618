import SelMix
import Training

/// What a run leaves in memory when it ends, however it ends.
public struct RunResult: Sendable {
    /// Of the last step.
    public let weights: Parameters
    public let bestRound: Int
    public let bestHead: Parameters
    public let history: [RoundReport]
    /// Validation counts of the head as brought and of the best one; nil when the run ended before its first validation.
    public let countsBefore: ConfusionCounts?
    public let countsAfter: ConfusionCounts?
    /// The run stopped before its last round because the gains had settled.
    public let converged: Bool
    /// [K]; nil without unlabelled data.
    public let pseudoLabelCounts: [Int]?
    /// The gains and the distribution of the best round.
    let selection: TrainingEngine.RoundSelection?

    init(_ engine: TrainingEngine) throws {
        weights = engine.weights
        bestRound = engine.bestRound.round?.rawValue ?? 0
        bestHead = engine.best.head
        history = engine.history
        countsBefore = engine.initialCounts
        countsAfter = engine.initialCounts == nil ? nil : engine.best.counts
        converged = engine.converged
        pseudoLabelCounts = engine.pseudoLabelCounts
        selection = try engine.bestSelection()
    }
}
