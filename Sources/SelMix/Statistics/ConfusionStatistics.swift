/// What the objectives are functions of: the confusion matrix as joint probabilities, and what follows from it.
public struct ConfusionStatistics: Sendable {
    public let classes: Int
    /// C [K, K]: probability of true class k and prediction l. The diagonal is always stored.
    public let confusion: SparseMatrix
    /// pi [K]: class priors, the row sums of C.
    public let priors: [Double]
    /// r [K]: C_kk / pi_k; nil for a class without a sample.
    public let recalls: [Double?]
    /// c [K]: probability of predicting class l, the column sums of C.
    public let coverages: [Double]

    /// The statistics of the raw counts, as every report uses them.
    public init(_ counts: ConfusionCounts) {
        self.init(
            counts: Self.entries(counts, emptyDiagonal: 0), classes: counts.classes, total: Double(max(1, counts.total))
        )
    }

    /// The statistics from which the objective's gradient is taken: a diagonal count of 0 is taken as `smoothing`, because
    /// D_k is proportional to r_k, and a class without a single hit would otherwise never be trained.
    public init(smoothing counts: ConfusionCounts, by smoothing: Double) {
        let entries = Self.entries(counts, emptyDiagonal: smoothing)
        let total = max(entries.reduce(0) { $0 + $1.value }, .leastNormalMagnitude)
        self.init(counts: entries, classes: counts.classes, total: total)
    }

    /// The statistics as the authors' published code takes them: C clipped below at 1e-7, balanced priors assumed.
    public init(published counts: ConfusionCounts) {
        let classes = counts.classes
        let total = Double(max(1, counts.total))
        var clipped = Matrix<Double>(rows: classes, columns: classes, repeating: 1e-7)
        for (label, predicted, count) in counts.sparse { clipped[label, predicted] = max(Double(count) / total, 1e-7) }
        self.init(
            confusion: SparseMatrix(clipped), priors: [Double](repeating: 1 / Double(classes), count: classes))
    }

    /// The statistics of a soft confusion matrix: [K, K] sums of predicted probabilities in place of counts.
    public init(softCounts: [Double], classes: Int) {
        let entries = softCounts.indices.lazy.map { (row: $0 / classes, column: $0 % classes, value: softCounts[$0]) }
        self.init(counts: entries, classes: classes, total: softCounts.reduce(0, +))
    }

    /// The statistics of expected counts.
    ///
    /// - Parameter smoothing: what a diagonal count of 0 is taken as; 0 for what reports show.
    public init(_ mixed: MixedCounts, smoothing: Double = 0) {
        let classes = mixed.classes
        var entries = mixed.entries
        for k in 0..<classes where entries[k * classes + k, default: 0] <= 0 {
            entries[k * classes + k] = smoothing
        }
        let ordered = entries.sorted { $0.key < $1.key }.map {
            (row: $0.key / classes, column: $0.key % classes, value: $0.value)
        }
        let total = max(ordered.reduce(0) { $0 + $1.value }, .leastNormalMagnitude)
        self.init(counts: ordered, classes: classes, total: total)
    }

    private typealias Entry = (row: Int, column: Int, value: Double)

    /// The counts that are not 0, and the whole diagonal.
    private static func entries(_ counts: ConfusionCounts, emptyDiagonal: Double) -> [Entry] {
        var entries: [Entry] = []
        var next = 0
        func fillDiagonal(before row: Int, _ column: Int) {
            while next < counts.classes, (next, next) < (row, column) {
                entries.append((next, next, emptyDiagonal))
                next += 1
            }
        }
        for (label, predicted, count) in counts.sparse {
            fillDiagonal(before: label, predicted)
            if label == predicted { next += 1 }
            entries.append((label, predicted, Double(count)))
        }
        fillDiagonal(before: counts.classes, 0)
        return entries
    }

    /// - Parameter counts: by row and column, to be divided by `total`.
    private init(counts: some Sequence<Entry>, classes: Int, total: Double) {
        var confusion = SparseMatrix(rows: classes, columns: classes, entries: counts)
        let priors = (0..<classes).map { confusion.values[confusion.places(row: $0)].reduce(0, +) / total }
        for place in confusion.values.indices { confusion.values[place] /= total }
        self.init(confusion: confusion, priors: priors)
    }

    private init(confusion: SparseMatrix, priors: [Double]) {
        let classes = confusion.rows
        self.classes = classes
        self.confusion = confusion
        self.priors = priors
        recalls = (0..<classes).map { priors[$0] > 0 ? confusion[$0, $0] / priors[$0] : nil }
        var coverages = [Double](repeating: 0, count: classes)
        for (column, value) in zip(confusion.columnIndices, confusion.values) { coverages[Int(column)] += value }
        self.coverages = coverages
    }

    /// Recalls of the classes that have samples.
    public var knownRecalls: [Double] { recalls.compactMap { $0 } }

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
