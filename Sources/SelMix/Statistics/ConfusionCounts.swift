import Common

/// Integer confusion counts [K, K]: row = true class, column = predicted class.
///
/// Only counts that are not 0 are kept, of which there are at most as many as samples: at 8142 classes all of them would
/// take 530 MB, and a run holds several.
public struct ConfusionCounts: Sendable, Equatable {
    public typealias Entry = (label: Int, predicted: Int, count: Int64)

    public let classes: Int
    /// By label * K + predicted.
    private var counts: [Int: Int64] = [:]

    public init(classes: Int) { self.classes = classes }

    /// - Parameter counts: all of them, [K, K].
    public init(classes: Int, counts: [Int64]) throws {
        guard counts.count == classes * classes else {
            throw SelMixError(.invalidInput, "\(counts.count) confusion counts for \(classes) classes")
        }
        guard counts.allSatisfy({ $0 >= 0 }) else {
            throw SelMixError(.invalidInput, "a confusion count is negative")
        }
        self.classes = classes
        for (place, count) in counts.enumerated() where count > 0 { self.counts[place] = count }
    }

    public mutating func add(_ count: Int64 = 1, true label: Int, predicted: Int) {
        precondition((0..<classes).contains(label) && (0..<classes).contains(predicted) && count > 0)
        counts[label * classes + predicted, default: 0] += count
    }

    public subscript(label: Int, predicted: Int) -> Int64 { counts[label * classes + predicted] ?? 0 }

    public static func += (a: inout ConfusionCounts, b: ConfusionCounts) {
        precondition(a.classes == b.classes)
        a.counts.merge(b.counts, uniquingKeysWith: +)
    }

    /// Samples of each class, [K].
    public var rowTotals: [Int64] {
        var totals = [Int64](repeating: 0, count: classes)
        for (place, count) in counts { totals[place / classes] += count }
        return totals
    }

    public var total: Int64 { counts.values.reduce(0, +) }

    /// The non-zero entries, by row and column.
    public var sparse: [Entry] {
        counts.sorted { $0.key < $1.key }.map { ($0.key / classes, $0.key % classes, $0.value) }
    }
}
