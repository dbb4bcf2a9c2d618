import Common

/// Integer confusion counts [K, K]: row = true class, column = predicted class.
public struct ConfusionCounts: Sendable, Equatable {
    public let classes: Int
    /// Row-major, [K, K].
    public private(set) var counts: [Int64]

    public init(classes: Int) {
        self.classes = classes
        counts = [Int64](repeating: 0, count: classes * classes)
    }

    public init(classes: Int, counts: [Int64]) throws {
        guard counts.count == classes * classes else {
            throw SelMixError(.invalidInput, "\(counts.count) confusion counts for \(classes) classes")
        }
        guard counts.allSatisfy({ $0 >= 0 }) else {
            throw SelMixError(.invalidInput, "a confusion count is negative")
        }
        self.classes = classes
        self.counts = counts
    }

    public mutating func add(_ count: Int64 = 1, true label: Int, predicted: Int) {
        counts[label * classes + predicted] += count
    }

    public subscript(label: Int, predicted: Int) -> Int64 { counts[label * classes + predicted] }

    public static func += (a: inout ConfusionCounts, b: ConfusionCounts) {
        precondition(a.classes == b.classes)
        for i in a.counts.indices { a.counts[i] += b.counts[i] }
    }

    public func rowTotal(_ label: Int) -> Int64 { counts[label * classes..<(label + 1) * classes].reduce(0, +) }
    public var total: Int64 { counts.reduce(0, +) }

    /// The non-zero entries, by row and column.
    public var sparse: [(label: Int, predicted: Int, count: Int64)] {
        counts.indices.lazy.filter { counts[$0] != 0 }
            .map { ($0 / classes, $0 % classes, counts[$0]) }
    }
}
