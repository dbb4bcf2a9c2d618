import CKernels
import Common
import SelMix

/// Confusion counts, and on demand class feature sums, of a linear head over part of a split. Always float32, so that
/// evaluating a written head reproduces what training reported. Holds scratch memory: one a thread.
public final class HeadEvaluation {
    /// Rows classified at a time. The last block of a shard is padded, so that every product has this shape.
    private static let blockRows = 128

    private let classes: Int
    private let dimension: Int
    private let product: MatrixProduct
    private let features: AlignedBuffer
    private let logits: AlignedBuffer

    public init(classes: Int, dimension: Int) throws {
        self.classes = classes
        self.dimension = dimension
        product = try MatrixProduct(.init(m: Self.blockRows, n: classes, k: dimension, transposedB: true))
        features = AlignedBuffer(byteCount: Self.blockRows * dimension * 4, zeroed: true)
        logits = AlignedBuffer(byteCount: Self.blockRows * classes * 4)
    }

    /// Adds the samples of one shard: of all rows those with row % shards == shard. Shard 0 of 1 is the whole split.
    ///
    /// - Parameters:
    ///   - sums: [K, d] in float64, to which each sample's features are added; nil where they are not wanted.
    ///   - blockDone: called after each block of rows.
    public func add(
        _ data: LabeledFeatures, shard: ShardID, of shards: Int, weights: Parameters, counts: inout ConfusionCounts,
        sums: UnsafeMutablePointer<Double>? = nil, blockDone: () -> Void = {}
    ) throws {
        let rows = Self.rows(of: data.features, shard: shard, of: shards)
        try add(data, rows: rows, weights: weights, counts: &counts, sums: sums, blockDone: blockDone)
    }

    /// Adds the samples of one shard, each judged by the head that it is held out from: the out-of-fold counts.
    ///
    /// - Parameter heads: by fold.
    public func add(
        _ data: LabeledFeatures, shard: ShardID, of shards: Int, heads: [Parameters], heldOut plan: FoldPlan,
        counts: inout ConfusionCounts, sums: UnsafeMutablePointer<Double>? = nil, blockDone: () -> Void = {}
    ) throws {
        let rows = Self.rows(of: data.features, shard: shard, of: shards)
        for (fold, head) in heads.enumerated() {
            try add(
                data, rows: heads.count == 1 ? rows : rows.filter { plan.foldOfRow[$0] == fold }, weights: head,
                counts: &counts, sums: sums, blockDone: blockDone)
        }
    }

    private func add(
        _ data: LabeledFeatures, rows: [Int], weights: Parameters, counts: inout ConfusionCounts,
        sums: UnsafeMutablePointer<Double>?, blockDone: () -> Void
    ) throws {
        try classify(data.features, rows: rows, weights: weights, blockDone: blockDone) { row, x, logits in
            let label = Int(data.labels[row])
            counts.add(true: label, predicted: smx_argmax(logits, classes))
            if let sums { smx_accumulate(x, sums + label * dimension, dimension) }
        }
    }

    private static func rows(of features: StoredTensor, shard: ShardID, of shards: Int) -> [Int] {
        Array(stride(from: shard.rawValue, to: features.shape[0], by: shards))
    }

    /// The predicted class of each of the shard's rows of some features, in order.
    public func predict(
        _ features: StoredTensor, shard: ShardID, of shards: Int, weights: Parameters, blockDone: () -> Void = {}
    ) throws -> [Int32] {
        var predictions: [Int32] = []
        let rows = Self.rows(of: features, shard: shard, of: shards)
        try classify(features, rows: rows, weights: weights, blockDone: blockDone) { _, _, logits in
            predictions.append(Int32(smx_argmax(logits, classes)))
        }
        return predictions
    }

    /// Calls `body` with each of these rows, its features and its logits.
    ///
    /// - Parameter blockDone: called after each block of rows.
    public func classify(
        _ features: StoredTensor, rows: [Int], weights: Parameters, blockDone: () -> Void = {},
        body: (_ row: Int, _ x: UnsafePointer<Float>, _ logits: UnsafePointer<Float>) -> Void
    ) throws {
        let x = self.features.pointer.assumingMemoryBound(to: Float.self)
        let l = logits.pointer.assumingMemoryBound(to: Float.self)
        for first in stride(from: 0, to: rows.count, by: Self.blockRows) {
            let block = rows[first..<min(first + Self.blockRows, rows.count)]
            for (index, row) in block.enumerated() { features.floats(row: row, into: x + index * dimension) }
            for index in block.count..<Self.blockRows {
                (x + index * dimension).update(repeating: 0, count: dimension)
            }
            try product(x, weights["weight"].baseAddress!, into: l)
            smx_add_bias(l, weights["bias"].baseAddress!, Self.blockRows, classes)
            for (index, row) in block.enumerated() { body(row, x + index * dimension, l + index * classes) }
            blockDone()
        }
    }
}
