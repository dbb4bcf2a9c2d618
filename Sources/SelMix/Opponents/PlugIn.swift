import Foundation

/// Plug-in optimisation of an objective of the confusion matrix (Narasimhan, Ramaswamy, Saha and Agarwal, "Consistent
/// multiclass algorithms for complex performance measures", ICML 2015, and their later minimax form).
///
/// The confusion matrices that classifiers can reach are a convex set, and over it a linear function is maximised by a
/// decision from calibrated probabilities (``PlugInRule``). So an objective that is concave in the confusion matrix is
/// maximised by Frank and Wolfe's method: each iteration takes the best decision for the gradient at the present mean and
/// moves a part 2 / (t + 2) towards it. A minimum over classes or groups has no gradient; there, weights over them follow the
/// recalls of each decision by exponentiated gradients, and the decisions are averaged alike. Coverage constraints add a
/// multiplier for each class (or group) that grows while its coverage is short. The result draws one of its decisions for
/// each row. Of the means along the way, the one that is best on the rows that were tuned on is taken.
///
/// The paper estimates probabilities on one half of the sample and confusion on the other; here the head gives the
/// probabilities, ``VectorScaling`` calibrates them, and both use the same rows.
public struct PlugIn: Sendable {
    /// Which of the two methods an objective needs.
    public enum Method: Sendable, Equatable { case frankWolfe, minimax }

    let objective: any Objective
    let classes: Int
    public var iterations = 100

    public init(_ objective: any Objective, classes: Int) {
        (self.objective, self.classes) = (objective, classes)
    }

    public var method: Method {
        switch objective.form.recalls {
        case .mean, .geometricMean, .harmonicMean: .frankWolfe
        case .minimum, .smallestGroupMean, .meanLessGap: .minimax
        }
    }

    /// - Parameter counts: confusion counts of a decision on the rows to tune on.
    public func callAsFunction(_ counts: (PlugInRule) throws -> ConfusionCounts) rethrows -> RandomisedRule {
        var duals = Duals(objective.form, classes: classes, iterations: iterations)
        var rule = RandomisedRule()
        var mean = MixedCounts(classes: classes)
        var best: (value: Double, rule: RandomisedRule)?
        for t in 0..<iterations {
            // Before the first decision all classes weigh the same.
            let present = t == 0 ? nil : ConfusionStatistics(mean, smoothing: 0.5)
            let decision = decision(present, duals)
            let made = try counts(decision)
            let weight = 2 / Double(t + 2)
            rule.blend(decision, weight: t == 0 ? 1 : weight)
            mean.blend(made, weight: t == 0 ? 1 : weight)
            duals.follow(ConfusionStatistics(made), mean: ConfusionStatistics(mean))
            let value = objective.value(ConfusionStatistics(mean))
            if best.map({ value > $0.value }) ?? true { best = (value, rule) }
        }
        return best?.rule ?? rule
    }

    private func decision(_ present: ConfusionStatistics?, _ duals: Duals) -> PlugInRule {
        var weights = [Double](repeating: 1 / Double(classes), count: classes)
        if let present {
            switch objective.form.recalls {
            case .mean, .geometricMean, .harmonicMean:
                weights = objective.gradientTerms(present, multipliers: duals.coverage).recallWeights
            case .minimum, .smallestGroupMean: weights = duals.recalls
            case .meanLessGap:
                let multipliers = objective.multipliers(after: [], present)
                weights = objective.gradientTerms(present, multipliers: multipliers).recallWeights
            }
        }
        // Priors of the rows: recall k is C_kk / pi_k.
        let priors = present?.priors ?? weights.map { _ in 1 / Double(classes) }
        let scales = zip(weights, priors).map { $1 > 0 ? Float($0 / $1) : 0 }
        return PlugInRule(
            scales: scales, additions: duals.coverage.contains { $0 > 0 } ? duals.coverage.map { Float($0) } : nil)
    }
}

extension PlugIn {
    /// The weights over minima and the multipliers of coverage constraints.
    private struct Duals {
        private let form: ObjectiveForm
        private let classes: Int
        private let rate: Double
        private var logWeights: [Double]
        /// [K]: weights of recalls, where the objective is a minimum.
        private(set) var recalls: [Double]
        /// [K]: what a prediction of each class is worth; all 0 without constraints.
        private(set) var coverage: [Double]

        init(_ form: ObjectiveForm, classes: Int, iterations: Int) {
            (self.form, self.classes) = (form, classes)
            let members: Int
            if case .smallestGroupMean(let groups) = form.recalls {
                members = groups.members.count
            } else {
                members = classes
            }
            rate = (8 * log(Double(max(2, members))) / Double(iterations)).squareRoot()
            logWeights = [Double](repeating: 0, count: members)
            recalls = [Double](repeating: 1 / Double(classes), count: classes)
            coverage = [Double](repeating: 0, count: classes)
        }

        mutating func follow(_ statistics: ConfusionStatistics, mean: ConfusionStatistics) {
            switch form.recalls {
            case .minimum:
                for k in 0..<classes { logWeights[k] -= rate * (statistics.recalls[k] ?? 1) }
                recalls = Simplex.softmax(logWeights)
            case .smallestGroupMean(let groups):
                for (g, recall) in groups.recalls(statistics).enumerated() { logWeights[g] -= rate * recall }
                recalls = groups.spread(Simplex.softmax(logWeights), classes: classes)
            default: break
            }
            guard let constraint = form.coverage else { return }
            // A shortfall of the whole requirement raises a multiplier by 1/4, where a hit is worth about 1.
            let required = constraint.alpha / Double(classes)
            func raised(_ multiplier: Double, _ covered: Double) -> Double {
                required > 0 ? max(0, multiplier + 0.25 * (required - covered) / required) : 0
            }
            if let groups = constraint.groups {
                for members in groups.members {
                    let multiplier = raised(coverage[members[0]], mean.meanCoverage(over: members))
                    for k in members { coverage[k] = multiplier }
                }
            } else {
                for k in 0..<classes { coverage[k] = raised(coverage[k], mean.coverages[k]) }
            }
        }
    }
}
