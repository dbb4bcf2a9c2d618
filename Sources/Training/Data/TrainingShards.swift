import Common

/// Which training samples each logical shard may draw, per class.
///
/// A class with fewer than 8 V samples is held whole by every shard, so that its draws are exactly uniform. A larger one
/// is dealt, floor or ceil(n / V) samples to each shard, so that a worker needs only its part of the data; the bias of a
/// draw is at most 1/8. The rest of the deal moves with the class, so that no shard gets all of the larger parts.
///
/// The deal is arithmetic over the samples in order of class; nothing is stored per shard.
public struct TrainingShards: Sendable {
    /// V.
    public let shards: Int
    /// Sample indices, class by class, in file order within a class.
    private let samples: [Int32]
    /// [K + 1]: where each class begins in `samples`.
    private let starts: [Int]

    /// The label of a sample that no shard may draw.
    public static let leftOut: Int32 = -1

    public init(labels: [Int32], classes: Int, shards: Int) {
        self.shards = shards
        var starts = [Int](repeating: 0, count: classes + 1)
        for label in labels where label != Self.leftOut { starts[Int(label) + 1] += 1 }
        for k in 0..<classes { starts[k + 1] += starts[k] }
        var next = starts
        var samples = [Int32](repeating: 0, count: starts[classes])
        for (index, label) in labels.enumerated() where label != Self.leftOut {
            samples[next[Int(label)]] = Int32(index)
            next[Int(label)] += 1
        }
        self.samples = samples
        self.starts = starts
    }

    /// How many samples of a class the shard holds.
    public func count(of label: Int, in shard: ShardID) -> Int {
        let total = starts[label + 1] - starts[label]
        guard isDealt(total) else { return total }
        return (total - first(of: label, in: shard) + shards - 1) / shards
    }

    /// The sample at a position of the shard's part of a class.
    public func sample(_ position: Int, of label: Int, in shard: ShardID) -> Int {
        let total = starts[label + 1] - starts[label]
        let offset = isDealt(total) ? first(of: label, in: shard) + position * shards : position
        return Int(samples[starts[label] + offset])
    }

    /// A uniformly drawn sample of a class.
    public func draw(_ bits: UInt64, of label: Int, in shard: ShardID) -> Int {
        sample(bits.scaled(to: count(of: label, in: shard)), of: label, in: shard)
    }

    private func isDealt(_ total: Int) -> Bool { total >= 8 * shards }

    private func first(of label: Int, in shard: ShardID) -> Int {
        (shard.rawValue + label) % shards
    }
}
