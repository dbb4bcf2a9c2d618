import SelMix
import Training

extension Baseline {
    /// The job of a baseline that the cluster trains, from SelMix's own; nil for one that it does not.
    ///
    /// Class-balanced draws and resampling are this run with another way to draw. The others train as their papers do: to
    /// their end, from the head as brought or from nothing, at a rate that suits the features, and what they come to is
    /// the head of their last round. So they do not depend on the objective.
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
        func toItsEnd() {
            job.selmix.keep = .last
            job.optimizer.learningRate = .fixed(Self.rate(run))
        }
        switch self {
        case .inputHead, .logitAdjustment, .tauNormalization, .weightScaling, .biasAscent, .frankWolfe, .minimax,
            .lastLayerRetraining, .geometricMeanLoss:
            return nil
        case .classBalanced: withoutMixing(.classBalanced)
        case .resampling: withoutMixing(.resampling)
        case .classifierRetraining:
            withoutMixing(.classBalanced)
            toItsEnd()
            let start = directory + "/\(rawValue)-start.safetensors"
            try HeadFile.write(Parameters(layout: run.layout), to: start)
            job.head = try HeadFile.references(start)
        case .logitAdjustedTraining:
            withoutMixing(.instance)
            toItsEnd()
            job.loss = LossSettings(.logitAdjusted)
        case .overSmoothing:
            withoutMixing(.instance)
            toItsEnd()
            job.loss = LossSettings(.overSmoothing)
        case .uniformMixup:
            job.selmix.policy = .uniform
            toItsEnd()
            job.selmix.labelRatio = .named(.same)
        }
        return job
    }

    /// A learning rate that does not depend on the features' scale: the inverse of their mean squared length. With a
    /// momentum of .9 that is a tenth of where softmax regression on them becomes unstable.
    private static func rate(_ run: PreparedRun) -> Double {
        let norms = run.validation.features.squaredNorms()
        return Double(norms.rows) / max(norms.sum, .leastNormalMagnitude)
    }
}
