import SelMix
import Training

/// What a run leaves in memory when it ends, however it ends.
public struct RunResult: Sendable {
    /// The heads that the last step left, by fold.
    public let heads: [Parameters]
    public let bestRound: Int
    /// What the run leaves: the mean of ``bestHeads``.
    public let bestHead: Parameters
    /// The heads of the best round, by fold.
    public let bestHeads: [Parameters]
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
        heads = engine.heads
        bestRound = engine.bestRound.round?.rawValue ?? 0
        bestHead = engine.best.head
        bestHeads = engine.best.heads
        history = engine.history
        countsBefore = engine.initialCounts
        countsAfter = engine.initialCounts == nil ? nil : engine.best.counts
        converged = engine.converged
        pseudoLabelCounts = engine.pseudoLabelCounts
        selection = try engine.bestSelection()
    }
}
