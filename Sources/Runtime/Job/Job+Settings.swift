import SelMix
import Training

// The settings of a job, one type for each mapping of the job file; the initial values are the defaults.

/// How class pairs are chosen and mixed, and for how long.
public struct SelMixSettings: Sendable, Codable, Equatable {
    public var policy = Policy.selmix
    /// F: heads that are trained in turns, each judged by the validation rows that it has not trained on (``FoldPlan``). With
    /// 1, the published method, no validation row is trained on.
    public var folds = 4
    /// Where training starts.
    public var start = StartSettings.adjusted
    public var temperature = TemperatureSettings.relative(4)
    /// The range of beta, the first sample's share of a mixed feature; drawn uniformly, within 0...1.
    public var mixRatio = 0.6...1.0
    public var formula = GainFormula.paper
    public var rounds = 60
    public var stepsPerRound = 100
    /// What a diagonal confusion count of 0 is taken as, for the objective's gradient only.
    public var diagonalSmoothing = 0.5
    /// The part of the distribution's mass that is spread evenly over all pairs.
    public var floor = PairDistribution.defaultFloor
    /// The first sample's share in the label.
    public var labelRatio = LabelRatioSettings.named(.one)
    /// The fraction of the run after which samples are no longer mixed.
    public var mixUntil = 1.0
    /// Which round's head a run leaves.
    public enum Keep: String, Sendable, Codable, CaseIterable {
        /// The one that is best on validation.
        case best
        /// That after the last step, whatever validation says.
        case last
    }

    public var keep = Keep.best
    /// Whether 1/K^3 is added to every entry of the distribution before it is normalised, as the authors' sampler does: at
    /// 10 classes one draw in eleven is then uniform.
    public var samplerFloor = false
    /// By which classes unlabelled samples are drawn.
    public enum PseudoLabels: String, Sendable, Codable, CaseIterable {
        /// Those that the round's head predicts.
        case predicted
        /// Those of `data.unlabeled.labels`, which the authors' code used.
        case given
    }

    public var pseudoLabels = PseudoLabels.predicted
    /// When to stop before the last round; nil: never.
    public var convergence: ConvergenceSettings?

    public init() {}

    /// How two samples become one in this run.
    public var mixRule: MixRule {
        MixRule(
            featureRatio: mixRatio, labelRatio: labelRatio.ratio,
            endStep: mixUntil < 1 ? Int((mixUntil * Double(steps)).rounded()) : .max)
    }

    /// The mean of beta, at which the gain is computed.
    public var mixRatioMean: Double { (mixRatio.lowerBound + mixRatio.upperBound) / 2 }
    /// T: optimiser steps of the whole run.
    public var steps: Int { rounds * stepsPerRound }
}

/// A run stops when the largest gain is within `tolerance` of its mean over the last rounds.
public struct ConvergenceSettings: Sendable, Codable, Equatable {
    public var rounds = 10
    /// As a fraction of the mean.
    public var tolerance = 0.05

    public init(rounds: Int = 10, tolerance: Double = 0.05) {
        (self.rounds, self.tolerance) = (rounds, tolerance)
    }
}

/// Stochastic gradient descent with momentum.
public struct OptimizerSettings: Sendable, Codable, Equatable {
    public var learningRate = LearningRate.auto
    public var momentum = 0.9
    /// On the weights; never on the bias.
    public var weightDecay = 5e-4
    public var schedule = SGD.Schedule.cosine

    public init() {}
}

/// What a run does with a worker that is far slower than the others before it has done anything.
public enum SlowWorkers: String, Sendable, Codable, CaseIterable {
    /// It is named, and takes part.
    case warn
    case refuse
}

/// How a run is spread over machines, and when it gives up on them.
public struct ClusterSettings: Sendable, Codable, Equatable {
    /// V: logical shards; part of the result, unlike the number of workers.
    public var shards = 8
    /// What gradients are computed in and travel as.
    public var precision = Precision.float32
    /// The fraction of contributions that a second worker computes too, so that one who computes wrongly is found out.
    public var audit = 0.0
    /// Who sums the gradients of a step.
    public enum Reduction: String, Sendable, Codable, CaseIterable {
        /// The coordinator, to which every worker sends all that it computes.
        case coordinator
        /// The workers, each some pieces for all; what passes through the coordinator does not grow with their number. They
        /// must be able to reach each other.
        case workers
    }

    public var reduction = Reduction.coordinator
    /// Seconds of silence after which a worker counts as dead; every other time-out of the protocol follows from it.
    public var failureTimeout = 2.0
    /// Workers that must be ready before a run starts.
    public var minWorkers = 1
    /// Seconds to wait for ``minWorkers`` before giving up.
    public var workerWait = 60.0
    /// Seconds that a worker waits for a coordinator that went away.
    public var orphanTimeout = 60.0
    /// What becomes of a worker whose self-test is far below that of the others.
    public var slowWorkers = SlowWorkers.warn
    /// What a worker does about files that it does not have.
    public enum Staging: String, Sendable, Codable, CaseIterable {
        /// Reads its own where they are what the coordinator has, and fetches the others.
        case missing
        /// Fetches all of them into its cache, and reads none where they lie.
        case always
        /// Reads its own; a missing one is an error.
        case never
    }

    public var staging = Staging.missing
    /// The processor instructions of every product, by their oneDNN name; nil: the best that the coordinator has.
    public var instructionSet: String?

    public init() {}
}

/// What is kept for resuming.
public struct CheckpointSettings: Sendable, Codable, Equatable {
    /// How many checkpoints stay on disk, the newest ones.
    public var keep = 3

    public init() {}
}

/// How closely the event log follows a run, for comparing two of them.
public enum Trace: String, Sendable, Codable, CaseIterable {
    /// The digest of the weights after each step.
    case steps
    /// Also the digest of each tensor, and of each logical shard's gradient. Every shard then travels by itself, which
    /// costs bandwidth and changes no byte of the result.
    case shards
}
