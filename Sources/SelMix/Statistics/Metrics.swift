import Foundation

/// What a head is judged by on one split, all from the raw counts and all fractions of 1.
public struct Metrics: Sendable, Codable, Equatable {
    public var accuracy: Double
    public var meanRecall: Double
    public var minRecall: Double
    /// Geometric mean of the recalls.
    public var gMean: Double
    /// Harmonic mean of the recalls.
    public var hMean: Double
    public var headRecall: Double
    public var tailRecall: Double
    /// The smallest share of predictions that any class receives.
    public var minCoverage: Double
    /// [K]; nil for a class that the split does not hold, which the means leave out.
    public var perClassRecall: [Double?]

    /// Where each recall may well lie, [K]; nil for a class that the split does not hold.
    public var perClassInterval: [WilsonInterval?]?
    /// Mean recall of the worst hundredth of the classes, at least one: steadier than the worst one alone.
    public var worstPercentRecall: Double?
    /// Mean recall of the ten worst classes; nil where there are no more than ten.
    public var worstTenRecall: Double?

    /// Smallest mean recall of any of the job's groups of classes; nil without groups.
    public var worstGroupRecall: Double?
    /// Between the best and the worst group's mean recall.
    public var groupRecallGap: Double?

    public init(_ counts: ConfusionCounts, split: ClassSplit, groups: ClassGroups? = nil) {
        self.init(
            ConfusionStatistics(counts), samples: counts.rowTotals.map { Double($0) }, split: split, groups: groups)
        let hits = (0..<counts.classes).reduce(Int64(0)) { $0 + counts[$1, $1] }
        accuracy = Double(hits) / Double(max(1, counts.total))
    }

    /// Of a classifier that decides by lot.
    public init(_ counts: MixedCounts, split: ClassSplit, groups: ClassGroups? = nil) {
        self.init(ConfusionStatistics(counts), samples: counts.rowTotals, split: split, groups: groups)
        // As of whole counts, so that both ways to count one head give the same bits.
        let hits = (0..<counts.classes).reduce(0.0) { $0 + counts.entries[$1 * counts.classes + $1, default: 0] }
        let total = counts.rowTotals.reduce(0, +)
        accuracy = total > 0 ? hits / total : 0
    }

    /// - Parameter samples: of each class, [K].
    private init(_ statistics: ConfusionStatistics, samples: [Double], split: ClassSplit, groups: ClassGroups?) {
        let recalls = statistics.knownRecalls
        accuracy = (0..<statistics.classes).reduce(0.0) { $0 + statistics.confusion[$1, $1] }
        meanRecall = Means.arithmetic(recalls)
        minRecall = recalls.min() ?? 0
        gMean = Means.geometric(recalls)
        hMean = Means.harmonic(recalls)
        headRecall = statistics.meanRecall(over: split.head)
        tailRecall = statistics.meanRecall(over: split.tail)
        minCoverage = statistics.coverages.min() ?? 0
        perClassRecall = statistics.recalls
        perClassInterval = zip(statistics.recalls, samples).map { recall, samples in
            recall.map { WilsonInterval(hits: $0 * samples, samples: samples) }
        }
        let worst = recalls.sorted()
        worstPercentRecall = Means.arithmetic(Array(worst.prefix(max(1, (worst.count + 99) / 100))))
        worstTenRecall = worst.count > 10 ? Means.arithmetic(Array(worst.prefix(10))) : nil
        worstGroupRecall = groups?.recalls(statistics).min()
        groupRecallGap = groups?.gap(statistics)
    }
}

/// Means of recalls; 0 of nothing, and geometric and harmonic means are 0 as soon as one recall is.
enum Means {
    static func arithmetic(_ values: [Double]) -> Double {
        values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count)
    }

    static func geometric(_ values: [Double]) -> Double {
        guard !values.isEmpty, values.allSatisfy({ $0 > 0 }) else { return 0 }
        return exp(values.reduce(0) { $0 + log($1) } / Double(values.count))
    }

    static func harmonic(_ values: [Double]) -> Double {
        guard !values.isEmpty, values.allSatisfy({ $0 > 0 }) else { return 0 }
        return Double(values.count) / values.reduce(0) { $0 + 1 / $1 }
    }
}
