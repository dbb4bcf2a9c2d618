import SelMix

/// One round's validation, a row of `history` in report.json.
public struct RoundReport: Sendable, Codable, Equatable {
    public var round: Int
    /// The value of the run's objective.
    public var objective: Double
    public var accuracy: Double
    public var meanRecall: Double
    public var minRecall: Double
    public var gMean: Double
    public var hMean: Double
    public var headRecall: Double
    public var tailRecall: Double
    public var minCoverage: Double
    /// Mean training loss of the steps before; nil in round 0.
    public var loss: Double?
    public var largestGain: Double?
    public var positivePairs: Int?
    /// sum_ij P_ij G_ij: the gain that this round's selection promises, to compare with what the next validation shows.
    public var expectedGain: Double?
    /// How the objective changed since the round before: what that round's promise came to. Nil in round 0.
    public var objectiveChange: Double?
    /// Classes that no unlabelled sample was predicted to be; their partners come from the labelled samples.
    public var emptyPseudoClasses: Int?

    init(round: Int, objective: Double, metrics: Metrics, loss: Double?) {
        self.round = round
        self.objective = objective
        self.loss = loss
        accuracy = metrics.accuracy
        meanRecall = metrics.meanRecall
        minRecall = metrics.minRecall
        gMean = metrics.gMean
        hMean = metrics.hMean
        headRecall = metrics.headRecall
        tailRecall = metrics.tailRecall
        minCoverage = metrics.minCoverage
    }
}
