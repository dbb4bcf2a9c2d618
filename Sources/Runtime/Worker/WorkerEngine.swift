import Common
import Coordination
import Messaging
import SelMix
import Synchronization
import Training

/// A worker's computations, on one thread: it is given assignments and answers with contributions.
///
/// Everything it computes follows from the assignment, the weights and the job. Between assignments it keeps scratch memory,
/// and what it has computed ahead of the next one (``prepare(_:isWanted:)``), which changes nothing but when.
final class WorkerEngine {
    /// Counts blocks of work, for heartbeats; read by the network thread.
    final class Progress: Sendable {
        let blocks = Atomic<UInt64>(0)
        /// Goes up when everything that was asked for before is no longer wanted.
        let generation = Atomic<UInt64>(0)
    }

    /// What comes out of an assignment, in this order for each node.
    enum Output: Sendable {
        case slice(ContributionSlice, TensorFrame)
        case contribution(Contribution, [TensorFrame])
    }

    /// The step that is likely to be asked for next.
    struct NextStep: Sendable {
        var step: StepIndex
        var selection: Digest
        var shards: [ShardID]
        /// Of its slots, shard by shard.
        var pairs: [ClassPair]
        var unlabeled: UnlabeledPools?
    }

    /// What has been computed for it: its features are mixed, and of the logits so many blocks are there.
    private struct Ahead {
        let next: NextStep
        var weights: PackedParameters?
        var blocks = 0
    }

    private let data: WorkerData
    private let gradient: HeadGradient
    private let evaluation: HeadEvaluation
    private let sum: TreeSum
    private let pool = BufferPool()
    private let progress: Progress
    private var ahead: Ahead?
    /// Float32 heads, rounded for training, with the memory that they were rounded from.
    private var rounded: [Int: (from: AlignedBuffer, weights: PackedParameters)] = [:]

    init(data: WorkerData, progress: Progress) throws {
        self.data = data
        self.progress = progress
        let precision = data.job.cluster.precision
        gradient = try HeadGradient(
            classes: data.classes, dimension: data.dimension, batch: data.job.batch, shards: data.job.cluster.shards,
            precision: precision, loss: data.loss)
        evaluation = try HeadEvaluation(classes: data.classes, dimension: data.dimension)
        let layout = data.layout
        let largest = (layout.slices.map(\.count) + layout.whole.map { layout.entries[$0].count }).max() ?? 0
        sum = TreeSum(shards: data.job.cluster.shards, precision: precision, capacity: largest)
    }

    /// How long samples were read and mixed since it was asked last.
    func takeGatherTime() -> Duration { gradient.takeGatherTime() }

    /// Computes all nodes of an assignment.
    ///
    /// - Parameters:
    ///   - heads: the weights, by fold; float32 for a validation.
    ///   - pairs: for a step, the class pairs of the assignment's slots, shard by shard.
    ///   - unlabeled: the round's unlabelled samples by pseudo-label, in the semi-supervised setting.
    ///   - isWanted: asked before each shard; the rest is left out once it says no.
    ///   - deliver: takes each node's slices and its contribution with its tensors.
    func compute(
        _ assignment: Assignment, heads: [PackedParameters], pairs: [ClassPair], unlabeled: UnlabeledPools?,
        isWanted: () -> Bool, deliver: (Output) -> Void
    ) throws {
        let ahead = takeAhead(of: assignment)
        for node in assignment.nodes(shards: data.job.cluster.shards) {
            let frames: [TensorFrame]
            var pieces: [UInt64] = []
            let loss: Double
            switch assignment.work {
            case .validate:
                let rounded = heads.first { $0.parameters == nil }
                if let rounded {
                    throw SelMixError(.cluster, "weights in \(rounded.precision) for a validation, which needs float32")
                }
                let heads = heads.compactMap(\.parameters)
                guard let sums = try validate(node, assignment, heads: heads, isWanted: isWanted) else { return }
                frames = sums.frames(dimension: data.dimension)
                loss = 0
            case .train(let step):
                guard
                    let made = try train(
                        node, step: step, assignment, weights: rounded(heads, for: step), pairs: pairs,
                        mixed: mixed(step, unlabeled), ahead: ahead, isWanted: isWanted, deliver: deliver)
                else { return }
                (frames, pieces, loss) = made
            }
            let digest = Digest(rawValue: (pieces + frames.map(\.digest)).combined)
            deliver(
                .contribution(
                    Contribution(
                        assignment: assignment.number, work: assignment.work, weights: assignment.weights,
                        selection: assignment.selection, node: node, digest: digest,
                        pieces: pieces.map { Digest(rawValue: $0) }, loss: loss),
                    frames))
        }
    }

    /// Mixes the features of the next step, while its weights are on their way; and where another head than this step's is
    /// trained next, which is there already, computes that step's logits.
    ///
    /// - Parameters:
    ///   - heads: the weights of the step before.
    ///   - isWanted: asked before each shard; nothing is prepared once it says no.
    func prepare(_ next: NextStep, heads: [PackedParameters], isWanted: () -> Bool) throws {
        ahead = nil
        let mixed = mixed(next.step, next.unlabeled)
        for (position, shard) in next.shards.enumerated() {
            guard isWanted() else { return }
            gather(position, shard, step: next.step, pairs: next.pairs, mixed)
        }
        ahead = Ahead(next: next)
        guard heads.count > 1 else { return }
        let weights = rounded(heads, for: next.step)
        for index in gradient.blocks.indices where isWanted() {
            try prepare(slice: index, of: weights, head: data.turns.head(of: next.step))
        }
    }

    /// Computes the next step's logits of the classes of a slice that is there. Slices come in order; new weights begin
    /// with the first. Whether these weights will count is not known yet.
    ///
    /// - Parameter head: whose slice it is; nothing is computed for a head that the next step does not train.
    func prepare(slice index: Int, of weights: PackedParameters, head: Int) throws {
        guard var made = ahead, data.turns.head(of: made.next.step) == head, weights.precision == gradient.precision
        else { return }
        if index == 0 { (made.weights, made.blocks) = (weights, 0) }
        guard made.weights?.buffer === weights.buffer, made.blocks == index else { return }
        for position in made.next.shards.indices {
            try gradient.logits(position, of: gradient.blocks[index], weights: weights)
        }
        made.blocks += 1
        ahead = made
    }

    /// What was computed ahead, if it is this assignment's; it is used once.
    private func takeAhead(of assignment: Assignment) -> Ahead? {
        defer { ahead = nil }
        guard let ahead, assignment.work == .train(ahead.next.step), assignment.selection == ahead.next.selection,
            assignment.shards == ahead.next.shards
        else { return nil }
        return ahead
    }

    private func gather(
        _ position: Int, _ shard: ShardID, step: StepIndex, pairs: [ClassPair], _ mixed: MixedBatch
    ) {
        let slots = data.job.batch / data.job.cluster.shards
        gradient.gather(
            position, shard: shard, step: step, pairs: pairs[position * slots..<(position + 1) * slots], batch: mixed)
    }

    private struct Unwanted: Error {}

    /// How the head that a step trains draws its samples.
    private func mixed(_ step: StepIndex, _ unlabeled: UnlabeledPools?) -> MixedBatch {
        var mixed = data.mixed[data.turns.head(of: step)]
        mixed.unlabeled = unlabeled
        return mixed
    }

    /// The head that a step trains, in the compute precision.
    private func rounded(_ heads: [PackedParameters], for step: StepIndex) -> PackedParameters {
        let head = data.turns.head(of: step)
        let weights = heads[head]
        if weights.precision == gradient.precision { return weights }
        if let rounded = rounded[head], rounded.from === weights.buffer { return rounded.weights }
        let made = weights.rounded(to: gradient.precision)
        rounded[head] = (weights.buffer, made)
        return made
    }

    /// Loss and gradient of one node: first the forward half of all its shards, then the gradient slice by slice, each of them
    /// summed over the shards while it is in the cache and delivered at once.
    ///
    /// - Returns: the tensors that are not sliced, the digests of the slices' pieces, and the loss; nil when it is no longer wanted.
    private func train(
        _ node: TreeNode, step: StepIndex, _ assignment: Assignment, weights: PackedParameters, pairs: [ClassPair],
        mixed: MixedBatch, ahead: Ahead?, isWanted: () -> Bool, deliver: (Output) -> Void
    ) throws -> (frames: [TensorFrame], pieces: [UInt64], loss: Double)? {
        let shards = assignment.shards
        let blocksDone = ahead?.weights?.buffer === weights.buffer ? ahead?.blocks ?? 0 : 0
        let loss = try reduce(
            node, isWanted: isWanted,
            leaf: { shard in
                let position = shards.firstIndex(of: shard)!
                if ahead == nil { gather(position, shard, step: step, pairs: pairs, mixed) }
                for rows in gradient.blocks.dropFirst(blocksDone) {
                    try gradient.logits(position, of: rows, weights: weights)
                }
                defer { progress.blocks.add(1, ordering: .relaxed) }
                return gradient.loss(position, weights: weights)
            }, add: +)
        guard let loss else { return nil }
        let layout = data.layout
        let type = sum.type(of: node)
        var digests: [UInt64] = []
        for (index, slice) in layout.slices.enumerated() {
            guard isWanted() else { return nil }
            let buffer = pool.buffer(byteCount: slice.count * type.byteCount)
            try sum(node, of: shards, count: slice.count, into: buffer.pointer) { position, destination, type in
                try gradient.gradient(position, rows: slice.rows, into: destination, as: type)
            }
            let frame = layout.frame(of: slice, type, in: buffer)
            digests += layout.digests(of: index, frame)
            progress.blocks.add(1, ordering: .relaxed)
            deliver(
                .slice(ContributionSlice(assignment: assignment.number, node: node, index: index), frame))
        }
        let whole = PackedParameters(layout: layout, precision: type, from: pool)
        for index in layout.whole {
            let entry = layout.entries[index]
            let memory = whole.pointer(at: entry.offset)
            try sum(node, of: shards, count: entry.count, into: memory) { position, destination, type in
                if entry.name == "bias" {
                    gradient.biasGradient(position, into: destination, as: type)
                } else {
                    try gradient.gradient(position, rows: 0..<entry.shape[0], into: destination, as: type)
                }
            }
        }
        return (whole.wholeFrames, digests, loss)
    }

    /// Sums what each shard of a node gives, by its position in the assignment.
    private func sum(
        _ node: TreeNode, of shards: [ShardID], count: Int, into destination: UnsafeMutableRawPointer,
        leaf: (_ position: Int, UnsafeMutableRawPointer, Precision) throws -> Void
    ) throws {
        try sum(node, count: count, into: destination) { part, memory, type in
            guard part.count == 1 else { return nil }
            try leaf(shards.firstIndex(of: ShardID(part.lower))!, memory, type)
            return UnsafeRawPointer(memory)
        }
    }

    private func validate(
        _ node: TreeNode, _ assignment: Assignment, heads: [Parameters], isWanted: () -> Bool
    ) throws -> ValidationSums? {
        let mean = data.unlabeled == nil ? nil : heads.mean
        return try reduce(
            node, isWanted: isWanted,
            leaf: { shard in
                var sums = ValidationSums(
                    counts: ConfusionCounts(classes: data.classes),
                    featureSums: assignment.featureSums
                        ? AlignedBuffer(byteCount: data.classes * data.dimension * 8, zeroed: true) : nil)
                try evaluation.add(
                    data.validation, shard: shard, of: data.job.cluster.shards, heads: heads, heldOut: data.folds,
                    counts: &sums.counts, sums: sums.featureSums?.values(as: Double.self).baseAddress,
                    blockDone: { progress.blocks.add(1, ordering: .relaxed) })
                if let unlabeled = data.unlabeled, let mean {
                    sums.pseudoLabels = try evaluation.predict(
                        unlabeled, shard: shard, of: data.job.cluster.shards, weights: mean,
                        blockDone: { progress.blocks.add(1, ordering: .relaxed) })
                }
                return sums
            },
            add: { left, right in
                var sum = left
                sum.add(right)
                return sum
            })
    }

    /// Sums leaves in the canonical order; nil when the result is no longer wanted.
    private func reduce<Value>(
        _ node: TreeNode, isWanted: () -> Bool, leaf: (ShardID) throws -> Value, add: (Value, Value) throws -> Value
    ) throws -> Value? {
        do {
            return try node.reduce(
                { node in
                    guard node.count == 1 else { return nil }
                    guard isWanted() else { throw Unwanted() }
                    return try leaf(ShardID(node.lower))
                }, add: add)
        } catch is Unwanted {
            return nil
        }
    }
}
