import Foundation

/// What the coverage constraints c_j >= alpha / K cost: lambda = max(0, limit (1 - exp((c - alpha/K) / tau))).
public struct CoverageConstraint: Sendable, Equatable {
    /// The required coverage of a class, as a fraction of 1/K.
    public var alpha: Double
    /// How fast a multiplier grows with the violation.
    public var tau: Double
    /// The multiplier of a gross violation.
    public var limit: Double

    public init(alpha: Double = 0.95, tau: Double = 0.01, limit: Double = 100) {
        self.alpha = alpha
        self.tau = tau
        self.limit = limit
    }

    func multiplier(coverage: Double, classes: Int) -> Double {
        max(0, limit * (1 - exp((coverage - alpha / Double(classes)) / tau)))
    }

    /// The part of the required coverage that is reached, at most 1.
    func satisfaction(coverage: Double, classes: Int) -> Double {
        min(1, coverage / (alpha / Double(classes)))
    }
}

/// A function of recalls under the constraint that every class is predicted often enough, c_j >= alpha / K.
///
/// Its value is the function of recalls times the part of the required coverage that the worst class reaches, so that it
/// is the function itself where the constraints hold and a round that violates them is not taken for the best one.
public struct CoverageConstrained<Base: Objective>: Objective {
    public let name: String
    public var base: Base
    public var constraint: CoverageConstraint

    public init(_ base: Base, constraint: CoverageConstraint = CoverageConstraint()) {
        name = base.name + "-coverage"
        self.base = base
        self.constraint = constraint
    }

    public var form: ObjectiveForm {
        ObjectiveForm(base.form.recalls, coverage: .init(alpha: constraint.alpha))
    }

    public func value(_ statistics: ConfusionStatistics) -> Double {
        let worst = statistics.coverages.min() ?? 0
        return base.value(statistics) * constraint.satisfaction(coverage: worst, classes: statistics.classes)
    }

    public func multipliers(after previous: [Double], _ statistics: ConfusionStatistics) -> [Double] {
        statistics.coverages.map { constraint.multiplier(coverage: $0, classes: statistics.classes) }
    }

    public func gradientTerms(_ statistics: ConfusionStatistics, multipliers: [Double]) -> GradientTerms {
        var terms = base.gradientTerms(statistics, multipliers: [])
        terms.coverageWeights = multipliers
        terms.scale = scale(multipliers)
        return terms
    }

    public func lagrangian(_ statistics: ConfusionStatistics, multipliers: [Double]) -> Double {
        scale(multipliers) * (base.value(statistics) + statistics.weightedCoverage(multipliers))
    }

    /// Keeps D at the scale of the unconstrained objective, however large the multipliers grow.
    private func scale(_ multipliers: [Double]) -> Double { 1 / (1 + (multipliers.max() ?? 0)) }
}

/// A function of recalls under the constraint that head and tail, each on average, are predicted often enough.
public struct HeadTailCoverageConstrained<Base: Objective>: Objective {
    /// By which multiplier D is scaled down. The published code uses one for mean recall and the other for h-mean; it is
    /// only a scale, and is kept so that published numbers can be reproduced.
    public enum Scaling: Sendable { case largestOfHeadAndTail, largestOfClasses }

    public let name: String
    public var base: Base
    public var split: ClassSplit
    public var constraint: CoverageConstraint
    public var scaling: Scaling

    public init(
        _ base: Base, split: ClassSplit, constraint: CoverageConstraint = CoverageConstraint(), scaling: Scaling
    ) {
        name = base.name + "-head-tail-coverage"
        self.base = base
        self.split = split
        self.constraint = constraint
        self.scaling = scaling
    }

    public var form: ObjectiveForm {
        ObjectiveForm(base.form.recalls, coverage: .init(groups: ClassGroups(split), alpha: constraint.alpha))
    }

    public func value(_ statistics: ConfusionStatistics) -> Double {
        let worst = min(statistics.meanCoverage(over: split.head), statistics.meanCoverage(over: split.tail))
        return base.value(statistics) * constraint.satisfaction(coverage: worst, classes: statistics.classes)
    }

    public func multipliers(after previous: [Double], _ statistics: ConfusionStatistics) -> [Double] {
        var multipliers = [Double](repeating: 0, count: statistics.classes)
        for members in [split.head, split.tail] {
            let coverage = statistics.meanCoverage(over: members)
            let shared = constraint.multiplier(coverage: coverage, classes: statistics.classes)
            for j in members { multipliers[j] = shared / Double(members.count) }
        }
        return multipliers
    }

    public func gradientTerms(_ statistics: ConfusionStatistics, multipliers: [Double]) -> GradientTerms {
        var terms = base.gradientTerms(statistics, multipliers: [])
        terms.coverageWeights = multipliers
        terms.scale = scale(multipliers)
        return terms
    }

    public func lagrangian(_ statistics: ConfusionStatistics, multipliers: [Double]) -> Double {
        scale(multipliers) * (base.value(statistics) + statistics.weightedCoverage(multipliers))
    }

    private func scale(_ multipliers: [Double]) -> Double {
        let largest =
            switch scaling {
            case .largestOfClasses: multipliers.max() ?? 0
            case .largestOfHeadAndTail:
                [split.head, split.tail].map { multipliers[$0[0]] * Double($0.count) }.max() ?? 0
            }
        return 1 / (1 + largest)
    }
}
