import SelMix
import Synchronization

/// What baselines came to that do not depend on the objective, so that a sweep over objectives computes them once.
public final class BaselineCache: Sendable {
    private let outcomes = Mutex([String: BaselineOutcome]())

    public init() {}

    func outcome(
        _ baseline: Baseline, _ run: PreparedRun, compute: () async throws -> BaselineOutcome
    ) async throws -> (outcome: BaselineOutcome, isNew: Bool) {
        guard !baseline.dependsOnObjective else { return (try await compute(), true) }
        let key = baseline.rawValue + run.job.keyWithoutObjective
        if let found = outcomes.withLock({ $0[key] }) { return (found, false) }
        let made = try await compute()
        outcomes.withLock { $0[key] = made }
        return (made, true)
    }
}

extension Baseline {
    /// Whether the objective has a say in what it comes to, by what is trained or by what is chosen.
    var dependsOnObjective: Bool {
        switch self {
        case .inputHead, .weightScaling, .geometricMeanLoss, .classifierRetraining, .logitAdjustedTraining,
            .overSmoothing, .uniformMixup:
            false
        case .logitAdjustment, .tauNormalization, .biasAscent, .frankWolfe, .minimax, .lastLayerRetraining,
            .classBalanced, .resampling:
            true
        }
    }
}

extension Job {
    /// All that decides the result but the objective, and where the data are.
    fileprivate var keyWithoutObjective: String {
        let settings = configurationKeys.filter { !$0.key.hasPrefix("objective.") }.map { "\($0.key)=\($0.value)" }
        let files = [data.train, data.validation, data.test].map { "\($0?.features ?? "")\n\($0?.labels ?? "")" }
        return (settings + files + [head.weight, head.bias ?? ""]).joined(separator: "\n")
    }
}
