import Training

/// One split of a data set.
public struct SplitDescription: Sendable, Encodable {
    public var name: String
    public var features: String
    public var samples: Int
    public var dataType: String
    /// Of the features.
    public var bytes: Int
    /// Samples of the largest class, of the smallest that has any, and of the one in the middle; nil without labels.
    public var largestClass: Int?
    public var smallestClass: Int?
    public var medianClass: Double?
    /// Largest by smallest.
    public var imbalance: Double?
    /// Classes without a sample.
    public var missingClasses: [Int]
    public var meanNorm: Double
    public var smallestNorm: Double
    public var largestNorm: Double
    public var zeroShare: Double
    public var negativeShare: Double
    public var zeroRows: Int
    public var nonFiniteRows: Int
    public var firstNonFiniteRow: Int?

    /// - Parameter counts: samples per class, [K]; nil where there are no labels.
    init(_ name: String, _ features: StoredTensor, counts: [Int]?, threads: Int) {
        self.name = name
        self.features = features.source
        samples = features.rowCount
        dataType = "\(features.dataType)"
        bytes = features.bytes.count
        missingClasses = []
        if let counts {
            let sorted = counts.sorted()
            let largest = sorted[sorted.count - 1]
            let smallest = sorted.first { $0 > 0 } ?? 0
            (largestClass, smallestClass) = (largest, smallest)
            medianClass = Double(sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
            imbalance = Double(largest) / Double(max(1, smallest))
            missingClasses = counts.indices.filter { counts[$0] == 0 }
        }
        let scan = FeatureScan(features, threads: threads)
        meanNorm = scan.meanNorm
        smallestNorm = scan.smallestNorm.isFinite ? scan.smallestNorm : 0
        largestNorm = scan.largestNorm
        zeroShare = scan.zeroShare
        negativeShare = scan.negativeShare
        zeroRows = scan.zeroRows
        nonFiniteRows = scan.nonFiniteRows
        firstNonFiniteRow = scan.firstNonFiniteRow
    }
}
