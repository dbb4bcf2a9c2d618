/// What the objectives are functions of: the confusion matrix as joint probabilities, and what follows from it.
public struct ConfusionStatistics: Sendable {
    public let classes: Int
    /// C [K, K]: probability of true class k and prediction l.
    public let confusion: [Double]
    /// pi [K]: class priors, the row sums of C.
    public let priors: [Double]
    /// r [K]: C_kk / pi_k; nil for a class without a sample.
    public let recalls: [Double?]
    /// c [K]: probability of predicting class l, the column sums of C.
    public let coverages: [Double]

    /// The statistics of the raw counts, as every report uses them.
    public init(_ counts: ConfusionCounts) {
        let classes = counts.classes
        let total = Double(max(1, counts.total))
        self.init(
            classes: classes, confusion: counts.counts.map { Double($0) / total },
            priors: (0..<classes).map { Double(counts.rowTotal($0)) / total })
    }

    /// The statistics from which the objective's gradient is taken: a diagonal count of 0 is taken as `smoothing`, because
    /// D_k is proportional to r_k, and a class without a single hit would otherwise never be trained.
    public init(smoothing counts: ConfusionCounts, by smoothing: Double) {
        let classes = counts.classes
        var smoothed = counts.counts.map(Double.init)
        for k in 0..<classes where smoothed[k * classes + k] == 0 { smoothed[k * classes + k] = smoothing }
        let total = max(smoothed.reduce(0, +), .leastNormalMagnitude)
        let rows = (0..<classes).map { k in smoothed[k * classes..<(k + 1) * classes].reduce(0, +) }
        self.init(classes: classes, confusion: smoothed.map { $0 / total }, priors: rows.map { $0 / total })
    }

    /// The statistics as the authors' published code takes them: C clipped below at 1e-7, balanced priors assumed.
    public init(published counts: ConfusionCounts) {
        let total = Double(max(1, counts.total))
        self.init(
            classes: counts.classes, confusion: counts.counts.map { max(Double($0) / total, 1e-7) },
            priors: [Double](repeating: 1 / Double(counts.classes), count: counts.classes))
    }

    private init(classes: Int, confusion: [Double], priors: [Double]) {
        self.classes = classes
        self.confusion = confusion
        self.priors = priors
        recalls = (0..<classes).map { priors[$0] > 0 ? confusion[$0 * classes + $0] / priors[$0] : nil }
        var coverages = [Double](repeating: 0, count: classes)
        for k in 0..<classes {
            for l in 0..<classes { coverages[l] += confusion[k * classes + l] }
        }
        self.coverages = coverages
    }

    /// Recalls of the classes that have samples.
    public var knownRecalls: [Double] { recalls.compactMap { $0 } }

    /// The statistics of a soft confusion matrix: [K, K] sums of predicted probabilities in place of counts.
    public init(softCounts: [Double], classes: Int) {
        let total = softCounts.reduce(0, +)
        self.init(
            classes: classes, confusion: softCounts.map { $0 / total },
            priors: (0..<classes).map { softCounts[$0 * classes..<($0 + 1) * classes].reduce(0, +) / total })
    }

    /// sum_k w_k r_k.
    func weightedRecall(_ weights: [Double]) -> Double {
        zip(weights, recalls).reduce(0) { $0 + $1.0 * ($1.1 ?? 0) }
    }

    /// sum_k w_k c_k.
    func weightedCoverage(_ weights: [Double]) -> Double {
        zip(weights, coverages).reduce(0) { $0 + $1.0 * $1.1 }
    }

    /// Mean recall over some classes; classes without samples do not count.
    public func meanRecall(over members: [Int]) -> Double {
        let known = members.compactMap { recalls[$0] }
        return known.isEmpty ? 0 : known.reduce(0, +) / Double(known.count)
    }

    public func meanCoverage(over members: [Int]) -> Double {
        members.isEmpty ? 0 : members.reduce(0) { $0 + coverages[$1] } / Double(members.count)
    }
}
