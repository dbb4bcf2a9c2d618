import Common

/// The unlabelled samples of each logical shard by their pseudo-label, from which a pair's second sample is drawn in the
/// semi-supervised setting.
///
/// Sample i belongs to shard i mod V. The pseudo-labels are the predictions of a round's first weights; they belong to its
/// selection, so that every owner of a shard draws the same.
public struct UnlabeledPools: Sendable {
    /// [N, d].
    public let features: StoredTensor
    private let classes: Int
    /// Sample indices, by shard and then by class.
    private let samples: [Int32]
    /// [V K + 1]: where each shard's class begins in `samples`.
    private let starts: [Int]

    /// - Parameter labels: the pseudo-label of every unlabelled sample, [N].
    public init(features: StoredTensor, labels: [Int32], classes: Int, shards: Int) {
        precondition(
            labels.count == features.shape[0], "\(labels.count) pseudo-labels for \(features.shape[0]) samples")
        self.features = features
        self.classes = classes
        var starts = [Int](repeating: 0, count: shards * classes + 1)
        func cell(_ index: Int) -> Int { index % shards * classes + Int(labels[index]) }
        for index in labels.indices { starts[cell(index) + 1] += 1 }
        for cell in 1..<starts.count { starts[cell] += starts[cell - 1] }
        var next = starts
        var samples = [Int32](repeating: 0, count: labels.count)
        for index in labels.indices {
            samples[next[cell(index)]] = Int32(index)
            next[cell(index)] += 1
        }
        self.samples = samples
        self.starts = starts
    }

    /// A uniformly drawn sample of the shard under this pseudo-label; nil where it has none.
    public func draw(_ bits: UInt64, of label: Int, in shard: ShardID) -> Int? {
        let cell = shard.rawValue * classes + label
        let count = starts[cell + 1] - starts[cell]
        return count == 0 ? nil : Int(samples[starts[cell] + bits.scaled(to: count)])
    }
}
