import Common
import Coordination
import Foundation
import SelMix
import Training

extension RunReport {
    /// What a report says besides the result itself.
    struct Facts {
        var outcome: String
        var runID: RunID
        var started: Date
        var seconds: Double
        /// The most that were ready at one time.
        var workers: Int
        var samplesPerSecond: Double
        var rejections: RejectionCounts
        var quarantined: [QuarantinedWorker]
    }

    /// Nil for a run that ended before its first validation, so that there is nothing to report.
    init?(_ run: PreparedRun, _ result: RunResult, _ facts: Facts) throws {
        guard let before = result.countsBefore, let after = result.countsAfter else { return nil }
        func scores(_ head: Parameters, validation: ConfusionCounts) throws -> Scores {
            Scores(
                validation: run.metrics(validation),
                test: try run.test.map { run.metrics(try run.evaluate(head, on: $0)) })
        }
        self.init(
            version: Version.current, runID: facts.runID.description, name: run.job.name,
            objective: run.job.objective.name, policy: run.job.selmix.policy.rawValue, outcome: facts.outcome,
            started: facts.started, seconds: facts.seconds, workers: facts.workers,
            rounds: result.history.count - 1, roundsPlanned: run.job.selmix.rounds,
            stepsPerRound: run.job.selmix.stepsPerRound, bestRound: result.bestRound, classes: run.classes,
            featureDimension: run.dimension, shards: run.job.cluster.shards, batch: run.job.batch,
            precision: run.job.cluster.precision.rawValue, seed: run.job.seed, instructionSet: run.instructionSet,
            configurationDigest: run.configurationDigest.description,
            weightsDigest: result.weights.digest.hexadecimal, headDigest: result.bestHead.digest.hexadecimal,
            samplesPerSecond: facts.samplesPerSecond, trainCounts: run.trainCounts,
            pseudoLabelCounts: result.pseudoLabelCounts, headClasses: run.split.head,
            before: try scores(run.head, validation: before),
            after: try scores(result.bestHead, validation: after), history: result.history,
            rejections: facts.rejections, quarantined: facts.quarantined, warnings: run.warnings)
    }
}
