/// What an objective is as a function of recalls and coverages, apart from multipliers and gradients.
///
/// ``Objective/value(_:)`` takes a whole confusion matrix. Methods that change one prediction at a time, such as
/// ``BiasAscent``, need the value after each change without adding everything up again; this says enough about an
/// objective for ``RunningObjective`` to do that.
public struct ObjectiveForm: Sendable, Equatable {
    /// The function of the recalls.
    public enum Recalls: Sendable, Equatable {
        case mean
        case geometricMean
        case harmonicMean
        case minimum
        /// The smallest mean recall of any group.
        case smallestGroupMean(ClassGroups)
        /// Mean recall less `strictness` times the gap between the best and the worst group's mean recall.
        case meanLessGap(ClassGroups, strictness: Double)
    }

    /// Whose coverage must reach alpha / K; the value is multiplied by the part of it that is reached.
    public struct Coverage: Sendable, Equatable {
        /// Nil: each class by itself. Otherwise the mean coverage of each group.
        public var groups: ClassGroups?
        /// As a fraction of 1/K.
        public var alpha: Double

        public init(groups: ClassGroups? = nil, alpha: Double) {
            self.groups = groups
            self.alpha = alpha
        }
    }

    public var recalls: Recalls
    public var coverage: Coverage?

    public init(_ recalls: Recalls, coverage: Coverage? = nil) {
        self.recalls = recalls
        self.coverage = coverage
    }

    /// Whether the value never falls when a recall rises. Then a sweep can stop as soon as the most that is left to win is
    /// less than what it has found.
    var risesWithRecalls: Bool {
        if case .meanLessGap = recalls { return false }
        return true
    }
}

extension ObjectiveForm {
    /// The value from sums alone, all [K]: samples of each class, how many of them are hit, and how many rows are predicted
    /// as it. They need not be whole numbers.
    public func value(hits: [Double], samples: [Double], predicted: [Double]) -> Double {
        let classes = samples.count
        let known = samples.indices.filter { samples[$0] > 0 }
        let recall = { (k: Int) in hits[k] / samples[k] }
        func means(_ groups: ClassGroups) -> [Double] {
            groups.members.map { members in
                let members = members.filter { samples[$0] > 0 }
                return members.isEmpty ? 0 : members.reduce(0) { $0 + recall($1) } / Double(members.count)
            }
        }
        var value: Double
        switch recalls {
        case .mean: value = Means.arithmetic(known.map(recall))
        case .geometricMean: value = Means.geometric(known.map(recall))
        case .harmonicMean: value = Means.harmonic(known.map(recall))
        case .minimum: value = known.map(recall).min() ?? 0
        case .smallestGroupMean(let groups): value = means(groups).min() ?? 0
        case .meanLessGap(let groups, let strictness):
            let means = means(groups)
            value = Means.arithmetic(known.map(recall)) - strictness * ((means.max() ?? 0) - (means.min() ?? 0))
        }
        if let coverage {
            let (total, required) = (max(1, samples.reduce(0, +)), coverage.alpha / Double(classes))
            let least =
                coverage.groups.map { groups in
                    groups.members.map { $0.reduce(0) { $0 + predicted[$1] } / Double($0.count) }.min() ?? 0
                } ?? predicted.min() ?? 0
            if required > 0 { value *= min(1, least / total / required) }
        }
        return value
    }
}
