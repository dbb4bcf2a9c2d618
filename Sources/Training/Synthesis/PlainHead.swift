import Common
import Dispatch
import SelMix

/// A linear head trained the usual way: softmax regression with cross-entropy on samples drawn alike, by SGD with momentum and
/// a cosine schedule. It serves the frequent classes, as heads do that are trained on long-tailed data.
///
/// The shards of a step are computed on several threads and added up in their order, so that the number of threads does not
/// show in the bytes.
public struct PlainHead: Sendable {
    public var batch = 1024
    public var epochs = 10
    public var seed: UInt64

    /// Fixed: a shard's product has the same shape whatever the machine.
    private static let shards = 8

    public init(epochs: Int, seed: UInt64) {
        self.epochs = epochs
        self.seed = seed
    }

    public func steps(samples: Int) -> Int { max(1, epochs * samples / batch) }

    /// - Parameter progress: told how many steps are taken, of how many; what it throws ends the training.
    public func train(
        on data: LabeledFeatures, threads: Int, progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
    ) throws -> Parameters {
        let layout = ParameterLayout.linearHead(classes: data.classes, dimension: data.dimension)
        let (head, velocity) = (Parameters(layout: layout), Parameters(layout: layout))
        let total = steps(samples: data.count)
        let sgd = SGD(
            learningRate: learningRate(data), momentum: 0.9, weightDecay: 5e-4, schedule: .cosine, totalSteps: total)
        let mixed = MixedBatch(
            TrainingPool(
                data, shards: TrainingShards(labels: data.labels, classes: data.classes, shards: Self.shards)),
            rule: MixRule(featureRatio: 1...1), seed: seed)
        let lanes = try (0..<min(threads, Self.shards)).map { _ in
            try Lane(
                gradient: Parameters(layout: layout),
                compute: HeadGradient(
                    classes: data.classes, dimension: data.dimension, batch: batch, shards: Self.shards))
        }
        let sum = Parameters(layout: layout)
        for step in 0..<total {
            let pairs = pairs(data, step: StepIndex(step))
            for first in stride(from: 0, to: Self.shards, by: lanes.count) {
                let wave = Array(lanes.prefix(Self.shards - first))
                DispatchQueue.concurrentPerform(iterations: wave.count) { index in
                    wave[index].run(ShardID(first + index), step: StepIndex(step), pairs: pairs, of: mixed, head: head)
                }
                for (index, lane) in wave.enumerated() {
                    try lane.result.get()
                    if first + index == 0 {
                        sum.buffer.pointer.copyMemory(
                            from: lane.gradient.buffer.pointer, byteCount: sum.buffer.byteCount)
                    } else {
                        sum.add(lane.gradient)
                    }
                }
            }
            sgd.apply(step: step, weights: head, velocity: velocity, gradient: sum, into: head)
            try progress(step + 1, total)
        }
        return head
    }

    /// What one thread computes with.
    private final class Lane: @unchecked Sendable {
        let gradient: Parameters
        private let compute: HeadGradient
        private(set) var result: Result<Void, any Error> = .success(())

        init(gradient: Parameters, compute: HeadGradient) {
            self.gradient = gradient
            self.compute = compute
        }

        func run(_ shard: ShardID, step: StepIndex, pairs: [ClassPair], of mixed: MixedBatch, head: Parameters) {
            result = Result {
                let slots = pairs.count / PlainHead.shards
                _ = try compute(
                    shard: shard, step: step, pairs: pairs[shard.rawValue * slots..<(shard.rawValue + 1) * slots],
                    batch: mixed, weights: head, into: gradient)
            }
        }
    }

    /// Classes by their frequency, unmixed.
    private func pairs(_ data: LabeledFeatures, step: StepIndex) -> [ClassPair] {
        let philox = Philox(seed: seed)
        return (0..<batch).map { slot in
            let row = philox.block(.classPair, index: step.rawValue, slot: slot).low.scaled(to: data.count)
            return ClassPair(label: Int(data.labels[row]), partner: Int(data.labels[row]))
        }
    }

    /// Twice the inverse of (frequency of the largest class times mean squared norm): near the most that is stable, as the
    /// curvature of the loss is at most about that product.
    private func learningRate(_ data: LabeledFeatures) -> Double {
        let largest = Double(data.classCounts.max() ?? 1) / Double(data.count)
        let norms = data.features.squaredNorms()
        return 2 * Double(norms.rows) / (largest * max(norms.sum, .leastNormalMagnitude))
    }
}
