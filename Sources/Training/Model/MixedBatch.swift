import CKernels
import Common
import SelMix

/// Picks the samples and mix ratios of a shard's slots by counter, and mixes their features.
///
/// Nothing here depends on the worker: slot s of step t always mixes the same two samples at the same ratio.
public struct MixedBatch: Sendable {
    let data: LabeledFeatures
    let shards: TrainingShards
    /// The range of the mix ratio beta, which is uniform over it.
    let mixRatio: ClosedRange<Double>
    private let philox: Philox

    public init(data: LabeledFeatures, shards: TrainingShards, mixRatio: ClosedRange<Double>, seed: UInt64) {
        self.data = data
        self.shards = shards
        self.mixRatio = mixRatio
        philox = Philox(seed: seed)
    }

    /// One slot's two samples and their ratio: features beta x1 + (1 - beta) x2.
    public struct Slot: Equatable, Sendable {
        public var first: Int
        public var second: Int
        public var ratio: Float
    }

    public func slot(_ slot: Int, step: StepIndex, pair: ClassPair, shard: ShardID) -> Slot {
        let samples = philox.block(.samples, index: step.rawValue, slot: slot)
        let ratio = philox.block(.mixRatio, index: step.rawValue, slot: slot).low.unitInterval
        return Slot(
            first: shards.draw(samples.low, of: pair.label, in: shard),
            second: shards.draw(samples.high, of: pair.partner, in: shard),
            ratio: Float(mixRatio.lowerBound + (mixRatio.upperBound - mixRatio.lowerBound) * ratio))
    }

    /// Writes the mixed features of `pairs.count` slots, beginning with `firstSlot`, to `output` [slots, d].
    ///
    /// - Parameter scratch: room for two rows of features.
    func gather(
        _ pairs: some Collection<ClassPair>, firstSlot: Int, step: StepIndex, shard: ShardID,
        scratch: UnsafeMutablePointer<Float>, into output: UnsafeMutablePointer<Float>
    ) {
        let dimension = data.dimension
        for (row, pair) in pairs.enumerated() {
            let slot = slot(firstSlot + row, step: step, pair: pair, shard: shard)
            data.features.floats(row: slot.first, into: scratch)
            data.features.floats(row: slot.second, into: scratch + dimension)
            smx_mix(scratch, scratch + dimension, slot.ratio, output + row * dimension, dimension)
        }
    }
}
