import Foundation

/// The mean of the recalls.
public struct MeanRecall: Objective {
    public let name = "mean-recall"
    public var form: ObjectiveForm { ObjectiveForm(.mean) }
    public init() {}

    public func value(_ statistics: ConfusionStatistics) -> Double { Means.arithmetic(statistics.knownRecalls) }

    public func gradientTerms(_ statistics: ConfusionStatistics, multipliers: [Double]) -> GradientTerms {
        GradientTerms(
            recallWeights: [Double](repeating: 1 / Double(statistics.classes), count: statistics.classes))
    }
}

/// The geometric mean of the recalls: w_k = psi / (K r_k).
public struct GMean: Objective {
    public let name = "g-mean"
    public var form: ObjectiveForm { ObjectiveForm(.geometricMean) }
    public init() {}

    public func value(_ statistics: ConfusionStatistics) -> Double { Means.geometric(statistics.knownRecalls) }

    public func gradientTerms(_ statistics: ConfusionStatistics, multipliers: [Double]) -> GradientTerms {
        let scale = value(statistics) / Double(statistics.classes)
        return GradientTerms(recallWeights: statistics.recalls.map { $0.map { scale / $0 } ?? 0 })
    }
}

/// The harmonic mean of the recalls: w_k = psi^2 / (K r_k^2).
public struct HMean: Objective {
    public let name = "h-mean"
    public var form: ObjectiveForm { ObjectiveForm(.harmonicMean) }
    public init() {}

    public func value(_ statistics: ConfusionStatistics) -> Double { Means.harmonic(statistics.knownRecalls) }

    public func gradientTerms(_ statistics: ConfusionStatistics, multipliers: [Double]) -> GradientTerms {
        let value = value(statistics)
        let scale = value * value / Double(statistics.classes)
        return GradientTerms(recallWeights: statistics.recalls.map { $0.map { scale / ($0 * $0) } ?? 0 })
    }
}

/// The worst recall, as the minimum over the simplex of sum_k lambda_k r_k: the multipliers follow the recalls by
/// lambda_k proportional to lambda_k^decay exp(-rate r_k).
public struct MinRecall: Objective {
    public let name = "min-recall"
    public var form: ObjectiveForm { ObjectiveForm(.minimum) }
    /// How sharply the multipliers single out the worst classes.
    public var rate: Double
    /// 0 forgets the previous multipliers, 1 accumulates them.
    public var decay: Double

    public init(rate: Double = 50, decay: Double = 0) {
        self.rate = rate
        self.decay = decay
    }

    public func value(_ statistics: ConfusionStatistics) -> Double { statistics.knownRecalls.min() ?? 0 }

    public func multipliers(after previous: [Double], _ statistics: ConfusionStatistics) -> [Double] {
        let logits = statistics.recalls.enumerated().map { k, recall -> Double in
            guard let recall else { return -.infinity }
            let kept = decay == 0 || previous.isEmpty ? 0 : decay * log(previous[k])
            return kept - rate * recall
        }
        return Simplex.softmax(logits)
    }

    public func gradientTerms(_ statistics: ConfusionStatistics, multipliers: [Double]) -> GradientTerms {
        GradientTerms(recallWeights: multipliers)
    }

    public func lagrangian(_ statistics: ConfusionStatistics, multipliers: [Double]) -> Double {
        statistics.weightedRecall(multipliers)
    }
}
