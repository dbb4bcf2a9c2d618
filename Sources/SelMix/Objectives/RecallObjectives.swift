import Foundation

/// The mean of the recalls.
public struct MeanRecall: Objective {
    public let name = "mean-recall"
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
}

/// The smaller of the head's and the tail's mean recall; lambda_H : lambda_T = exp(-rate mean r over head) : the same over
/// tail, spread evenly over the classes of each.
public struct MinHeadTailRecall: Objective {
    public let name = "min-head-tail-recall"
    public var split: ClassSplit
    public var rate: Double

    public init(split: ClassSplit, rate: Double = 50) {
        self.split = split
        self.rate = rate
    }

    public func value(_ statistics: ConfusionStatistics) -> Double {
        min(statistics.meanRecall(over: split.head), statistics.meanRecall(over: split.tail))
    }

    public func multipliers(after previous: [Double], _ statistics: ConfusionStatistics) -> [Double] {
        let parts = [split.head, split.tail]
        let weights = Simplex.softmax(parts.map { -rate * statistics.meanRecall(over: $0) })
        var multipliers = [Double](repeating: 0, count: statistics.classes)
        for (members, weight) in zip(parts, weights) {
            for k in members { multipliers[k] = weight / Double(members.count) }
        }
        return multipliers
    }

    public func gradientTerms(_ statistics: ConfusionStatistics, multipliers: [Double]) -> GradientTerms {
        GradientTerms(recallWeights: multipliers)
    }
}

enum Simplex {
    /// exp(logits) normalised to sum 1, without overflow.
    static func softmax(_ logits: [Double]) -> [Double] {
        let largest = logits.max() ?? 0
        let exponentials = logits.map { exp($0 - largest) }
        let sum = exponentials.reduce(0, +)
        return exponentials.map { $0 / sum }
    }
}
