import CKernels
import Common
import SelMix

/// Loss and gradient of a linear head over logical shards' parts of a batch: logits = X W^T + b, cross-entropy against the
/// mixed and smoothed target of each slot, gradient = (softmax - target)^T X / B.
///
/// It comes in parts, so that each begins as soon as what it needs is there: ``gather`` mixes a shard's features, ``logits``
/// needs the weights of some classes, ``loss`` all of them, and ``gradient`` then gives the shard's gradient slice by slice.
/// All shapes follow from the job alone, so the bytes do not depend on who computes them, or when. Holds scratch memory:
/// one a thread.
public final class HeadGradient {
    public let layout: ParameterLayout
    public let precision: Precision
    /// Classes whose logits and gradient are computed at a time: those of the layout's slices, or all.
    public let blocks: [Range<Int>]
    private let classes: Int
    private let dimension: Int
    private let slots: Int
    private let batch: Int
    private let terms: LossTerms
    private var products: [MatrixProduct.Shape: MatrixProduct] = [:]
    /// Two rows of features.
    private let rows: AlignedBuffer
    /// [slots, K].
    private let logits: AlignedBuffer
    private var prepared: [Prepared] = []
    private var gatherTime = Duration.zero

    /// What the parts of a shard leave for each other.
    private struct Prepared {
        /// X [slots, d] in the compute precision.
        let features: AlignedBuffer
        /// In blocks of columns, each as its product gives it: one that writes into a wider matrix is slower.
        let logits: AlignedBuffer
        /// The loss's derivative by the logits in the compute precision, cut into blocks of columns.
        let pushes: AlignedBuffer
        /// Its column sums [K] in float32: the bias's gradient.
        let bias: AlignedBuffer
        /// By slot.
        var targets: [smx_target] = []
    }

    /// - Parameters:
    ///   - batch: B, the global batch, by which gradients and losses are divided.
    ///   - shards: V; a shard has B / V slots.
    public init(
        classes: Int, dimension: Int, batch: Int, shards: Int, precision: Precision = .float32,
        loss: LossTerms = LossTerms()
    ) throws {
        layout = .linearHead(classes: classes, dimension: dimension)
        self.precision = precision
        terms = loss
        self.classes = classes
        self.dimension = dimension
        self.batch = batch
        slots = batch / shards
        blocks = layout.slices.isEmpty ? [0..<classes] : layout.slices.map(\.rows)
        rows = AlignedBuffer(byteCount: 2 * dimension * 4)
        logits = AlignedBuffer(byteCount: slots * classes * 4)
    }

    /// How long samples were read and mixed since this was asked last.
    public func takeGatherTime() -> Duration {
        defer { gatherTime = .zero }
        return gatherTime
    }

    /// Mixes one shard's features.
    ///
    /// - Parameters:
    ///   - position: under which the other parts are asked for; what it held before is overwritten.
    ///   - pairs: the class pairs of the shard's slots, B / V of them.
    public func gather(
        _ position: Int, shard: ShardID, step: StepIndex, pairs: some Collection<ClassPair>, batch mixed: MixedBatch
    ) {
        precondition(pairs.count == slots, "\(pairs.count) pairs for \(slots) slots")
        while prepared.count <= position { prepared.append(makePrepared()) }
        let begin = ContinuousClock.now
        let mixedSlots = mixed.gather(
            pairs, firstSlot: shard.rawValue * slots, step: step, shard: shard,
            scratch: rows.pointer.assumingMemoryBound(to: Float.self), into: prepared[position].features.pointer,
            as: precision)
        gatherTime += ContinuousClock.now - begin
        prepared[position].targets = zip(pairs, mixedSlots).map { pair, slot in
            smx_target(
                label: UInt32(pair.label), partner: UInt32(pair.partner), ratio: slot.labelRatio,
                smoothing: terms.smoothing)
        }
    }

    /// Computes the logits of some classes, of the shard that was gathered at a position.
    ///
    /// - Parameter rows: one of ``blocks``.
    public func logits(_ position: Int, of rows: Range<Int>, weights: PackedParameters) throws {
        precondition(weights.precision == precision, "\(weights.precision) weights for \(precision)")
        let product = try product(
            .init(m: slots, n: rows.count, k: dimension, transposedB: true, inputs: precision))
        try product(
            prepared[position].features.pointer,
            weights.pointer(at: layout["weight"].offset + rows.lowerBound * dimension),
            into: prepared[position].logits.pointer + rows.lowerBound * slots * 4)
    }

    /// Computes the loss of the shard at a position, whose logits are all there, and its derivative.
    ///
    /// - Returns: the shard's sum of losses divided by B.
    public func loss(_ position: Int, weights: PackedParameters) -> Double {
        let prepared = prepared[position]
        let l = logits.pointer.assumingMemoryBound(to: Float.self)
        smx_join_columns(prepared.logits.floats().baseAddress!, slots, classes, blocks[0].count, l)
        let bias = prepared.bias.floats().baseAddress!
        smx_add_bias(l, floats(of: layout["bias"], in: weights, scratch: bias), slots, classes)
        if let offsets = terms.offsets { smx_add_bias(l, offsets, slots, classes) }
        var total = 0.0
        for (row, target) in prepared.targets.enumerated() {
            total += smx_softmax_cross_entropy(l + row * classes, classes, target, 1 / Float(batch))
        }
        prepared.bias.floats().update(repeating: 0)
        smx_column_sums(l, bias, slots, classes)
        smx_cut_columns(l, slots, classes, blocks[0].count, precision.kernelType, prepared.pushes.pointer)
        return total / Double(batch)
    }

    /// The gradient of some classes' weights, [rows, d], of the shard whose loss was computed at a position.
    ///
    /// - Parameters:
    ///   - rows: one of ``blocks``.
    ///   - type: of the result; it is summed in float32 and rounded once.
    public func gradient(
        _ position: Int, rows: Range<Int>, into destination: UnsafeMutableRawPointer, as type: Precision
    ) throws {
        let product = try product(
            .init(m: rows.count, n: dimension, k: slots, transposedA: true, inputs: precision, output: type))
        let pushes = prepared[position].pushes.pointer + rows.lowerBound * slots * precision.byteCount
        try product(pushes, prepared[position].features.pointer, into: destination)
    }

    /// The gradient of the bias, [K], of the shard whose loss was computed at a position.
    public func biasGradient(_ position: Int, into destination: UnsafeMutableRawPointer, as type: Precision) {
        let bias = prepared[position].bias.floats().baseAddress!
        switch type {
        case .float32: destination.copyMemory(from: bias, byteCount: classes * 4)
        case .bfloat16: smx_float_to_bfloat(bias, destination.assumingMemoryBound(to: UInt16.self), classes)
        }
    }

    private func product(_ shape: MatrixProduct.Shape) throws -> MatrixProduct {
        if let known = products[shape] { return known }
        let made = try MatrixProduct(shape)
        products[shape] = made
        return made
    }

    private func makePrepared() -> Prepared {
        Prepared(
            features: AlignedBuffer(byteCount: slots * dimension * precision.byteCount),
            logits: AlignedBuffer(byteCount: slots * classes * 4),
            pushes: AlignedBuffer(byteCount: slots * classes * precision.byteCount),
            bias: AlignedBuffer(byteCount: classes * 4))
    }

    private func floats(
        of entry: ParameterLayout.Entry, in weights: PackedParameters, scratch: UnsafeMutablePointer<Float>
    ) -> UnsafePointer<Float> {
        let stored = weights.pointer(at: entry.offset)
        guard precision == .bfloat16 else { return UnsafePointer(stored.assumingMemoryBound(to: Float.self)) }
        smx_bfloat_to_float(stored.assumingMemoryBound(to: UInt16.self), scratch, entry.count)
        return UnsafePointer(scratch)
    }
}

extension HeadGradient {
    /// Loss and whole gradient of one shard, in float32.
    ///
    /// - Parameter gradient: overwritten.
    public func callAsFunction(
        shard: ShardID, step: StepIndex, pairs: some Collection<ClassPair>, batch mixed: MixedBatch,
        weights: Parameters, into gradient: Parameters
    ) throws -> Double {
        let packed = PackedParameters(weights).rounded(to: precision)
        gather(0, shard: shard, step: step, pairs: pairs, batch: mixed)
        for rows in blocks { try logits(0, of: rows, weights: packed) }
        let loss = loss(0, weights: packed)
        let weight = layout["weight"]
        for rows in blocks {
            try self.gradient(
                0, rows: rows, into: gradient.floats + weight.offset + rows.lowerBound * dimension, as: .float32)
        }
        biasGradient(0, into: gradient.floats + layout["bias"].offset, as: .float32)
        return loss
    }
}
