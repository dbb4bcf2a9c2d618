import Common
import Coordination
import Messaging
import SelMix
import Synchronization
import Training

/// A worker's computations, on one thread: it is given assignments and answers with contributions.
///
/// Everything it computes follows from the assignment, the weights and the job; it keeps nothing between assignments but
/// scratch memory.
final class WorkerEngine {
    /// Counts blocks of work, for heartbeats; read by the network thread.
    final class Progress: Sendable {
        let blocks = Atomic<UInt64>(0)
        /// Goes up when everything that was asked for before is no longer wanted.
        let generation = Atomic<UInt64>(0)
    }

    private let data: WorkerData
    private let gradient: HeadGradient
    private let evaluation: HeadEvaluation
    private let progress: Progress

    init(data: WorkerData, progress: Progress) throws {
        self.data = data
        self.progress = progress
        gradient = try HeadGradient(
            classes: data.classes, dimension: data.dimension, batch: data.job.batch, shards: data.job.cluster.shards,
            loss: data.loss)
        evaluation = try HeadEvaluation(classes: data.classes, dimension: data.dimension)
    }

    /// Computes all nodes of an assignment.
    ///
    /// - Parameters:
    ///   - pairs: for a step, the class pairs of the assignment's slots, shard by shard.
    ///   - unlabeled: the round's unlabelled samples by pseudo-label, in the semi-supervised setting.
    ///   - isWanted: asked before each shard; the rest is left out once it says no.
    ///   - deliver: takes each node's contribution with its tensors.
    func compute(
        _ assignment: Assignment, weights: Parameters, pairs: [ClassPair], unlabeled: UnlabeledPools?,
        isWanted: () -> Bool, deliver: (Contribution, [TensorFrame]) -> Void
    ) throws {
        var mixed = data.mixed
        mixed.unlabeled = unlabeled
        for node in assignment.nodes(shards: data.job.cluster.shards) {
            let frames: [TensorFrame]
            let loss: Double
            switch assignment.work {
            case .validate:
                guard let sums = try validate(node, assignment, weights: weights, isWanted: isWanted) else { return }
                (frames, loss) = (sums.frames(dimension: data.dimension), 0)
            case .train(let step):
                guard
                    let sum = try train(
                        node, step: step, assignment, weights: weights, pairs: pairs, mixed: mixed,
                        isWanted: isWanted)
                else { return }
                (frames, loss) = (sum.gradient.frames, sum.loss)
            }
            deliver(
                Contribution(
                    assignment: assignment.number, work: assignment.work, weights: assignment.weights,
                    selection: assignment.selection, node: node, digest: Digest(rawValue: frames.digest), loss: loss),
                frames)
        }
    }

    private struct Unwanted: Error {}

    private struct LossGradient {
        var gradient: Parameters
        var loss: Double
    }

    private func train(
        _ node: TreeNode, step: StepIndex, _ assignment: Assignment, weights: Parameters, pairs: [ClassPair],
        mixed: MixedBatch, isWanted: () -> Bool
    ) throws -> LossGradient? {
        let slots = data.job.batch / data.job.cluster.shards
        return try reduce(
            node, isWanted: isWanted,
            leaf: { shard in
                let position = assignment.shards.firstIndex(of: shard)!
                let result = Parameters(layout: data.layout)
                let loss = try gradient(
                    shard: shard, step: step, pairs: pairs[position * slots..<(position + 1) * slots],
                    batch: mixed, weights: weights, into: result)
                progress.blocks.add(1, ordering: .relaxed)
                return LossGradient(gradient: result, loss: loss)
            },
            add: { left, right in
                left.gradient.add(right.gradient)
                return LossGradient(gradient: left.gradient, loss: left.loss + right.loss)
            })
    }

    private func validate(
        _ node: TreeNode, _ assignment: Assignment, weights: Parameters, isWanted: () -> Bool
    ) throws -> ValidationSums? {
        try reduce(
            node, isWanted: isWanted,
            leaf: { shard in
                var sums = ValidationSums(
                    counts: ConfusionCounts(classes: data.classes),
                    featureSums: assignment.featureSums
                        ? AlignedBuffer(byteCount: data.classes * data.dimension * 8, zeroed: true) : nil)
                try evaluation.add(
                    data.validation, shard: shard, of: data.job.cluster.shards, weights: weights,
                    counts: &sums.counts, sums: sums.featureSums?.values(as: Double.self).baseAddress,
                    blockDone: { progress.blocks.add(1, ordering: .relaxed) })
                if let unlabeled = data.unlabeled {
                    sums.pseudoLabels = try evaluation.predict(
                        unlabeled, shard: shard, of: data.job.cluster.shards, weights: weights,
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
