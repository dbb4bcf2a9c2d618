import CKernels
import Common
import Messaging
import SelMix
import Training

/// What a worker found on its part of the validation split: confusion counts, and class feature sums where they were asked
/// for. Counts travel sparse, as rows of (true class, predicted class, count).
struct ValidationSums: Sendable {
    var counts: ConfusionCounts
    /// [K, d] in float64.
    var featureSums: AlignedBuffer?
    /// The predicted classes of the shards' unlabelled samples, shard by shard; empty where there are none.
    var pseudoLabels: [Int32] = []

    /// Adds the right-hand sums into the left-hand ones, where right is the next part of the reduction tree.
    mutating func add(_ other: ValidationSums) {
        counts += other.counts
        pseudoLabels += other.pseudoLabels
        if let sums = featureSums, let others = other.featureSums {
            let (mine, theirs) = (sums.values(as: Double.self), others.values(as: Double.self))
            smx_add_double(theirs.baseAddress!, mine.baseAddress!, mine.count)
        }
    }

    func frames(dimension: Int) -> [TensorFrame] {
        let entries = counts.sparse
        var frames = [
            TensorFrame(
                name: "counts", shape: [entries.count, 3],
                int32: entries.flatMap { [Int32($0.label), Int32($0.predicted), Int32($0.count)] })
        ]
        if let featureSums {
            frames.append(
                TensorFrame(name: "featureSums", shape: [counts.classes, dimension], float64: featureSums))
        }
        if !pseudoLabels.isEmpty {
            frames.append(TensorFrame(name: "pseudoLabels", shape: [pseudoLabels.count], int32: pseudoLabels))
        }
        return frames
    }

    /// - Parameters:
    ///   - samples: how many validation samples there must be.
    ///   - unlabeled: how many pseudo-labels there must be.
    /// - Throws: ``SelMixError`` when the tensors are not what a worker sends.
    init(
        frames: [TensorFrame], classes: Int, dimension: Int, withFeatureSums: Bool, samples: Int, unlabeled: Int = 0
    ) throws {
        guard let counts = frames[named: "counts"], counts.type == .int32, counts.shape.count == 2,
            counts.shape[1] == 3
        else { throw SelMixError(.failed, "statistics without counts") }
        self.counts = ConfusionCounts(classes: classes)
        let values = counts.values(as: Int32.self, zero: 0)
        for start in stride(from: 0, to: values.count, by: 3) {
            let (label, predicted, count) = (Int(values[start]), Int(values[start + 1]), values[start + 2])
            guard (0..<classes).contains(label), (0..<classes).contains(predicted), count > 0 else {
                throw SelMixError(.failed, "a count of \(count) for classes \(label) and \(predicted)")
            }
            self.counts.add(Int64(count), true: label, predicted: predicted)
        }
        let counted = values.indices.reduce(0) { $1 % 3 == 2 ? $0 + Int(values[$1]) : $0 }
        guard counted == samples else {
            throw SelMixError(.failed, "statistics of \(counted) samples instead of \(samples)")
        }
        if unlabeled > 0 {
            guard let labels = frames[named: "pseudoLabels"], labels.type == .int32, labels.shape == [unlabeled] else {
                throw SelMixError(.failed, "statistics without \(unlabeled) pseudo-labels")
            }
            pseudoLabels = labels.values(as: Int32.self, zero: 0)
            guard pseudoLabels.allSatisfy({ (0..<Int32(classes)).contains($0) }) else {
                throw SelMixError(.failed, "a pseudo-label that is no class")
            }
        }
        guard withFeatureSums else { return }
        guard let sums = frames[named: "featureSums"], sums.type == .float64, sums.shape == [classes, dimension] else {
            throw SelMixError(.failed, "statistics without class feature sums")
        }
        let buffer = AlignedBuffer(bytes: sums.bytes)
        guard buffer.values(as: Double.self).allSatisfy(\.isFinite) else {
            throw SelMixError(.failed, "class feature sums that are not finite")
        }
        featureSums = buffer
    }

    init(counts: ConfusionCounts, featureSums: AlignedBuffer?) {
        self.counts = counts
        self.featureSums = featureSums
    }

    /// How many of `total` samples the shards of a node have: sample i belongs to shard i mod `shards`.
    static func sampleCount(of node: TreeNode, total: Int, shards: Int) -> Int {
        node.shards.reduce(0) { $0 + (total - $1.rawValue + shards - 1) / shards }
    }

    /// The pseudo-labels of all shards in the order of the samples.
    func pseudoLabelsBySample(shards: Int) -> [Int32] {
        var ordered = [Int32](repeating: 0, count: pseudoLabels.count)
        var next = 0
        for shard in 0..<shards {
            for sample in stride(from: shard, to: ordered.count, by: shards) {
                ordered[sample] = pseudoLabels[next]
                next += 1
            }
        }
        return ordered
    }
}
