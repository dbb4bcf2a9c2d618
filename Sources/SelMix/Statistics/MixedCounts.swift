/// The expected confusion counts of a classifier that decides by lot among several: a weighted mean of their counts.
public struct MixedCounts: Sendable, Equatable {
    public let classes: Int
    /// By label * K + predicted.
    private(set) var entries: [Int: Double] = [:]

    public init(classes: Int) { self.classes = classes }

    public init(_ counts: ConfusionCounts) {
        self.init(classes: counts.classes)
        for (label, predicted, count) in counts.sparse { entries[label * classes + predicted] = Double(count) }
    }

    /// - Parameter components: weights that sum to 1, and counts of the same rows.
    public init(classes: Int, _ components: [(weight: Double, counts: ConfusionCounts)]) {
        self.init(classes: classes)
        for (weight, counts) in components { add(counts, weight: weight) }
    }

    /// Samples of each class, [K].
    public var rowTotals: [Double] {
        var totals = [Double](repeating: 0, count: classes)
        // In order, since sums of fractions depend on it.
        for (place, count) in entries.sorted(by: { $0.key < $1.key }) { totals[place / classes] += count }
        return totals
    }

    /// Moves towards other counts: (1 - weight) of what is there and `weight` of them.
    public mutating func blend(_ counts: ConfusionCounts, weight: Double) {
        for place in entries.keys { entries[place]! *= 1 - weight }
        add(counts, weight: weight)
    }

    private mutating func add(_ counts: ConfusionCounts, weight: Double) {
        for (label, predicted, count) in counts.sparse {
            entries[label * classes + predicted, default: 0] += weight * Double(count)
        }
    }
}
