import Common
import SelMix
import Training

/// What a step on one class pair really does: mixes training samples as training does, takes the gradient, moves the head a
/// little along it, and looks at the objective's smooth function on the soft confusion matrix.
///
/// The result is the change per unit of learning rate, (psi(W - eta g) - psi(W + eta g)) / (2 eta), which is what the gain
/// estimates. The step is plain SGD. Its eta is chosen for each pair so that no logit of a validation row moves by more
/// than ``largestMove``: the difference is then off from the derivative by some 10^-4 of it, and logits still move
/// thousands of times more than float32 rounds them by. Holds scratch memory: one a thread.
final class StepMeasurement {
    /// What all measurements share.
    struct Setting: Sendable {
        let head: Parameters
        let batch: MixedBatch
        let loss: LossTerms
        let rows: SoftConfusion.Rows
        let objective: any Objective
        /// Of the round, [K] or empty; they stay fixed while the head moves.
        let multipliers: [Double]
    }

    /// Mixed samples of a step.
    static let slots = 64
    private static let largestMove = 0.1
    /// Keeps a vanishing gradient, whose effect is 0, away from float32's limits.
    private static let largestRate = 1e6

    private let setting: Setting
    private let compute: HeadGradient
    private let confusion: SoftConfusion
    private let gradient: Parameters
    private let velocity: Parameters
    private let moved: Parameters

    init(_ setting: Setting) throws {
        self.setting = setting
        let layout = setting.head.layout
        compute = try HeadGradient(
            classes: setting.rows.classes, dimension: setting.rows.dimension, batch: Self.slots, shards: 1,
            loss: setting.loss)
        confusion = try SoftConfusion(setting.rows)
        (gradient, velocity, moved) = (
            Parameters(layout: layout), Parameters(layout: layout), Parameters(layout: layout)
        )
    }

    /// The change of the objective per unit of learning rate.
    ///
    /// - Parameter number: of the measurement; each draws samples and mix ratios of its own.
    func callAsFunction(_ pair: ClassPair, number: Int) throws -> Double {
        _ = try compute(
            shard: ShardID(0), step: StepIndex(number), pairs: [ClassPair](repeating: pair, count: Self.slots),
            batch: setting.batch, weights: setting.head, into: gradient)
        let rate = min(Self.largestRate, Self.largestMove / max(largestLogitChange, .leastNormalMagnitude))
        return try (objective(afterStepOf: rate) - objective(afterStepOf: -rate)) / (2 * rate)
    }

    private func objective(afterStepOf rate: Double) throws -> Double {
        velocity.buffer.floats().update(repeating: 0)
        SGD(learningRate: rate, momentum: 0, weightDecay: 0, schedule: .constant, totalSteps: 1)
            .apply(step: 0, weights: setting.head, velocity: velocity, gradient: gradient, into: moved)
        let statistics = ConfusionStatistics(
            softCounts: try confusion.counts(moved), classes: setting.rows.classes)
        return setting.objective.lagrangian(statistics, multipliers: setting.multipliers)
    }

    /// A bound on how much the gradient changes a logit of any row: the longest row of the gradient times the longest row
    /// of features, and the bias.
    private var largestLogitChange: Double {
        let (weight, bias, dimension) = (gradient["weight"], gradient["bias"], setting.rows.dimension)
        return bias.indices.reduce(0.0) { largest, k in
            let squares = weight[k * dimension..<(k + 1) * dimension].reduce(0.0) { $0 + Double($1) * Double($1) }
            return max(largest, squares.squareRoot() * setting.rows.largestNorm + abs(Double(bias[k])))
        }
    }
}
