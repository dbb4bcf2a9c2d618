import Common
import Coordination

/// A training so cheap that thousands of runs can be simulated, and as strict as the real one: what each logical shard
/// contributes follows from step, shard, plan and weights alone, and sums in another order, stale weights, another
/// selection or a shard counted twice show in the bits of the result.
struct Model: Sendable, Equatable {
    let seed: UInt64
    /// V.
    let shards: Int
    let rounds: Int
    let stepsPerRound: Int
    /// How many heads are trained in turns.
    let folds: Int
    /// Pieces of a gradient that workers sum among themselves; 0 where the coordinator sums.
    let pieces: Int
    /// The round whose selection says that the gains have settled; nil for a run that goes its whole way.
    let convergesAt: RoundIndex?

    typealias Parameters = SIMD4<Float>

    var turns: FoldTurns { FoldTurns(heads: folds) }

    /// The heads that training starts from, by fold.
    var heads: [Parameters] {
        (0..<folds).map { fold in
            var values = Parameters.zero
            for lane in 0..<4 { values[lane] = Self.spread(Self.hash([seed, 1, UInt64(lane), UInt64(fold)])) }
            return values
        }
    }

    /// The plan of one shard for one step: in production the class pairs of its slots.
    func plan(selection: Digest, step: StepIndex, shard: ShardID) -> UInt64 {
        Self.hash([selection.rawValue, UInt64(step.rawValue), UInt64(shard.rawValue)])
    }

    func gradient(step: StepIndex, shard: ShardID, plan: UInt64, weights: Parameters) -> GradientSum {
        let noise = Self.hash([seed, 2, UInt64(step.rawValue), UInt64(shard.rawValue), plan])
        var gradient = Parameters.zero
        for lane in 0..<4 { gradient[lane] = Self.spread(Dice.mixed(noise &+ UInt64(lane))) + weights[lane] * 0.25 }
        return GradientSum(gradient: gradient, loss: Double(Self.spread(noise)) / 3)
    }

    /// Counts depend on the weights; the feature sums, as features are frozen, only on the shard.
    func validation(shard: ShardID, heads: [Parameters], withFeatureSums: Bool) -> ValidationSum {
        var sums = SIMD2<Double>.zero
        for lane in 0..<2 {
            sums[lane] = Double(Self.spread(Self.hash([seed, 3, UInt64(shard.rawValue), UInt64(lane)]))) / 3
        }
        return ValidationSum(
            counts: Self.hash([seed, 4, UInt64(shard.rawValue), digest(of: heads).rawValue]) >> 16,
            featureSums: withFeatureSums ? sums : nil)
    }

    func digest(of heads: [Parameters]) -> Digest {
        Digest(rawValue: Self.hash(heads.flatMap { head in (0..<4).map { UInt64(head[$0].bitPattern) } }))
    }

    static func hash(_ words: [UInt64]) -> UInt64 {
        var state: UInt64 = 0x5E1A_11CE
        for word in words { state = Dice.mixed(state ^ word) }
        return state
    }

    /// A number whose size spans many powers of two, so that the order of a sum shows in its bits.
    private static func spread(_ bits: UInt64) -> Float {
        let fraction = Float(bits >> 40) * 0x1p-24 - 0.5
        return fraction * Float(UInt32(1) << UInt32(bits & 15))
    }
}

/// What a worker sums while training.
struct GradientSum: Sendable, Equatable {
    var gradient: Model.Parameters
    var loss: Double

    static func + (a: GradientSum, b: GradientSum) -> GradientSum {
        GradientSum(gradient: a.gradient + b.gradient, loss: a.loss + b.loss)
    }
}

/// What a worker sums while validating.
struct ValidationSum: Sendable, Equatable {
    var counts: UInt64
    var featureSums: SIMD2<Double>?

    static func + (a: ValidationSum, b: ValidationSum) -> ValidationSum {
        var sum = ValidationSum(counts: a.counts &+ b.counts, featureSums: nil)
        if let left = a.featureSums, let right = b.featureSums { sum.featureSums = left + right }
        return sum
    }
}
