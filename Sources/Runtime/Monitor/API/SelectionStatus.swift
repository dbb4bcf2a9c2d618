/// `/api/v1/selection`: classes, and what is mixed.
public struct SelectionStatus: Codable, Sendable {
    public var format = 1
    public var sequence: UInt64
    public var time: String
    public var round: Int?
    public var digest: String?
    public var classes: Int
    public var order: [Int]
    public var trainCounts: [Int]
    public var headClasses: [Int]
    public var recall: [Double?]?
    public var recallBefore: [Double?]?
    public var coverage: [Double]?
    public var validationCounts: [Int64]?
    public var pseudoLabelCounts: [Int]?
    public var largestGain: Double?
    public var smallestGain: Double?
    public var positivePairs: Int?
    public var topPairs: [ReportPage.TopPair]?
    public var matrices: [String]
}

/// A block of a K x K matrix, over bins of positions.
public struct MatrixStatus: Codable, Sendable {
    public var format = 1
    public var sequence: UInt64
    public var time: String
    public var round: Int
    public var matrix: String
    public var statistic: String
    public var rowLabel: String
    public var columnLabel: String
    public var unit: String
    public var rowBins: [[Int]]
    public var columnBins: [[Int]]
    public var values: [Float]
    public var minimum: Float
    public var maximum: Float
}
