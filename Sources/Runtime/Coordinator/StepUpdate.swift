import CKernels
import Common
import Coordination
import Messaging
import SelMix
import Training

/// A slice of a step's gradient.
enum SliceGradients: Sendable {
    /// Of tree nodes that make up the batch.
    case byNode([TreeNode: TensorFrame])
    /// Of the whole batch, in pieces.
    case summed([TensorFrame])
}

/// The next weights in the making. Slices of them are made as soon as every worker's part of the gradient is there, before
/// the step is complete and before anything counts; if other contributions count in the end, it is begun anew.
final class StepUpdate {
    let step: StepIndex
    let weights: Parameters
    let velocity: Parameters
    let published: PackedParameters
    /// The next slice to make.
    private(set) var next = 0
    private(set) var gradientIsFinite = true
    /// Nodes whose gradient is beyond what it can be.
    private(set) var implausible: Set<TreeNode> = []
    private let bounds: GradientBounds
    private(set) var weightsAreFinite = true
    private let before: (weights: Parameters, velocity: Parameters)
    private let optimizer: SGD
    private let sum: TreeSum
    private let root: TreeNode
    private let block: AlignedBuffer
    private let log: StreamedDigest
    private var logged = 0
    /// Of what is published.
    private var digests: [UInt64] = []

    /// Values summed and optimised at a time: what fits the first-level cache with all that is read and written.
    static let blockSize = 4096

    /// - Parameter publishing: the precision in which the new weights go out.
    init(
        _ step: StepIndex, after before: (weights: Parameters, velocity: Parameters), optimizer: SGD, sum: TreeSum,
        shards: Int, bounds: GradientBounds, publishing: Precision, pool: BufferPool
    ) {
        self.bounds = bounds
        self.step = step
        self.before = before
        self.optimizer = optimizer
        self.sum = sum
        let layout = before.weights.layout
        weights = Parameters(layout: layout, from: pool)
        velocity = Parameters(layout: layout, from: pool)
        published =
            publishing == .float32
            ? PackedParameters(weights) : PackedParameters(layout: layout, precision: publishing, from: pool)
        root = .root(shards: shards)
        block = pool.buffer(byteCount: Self.blockSize * 4)
        log = StreamedDigest()
    }

    private var layout: ParameterLayout { weights.layout }

    /// Makes the next slice of the new weights.
    ///
    /// - Parameter gradients: that slice of the gradient, whole or in pieces.
    func makeSlice(_ gradients: SliceGradients) throws -> TensorFrame {
        let slice = layout.slices[next]
        let entry = layout.entries[slice.entry]
        switch gradients {
        case .byNode(let frames): try move(offset: slice.offset, count: slice.count, entry, frames)
        case .summed(let frames):
            for (index, frame) in zip(layout.piecesOfSlice[next], frames) {
                let piece = layout.pieces[index]
                try move(offset: piece.offset, count: piece.count, entry, [root: frame])
            }
        }
        let frame = published.frame(of: slice)
        digests += layout.digests(of: next, frame)
        next += 1
        if slice.offset == logged { addToLog(slice.count) }
        return frame
    }

    /// Makes the tensors that are not sliced, when all slices are made.
    ///
    /// - Returns: the digest of all new weights, and the one of what is published.
    func finish(_ contributions: [TreeNode: KeptContribution]) throws -> (weights: Digest, payload: Digest) {
        // The engine makes what is missing before it comes here.
        precondition(next == layout.slices.count, "\(next) of \(layout.slices.count) slices were made")
        for (position, index) in layout.whole.enumerated() {
            let entry = layout.entries[index]
            try move(
                offset: entry.offset, count: entry.count, entry,
                contributions.mapValues { $0.gradient.whole[position] })
        }
        addToLog(layout.count - logged)
        let payload = (digests + published.wholeFrames.map(\.digest)).combined
        return (Digest(rawValue: log.value), Digest(rawValue: payload))
    }

    private func addToLog(_ count: Int) {
        log.add(UnsafeRawBufferPointer(start: weights.floats + logged, count: count * 4))
        logged += count
    }

    private func move(
        offset: Int, count: Int, _ entry: ParameterLayout.Entry, _ gradients: [TreeNode: TensorFrame]
    ) throws {
        for first in stride(from: 0, to: count, by: Self.blockSize) {
            let length = min(Self.blockSize, count - first)
            let gradient = sum(root, count: length, into: block.pointer) { node, _, type in
                guard let start = gradients[node]?.bytes.baseAddress else { return nil }
                let values = start + first * type.byteCount
                if !bounds.allow(values, count: length, as: type, of: node, isBias: entry.name == "bias") {
                    implausible.insert(node)
                }
                return values
            }.assumingMemoryBound(to: Float.self)
            let place = offset + first
            if entry.isFixed {
                (weights.floats + place).update(from: before.weights.floats + place, count: length)
                (velocity.floats + place).update(from: before.velocity.floats + place, count: length)
            } else {
                optimizer.apply(
                    step: step.rawValue, weights: before.weights.floats + place,
                    velocity: before.velocity.floats + place, gradient: gradient, newWeights: weights.floats + place,
                    newVelocity: velocity.floats + place, decays: entry.decays, count: length)
            }
            gradientIsFinite = gradientIsFinite && smx_all_finite(gradient, length)
            weightsAreFinite = weightsAreFinite && smx_all_finite(weights.floats + place, length)
            if published.precision == .bfloat16 {
                smx_float_to_bfloat(
                    weights.floats + place,
                    published.pointer(at: place).assumingMemoryBound(to: UInt16.self), length)
            }
        }
    }
}

/// XXH3 of bytes that come piece by piece.
private final class StreamedDigest {
    private let hasher: OpaquePointer

    init() {
        guard let hasher = smx_hasher_create() else { OutOfMemory.end(1024) }
        self.hasher = hasher
    }

    deinit { smx_hasher_destroy(hasher) }

    func add(_ bytes: UnsafeRawBufferPointer) {
        if let start = bytes.baseAddress { smx_hasher_update(hasher, start, bytes.count) }
    }

    var value: UInt64 { smx_hasher_digest(hasher) }
}
