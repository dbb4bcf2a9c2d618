import Common

/// Keeps the round whose head is best on validation: by the objective, ties by the harmonic mean, then the earlier round.
public struct BestRound: Sendable, Codable, Equatable {
    public private(set) var round: RoundIndex?
    public private(set) var objective = -Double.infinity
    public private(set) var hMean = -Double.infinity

    /// A round that takes the place of any before it, for a run that keeps its last one.
    public mutating func take(round: RoundIndex, objective: Double, hMean: Double) {
        (self.round, self.objective, self.hMean) = (round, objective, hMean)
    }

    public init() {}

    /// Whether this round is the best so far; it is then kept as that.
    public mutating func consider(round: RoundIndex, objective: Double, hMean: Double) -> Bool {
        guard self.round == nil || (objective, hMean) > (self.objective, self.hMean) else { return false }
        (self.round, self.objective, self.hMean) = (round, objective, hMean)
        return true
    }
}
