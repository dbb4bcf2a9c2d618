import CKernels
import Common
import SelMix

/// Loss and gradient of a linear head over one logical shard's part of a batch: logits = X W^T + b, cross-entropy against
/// the mixed and smoothed target of each slot, gradient = (softmax - target)^T X / B.
///
/// All shapes follow from the job alone, so the bytes of a shard's gradient do not depend on who computes it. Holds
/// scratch memory: one a thread.
public final class HeadGradient {
    private let classes: Int
    private let dimension: Int
    private let slots: Int
    private let batch: Int
    private let loss: LossTerms
    private let logitsProduct: MatrixProduct
    private let gradientProduct: MatrixProduct
    /// X [slots, d], then two rows of scratch.
    private let features: AlignedBuffer
    /// [slots, K]: logits, then the loss's derivative by them.
    private let logits: AlignedBuffer

    /// - Parameters:
    ///   - batch: B, the global batch, by which gradients and losses are divided.
    ///   - shards: V; a shard has B / V slots.
    public init(classes: Int, dimension: Int, batch: Int, shards: Int, loss: LossTerms = LossTerms()) throws {
        self.loss = loss
        self.classes = classes
        self.dimension = dimension
        self.batch = batch
        slots = batch / shards
        logitsProduct = try MatrixProduct(.init(m: slots, n: classes, k: dimension, transposedB: true))
        gradientProduct = try MatrixProduct(.init(m: classes, n: dimension, k: slots, transposedA: true))
        features = AlignedBuffer(byteCount: (slots + 2) * dimension * 4)
        logits = AlignedBuffer(byteCount: slots * classes * 4)
    }

    /// Computes one shard's gradient into `gradient`, which is overwritten.
    ///
    /// - Parameter pairs: the class pairs of the shard's slots, B / V of them.
    /// - Returns: the shard's sum of losses divided by B.
    public func callAsFunction(
        shard: ShardID, step: StepIndex, pairs: some Collection<ClassPair>, batch mixed: MixedBatch,
        weights: Parameters, into gradient: Parameters
    ) throws -> Double {
        precondition(pairs.count == slots, "\(pairs.count) pairs for \(slots) slots")
        let x = features.pointer.assumingMemoryBound(to: Float.self)
        let l = logits.pointer.assumingMemoryBound(to: Float.self)
        let mixedSlots = mixed.gather(
            pairs, firstSlot: shard.rawValue * slots, step: step, shard: shard, scratch: x + slots * dimension, into: x)
        try logitsProduct(x, weights["weight"].baseAddress!, into: l)
        smx_add_bias(l, weights["bias"].baseAddress!, slots, classes)
        if let offsets = loss.offsets { smx_add_bias(l, offsets, slots, classes) }
        var total = 0.0
        for (row, (pair, slot)) in zip(pairs, mixedSlots).enumerated() {
            let target = smx_target(
                label: UInt32(pair.label), partner: UInt32(pair.partner), ratio: slot.labelRatio,
                smoothing: loss.smoothing)
            total += smx_softmax_cross_entropy(l + row * classes, classes, target, 1 / Float(batch))
        }
        try gradientProduct(l, x, into: gradient["weight"].baseAddress!)
        let bias = gradient["bias"]
        bias.update(repeating: 0)
        smx_column_sums(l, bias.baseAddress!, slots, classes)
        return total / Double(batch)
    }
}
