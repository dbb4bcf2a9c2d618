import SelMix

/// One line of the report's comparison.
public struct BaselineReport: Sendable, Codable {
    public var name: String
    public var title: String
    /// What was chosen on validation, such as "tau = 1.5" or "round 12".
    public var setting: String?
    /// The objective's value on validation.
    public var objective: Double
    public var objectiveOnTest: Double?
    /// Of rows that it was not tuned on, where it was tuned on validation rows.
    public var validation: Metrics
    public var test: Metrics?
    /// Whether this is the head that the run wrote.
    public var written: Bool
    /// Coordinator or cluster: who computed it.
    public var source: String?
    /// The objective's value under this run's head less that under this one, on the same rows; nil for this run's own line.
    public var selmixLess: Comparison?

    /// Differences on each split, with the interval that a bootstrap over rows gives.
    public struct Comparison: Sendable, Codable, Equatable {
        public var validation: PairedBootstrap.Interval
        public var test: PairedBootstrap.Interval?
    }
}

/// Which of the baselines does best for the objective on validation, and whether this run's head is ahead of it.
public struct BaselineVerdict: Sendable, Codable, Equatable {
    public var best: String
    public var title: String
    public var selmixLess: BaselineReport.Comparison

    /// Nil where there is no baseline.
    public init?(_ baselines: [BaselineReport]) {
        let others = baselines.filter { !$0.written }
        guard let best = others.max(by: { $0.objective < $1.objective }), let comparison = best.selmixLess else {
            return nil
        }
        (self.best, title, selmixLess) = (best.name, best.title, comparison)
    }

    /// Such as "ahead of one bias a class, tuned on validation by +3.1 (1.0 to 5.2), on test by +0.4, within chance (-1.2 to 2.0)".
    public var description: String {
        let splits = [("validation", selmixLess.validation as PairedBootstrap.Interval?), ("test", selmixLess.test)]
        return "against \(title), the best of the others on validation: "
            + splits.compactMap { name, interval in interval.map { "\(name) \($0.description)" } }
            .joined(separator: ", ")
    }
}
