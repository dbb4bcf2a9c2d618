import CKernels
import Common
import SelMix

/// Loss and gradient of a linear head over logical shards' parts of a batch: logits = X W^T + b, cross-entropy against the
/// mixed and smoothed target of each slot, gradient = (softmax - target)^T X / B.
///
/// It comes in two halves. ``forward`` mixes a shard's features and computes its loss, and keeps what the second half needs;
/// ``gradient`` then gives the shard's gradient slice by slice. All shapes follow from the job alone, so the bytes do not
/// depend on who computes them. Holds scratch memory: one a thread.
public final class HeadGradient {
    public let layout: ParameterLayout
    public let precision: Precision
    private let classes: Int
    private let dimension: Int
    private let slots: Int
    private let batch: Int
    private let loss: LossTerms
    private let logitsProduct: MatrixProduct
    /// By number of rows and type of the result.
    private var gradientProducts: [ProductKey: MatrixProduct] = [:]
    /// Classes whose gradient is computed at a time: a slice's, or all.
    private let blockRows: Int
    /// [slots, K].
    private let logits: AlignedBuffer
    /// Two rows of features.
    private let rows: AlignedBuffer
    private var prepared: [Prepared] = []
    private var gatherTime = Duration.zero

    private struct ProductKey: Hashable {
        var rows: Int
        var output: Precision
    }

    /// What a shard's forward half leaves for its gradient.
    private struct Prepared {
        /// X [slots, d] in the compute precision.
        let features: AlignedBuffer
        /// The loss's derivative by the logits in the compute precision, cut into blocks [slots, blockRows].
        let pushes: AlignedBuffer
        /// Its column sums [K] in float32: the bias's gradient.
        let bias: AlignedBuffer
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
        self.loss = loss
        self.classes = classes
        self.dimension = dimension
        self.batch = batch
        slots = batch / shards
        blockRows = layout.slices.first?.rows.count ?? classes
        logitsProduct = try MatrixProduct(
            .init(m: slots, n: classes, k: dimension, transposedB: true, inputs: precision))
        logits = AlignedBuffer(byteCount: slots * classes * 4)
        rows = AlignedBuffer(byteCount: 2 * dimension * 4)
    }

    /// How long samples were read and mixed since this was asked last.
    public func takeGatherTime() -> Duration {
        defer { gatherTime = .zero }
        return gatherTime
    }

    /// Mixes one shard's features and computes its loss.
    ///
    /// - Parameters:
    ///   - position: under which the gradient is asked for later; positions are reused from node to node.
    ///   - pairs: the class pairs of the shard's slots, B / V of them.
    /// - Returns: the shard's sum of losses divided by B.
    public func forward(
        _ position: Int, shard: ShardID, step: StepIndex, pairs: some Collection<ClassPair>, batch mixed: MixedBatch,
        weights: PackedParameters
    ) throws -> Double {
        precondition(pairs.count == slots, "\(pairs.count) pairs for \(slots) slots")
        precondition(weights.precision == precision, "\(weights.precision) weights for \(precision)")
        while prepared.count <= position { prepared.append(makePrepared()) }
        let prepared = prepared[position]
        let begin = ContinuousClock.now
        let mixedSlots = mixed.gather(
            pairs, firstSlot: shard.rawValue * slots, step: step, shard: shard,
            scratch: rows.pointer.assumingMemoryBound(to: Float.self), into: prepared.features.pointer, as: precision)
        gatherTime += ContinuousClock.now - begin
        let l = logits.pointer.assumingMemoryBound(to: Float.self)
        try logitsProduct(prepared.features.pointer, weights.pointer(at: layout["weight"].offset), into: l)
        let bias = prepared.bias.floats().baseAddress!
        smx_add_bias(l, floats(of: layout["bias"], in: weights, scratch: bias), slots, classes)
        if let offsets = loss.offsets { smx_add_bias(l, offsets, slots, classes) }
        var total = 0.0
        for (row, (pair, slot)) in zip(pairs, mixedSlots).enumerated() {
            let target = smx_target(
                label: UInt32(pair.label), partner: UInt32(pair.partner), ratio: slot.labelRatio,
                smoothing: loss.smoothing)
            total += smx_softmax_cross_entropy(l + row * classes, classes, target, 1 / Float(batch))
        }
        prepared.bias.floats().update(repeating: 0)
        smx_column_sums(l, bias, slots, classes)
        smx_cut_columns(l, slots, classes, blockRows, precision.kernelType, prepared.pushes.pointer)
        return total / Double(batch)
    }

    /// The gradient of some classes' weights, [rows, d], of the shard that was prepared at a position.
    ///
    /// - Parameters:
    ///   - rows: those of one of the layout's slices, or all where it has none.
    ///   - type: of the result; it is summed in float32 and rounded once.
    public func gradient(
        _ position: Int, rows: Range<Int>, into destination: UnsafeMutableRawPointer, as type: Precision
    ) throws {
        let key = ProductKey(rows: rows.count, output: type)
        let product =
            try gradientProducts[key]
            ?? MatrixProduct(
                .init(
                    m: rows.count, n: dimension, k: slots, transposedA: true, inputs: precision, output: type))
        gradientProducts[key] = product
        let pushes = prepared[position].pushes.pointer + rows.lowerBound * slots * precision.byteCount
        try product(pushes, prepared[position].features.pointer, into: destination)
    }

    /// The gradient of the bias, [K], of the shard that was prepared at a position.
    public func biasGradient(_ position: Int, into destination: UnsafeMutableRawPointer, as type: Precision) {
        let bias = prepared[position].bias.floats().baseAddress!
        switch type {
        case .float32: destination.copyMemory(from: bias, byteCount: classes * 4)
        case .bfloat16: smx_float_to_bfloat(bias, destination.assumingMemoryBound(to: UInt16.self), classes)
        }
    }

    private func makePrepared() -> Prepared {
        Prepared(
            features: AlignedBuffer(byteCount: slots * dimension * precision.byteCount),
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
        let loss = try forward(
            0, shard: shard, step: step, pairs: pairs, batch: mixed,
            weights: PackedParameters(weights).rounded(to: precision))
        let weight = layout["weight"]
        if layout.slices.isEmpty {
            try self.gradient(
                0, rows: 0..<weight.shape[0], into: gradient.floats + weight.offset, as: .float32)
        }
        for slice in layout.slices {
            try self.gradient(0, rows: slice.rows, into: gradient.floats + slice.offset, as: .float32)
        }
        biasGradient(0, into: gradient.floats + layout["bias"].offset, as: .float32)
        return loss
    }
}
