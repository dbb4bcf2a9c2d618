import CKernels
import Common
import Foundation
import SelMix
import Training

/// What a practitioner would try before SelMix, each with the same data, the same validation and the same budget of steps.
///
/// Some only change the head that is there; of their settings the one that is best on validation is taken. The others are
/// trained, by a run of their own on the same cluster, and keep their best round on validation as SelMix does.
enum Baseline: String, CaseIterable, Sendable {
    case inputHead = "input-head"
    /// b - tau log pi (Menon et al., arXiv 2007.07314).
    case logitAdjustment = "logit-adjustment"
    /// w_k / |w_k|^tau without bias (Kang et al., arXiv 1910.09217).
    case tauNormalization = "tau-normalization"
    /// A new head, trained on class-balanced samples (cRT of Kang et al.).
    case classifierRetraining = "classifier-retraining"
    case logitAdjustedTraining = "logit-adjusted-training"
    /// Targets that are nearly even over the classes (arXiv 2403.00250).
    case overSmoothing = "over-smoothing"
    case uniformMixup = "uniform-mixup"

    var title: String {
        switch self {
        case .inputHead: "head as brought"
        case .logitAdjustment: "logit adjustment, post hoc"
        case .tauNormalization: "tau-normalisation"
        case .classifierRetraining: "class-balanced retraining (cRT)"
        case .logitAdjustedTraining: "logit-adjusted training"
        case .overSmoothing: "label over-smoothing"
        case .uniformMixup: "uniform mixup"
        }
    }

    // MARK: Heads that only need arithmetic

    /// The heads to choose from, each with its setting; nil for a baseline that is trained.
    func candidates(_ run: PreparedRun) -> [(setting: String?, head: Parameters)]? {
        switch self {
        case .inputHead:
            return [(nil, run.head)]
        case .logitAdjustment:
            let logPriors = LossSettings.logPriors(run.trainCounts)
            return stride(from: 0, through: 3, by: 0.25).map { tau in
                let head = run.head.copy()
                for (k, prior) in logPriors.enumerated() { head["bias"][k] -= Float(tau * prior) }
                return ("tau = \(tau)", head)
            }
        case .tauNormalization:
            return stride(from: 0, through: 2, by: 0.1).map { tau in
                let tau = (tau * 10).rounded() / 10
                let head = run.head.copy()
                head["bias"].update(repeating: 0)
                for k in 0..<run.classes {
                    let row = k * run.dimension..<(k + 1) * run.dimension
                    let squares = row.reduce(0.0) { $0 + Double(head["weight"][$1]) * Double(head["weight"][$1]) }
                    let factor = squares > 0 ? Float(pow(squares, -tau / 2)) : 1
                    for index in row { head["weight"][index] *= factor }
                }
                return ("tau = \(tau)", head)
            }
        case .classifierRetraining, .logitAdjustedTraining, .overSmoothing, .uniformMixup:
            return nil
        }
    }

    // MARK: Heads that are trained

    /// The job of a baseline that is trained, from SelMix's own; nil for one that is not.
    ///
    /// - Parameter directory: where the baseline's run, and a head to start from, are written.
    func job(_ run: PreparedRun, directory: String) throws -> Job? {
        var job = run.job
        job.name = "\(run.job.name), \(title)"
        job.output = directory + "/" + rawValue
        job.baselines = false
        job.data.unlabeled = nil
        job.selmix.convergence = nil
        job.selmix.labelRatio = .one
        job.loss = LossSettings()
        func withoutMixing(_ policy: Policy) {
            job.selmix.policy = policy
            job.selmix.mixRatio = 1...1
        }
        switch self {
        case .inputHead, .logitAdjustment, .tauNormalization:
            return nil
        case .classifierRetraining:
            withoutMixing(.classBalanced)
            let start = directory + "/\(rawValue)-start.safetensors"
            try HeadFile.write(Parameters(layout: run.layout), to: start)
            job.head = try HeadFile.references(start)
            job.optimizer.learningRate = Self.stableRate(run)
        case .logitAdjustedTraining:
            withoutMixing(.instance)
            job.loss = LossSettings(.logitAdjusted)
        case .overSmoothing:
            withoutMixing(.instance)
            job.loss = LossSettings(.overSmoothing)
        case .uniformMixup:
            job.selmix.policy = .uniform
            job.selmix.labelRatio = .named(.same)
        }
        return job
    }

    /// A learning rate at which softmax regression on these features is stable: the inverse of the mean squared norm of
    /// the validation features, over the gain of the momentum. Training from nothing needs a far larger rate than
    /// fine-tuning.
    private static func stableRate(_ run: PreparedRun) -> Double {
        let norms = run.validation.features.squaredNorms()
        return (1 - run.job.optimizer.momentum) * Double(norms.rows) / max(norms.sum, .leastNormalMagnitude)
    }
}
