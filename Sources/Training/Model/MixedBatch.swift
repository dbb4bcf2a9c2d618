import CKernels
import Common
import SelMix

/// Picks the samples and mix ratios of a shard's slots by counter, and mixes their features.
///
/// Nothing here depends on the worker: slot s of step t always mixes the same two samples at the same ratio.
public struct MixedBatch: Sendable {
    let pool: TrainingPool
    let rule: MixRule
    /// Where the second sample comes from in the semi-supervised setting, as far as it has the class.
    public var unlabeled: UnlabeledPools?
    private let philox: Philox

    public init(_ pool: TrainingPool, rule: MixRule, seed: UInt64) {
        self.pool = pool
        self.rule = rule
        philox = Philox(seed: seed)
    }

    /// One slot's two samples and the first one's shares: features beta x1 + (1 - beta) x2, and the label likewise.
    public struct Slot: Equatable, Sendable {
        public var first: Int
        public var second: Int
        /// Whether `second` is a row of the unlabelled features rather than of the pool.
        public var secondIsUnlabeled = false
        public var featureRatio: Float
        public var labelRatio: Float
    }

    public func slot(_ slot: Int, step: StepIndex, pair: ClassPair, shard: ShardID) -> Slot {
        let samples = philox.block(.samples, index: step.rawValue, slot: slot)
        let ratios = rule.ratios(philox.block(.mixRatio, index: step.rawValue, slot: slot), step: step)
        let unlabeledSecond = unlabeled?.draw(samples.high, of: pair.partner, in: shard)
        return Slot(
            first: pool.shards.draw(samples.low, of: pair.label, in: shard),
            second: unlabeledSecond ?? pool.shards.draw(samples.high, of: pair.partner, in: shard),
            secondIsUnlabeled: unlabeledSecond != nil, featureRatio: ratios.feature,
            labelRatio: ratios.label)
    }

    /// Writes the mixed features of `pairs.count` slots, beginning with `firstSlot`, to `output` [slots, d].
    ///
    /// - Parameters:
    ///   - scratch: room for two rows of features.
    ///   - type: of the output; bfloat16 is rounded once, from the float32 mix.
    /// - Returns: the slots, in order.
    func gather(
        _ pairs: some Collection<ClassPair>, firstSlot: Int, step: StepIndex, shard: ShardID,
        scratch: UnsafeMutablePointer<Float>, into output: UnsafeMutableRawPointer, as type: Precision
    ) -> [Slot] {
        let dimension = pool.dimension
        return pairs.enumerated().map { row, pair in
            let slot = slot(firstSlot + row, step: step, pair: pair, shard: shard)
            let first = pool.floats(row: slot.first, scratch: scratch)
            let second =
                slot.secondIsUnlabeled
                ? unlabeled!.features.floats(row: slot.second, scratch: scratch + dimension)
                : pool.floats(row: slot.second, scratch: scratch + dimension)
            let mixed = output + row * dimension * type.byteCount
            switch type {
            case .float32:
                smx_mix(first, second, slot.featureRatio, mixed.assumingMemoryBound(to: Float.self), dimension)
            case .bfloat16:
                smx_mix_to_bfloat(
                    first, second, slot.featureRatio, mixed.assumingMemoryBound(to: UInt16.self), dimension)
            }
            return slot
        }
    }
}
