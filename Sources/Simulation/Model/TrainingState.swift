import Common
import Coordination

/// Everything that the coordinator's numbers consist of: in production the training engine's state.
struct TrainingState: Sendable {
    /// By fold.
    private(set) var heads: [Model.Parameters]
    private var velocities: [Model.Parameters]
    private var multipliers: UInt64 = 0
    private var featureSums: SIMD2<Double>?
    /// Zero before the first.
    private(set) var selection = Digest(rawValue: 0)

    init(_ model: Model) {
        heads = model.heads
        velocities = heads.map { _ in .zero }
    }

    /// Ends a validation.
    ///
    /// - Returns: nil when class feature sums are needed that nobody has sent.
    mutating func select(_ round: RoundIndex, _ sums: ValidationSum, isLast: Bool, _ model: Model) -> Selection? {
        if let received = sums.featureSums { featureSums = received }
        guard let featureSums else { return nil }
        guard !isLast else { return Selection(round: round, digest: Digest(rawValue: 0)) }
        multipliers = Model.hash([multipliers, sums.counts])
        selection = Digest(
            rawValue: Model.hash([
                multipliers, sums.counts, featureSums[0].bitPattern, featureSums[1].bitPattern,
            ]))
        return Selection(round: round, digest: selection, converged: round == model.convergesAt)
    }

    mutating func apply(_ step: StepIndex, _ sum: GradientSum, _ model: Model) -> StepResult {
        let head = model.turns.head(of: step)
        velocities[head] = velocities[head] * 0.9 + sum.gradient
        heads[head] -= velocities[head] * 0.1
        return StepResult(step: step, digest: model.digest(of: heads), loss: sum.loss)
    }
}

/// What a checkpoint holds: the state in which a round began, so that a restart validates and selects once more.
struct RoundStart: Sendable {
    let round: RoundIndex
    let state: TrainingState
}
