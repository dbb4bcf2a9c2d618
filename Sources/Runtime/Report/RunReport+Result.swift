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
        let old = try Self.predictions(run.head, run)
        // Judged out of fold on validation; on test it is the mean head that is used.
        let new = (
            validation: try run.outOfFold(result.bestHeads), test: try Self.predictions(result.bestHead, run).test
        )
        func scores(_ said: Predictions, validation: ConfusionCounts) -> Scores {
            Scores(
                validation: run.metrics(validation),
                test: run.test.flatMap { test in
                    said.test.map { run.metrics($0.counts(labels: test.labels, classes: run.classes)) }
                })
        }
        let scored = (before: scores(old, validation: before), after: scores(new, validation: after))
        self.init(
            version: Version.current, runID: facts.runID.description, name: run.job.name,
            objective: run.job.objective.name, policy: run.job.selmix.policy.rawValue, outcome: facts.outcome,
            started: facts.started, seconds: facts.seconds, workers: facts.workers,
            rounds: result.history.count - 1, roundsPlanned: run.job.selmix.rounds,
            stepsPerRound: run.job.selmix.stepsPerRound, bestRound: result.bestRound, classes: run.classes,
            featureDimension: run.dimension, shards: run.job.cluster.shards, batch: run.job.batch,
            precision: run.job.cluster.precision.rawValue, seed: run.job.seed, instructionSet: run.instructionSet,
            configurationDigest: run.configurationDigest.description,
            weightsDigest: result.heads.digest.hexadecimal, headDigest: result.bestHead.digest.hexadecimal,
            samplesPerSecond: facts.samplesPerSecond, trainCounts: run.trainCounts,
            pseudoLabelCounts: result.pseudoLabelCounts, headClasses: run.split.head,
            before: scored.before, after: scored.after, history: result.history,
            rejections: facts.rejections, quarantined: facts.quarantined, warnings: run.warnings)
        classChanges = ClassChanges(
            before: (scored.before.test ?? scored.before.validation).perClassRecall,
            after: (scored.after.test ?? scored.after.validation).perClassRecall)
        objectiveChange = try Self.change(from: old, to: new, run)
        scarceClasses = run.validation.classCounts.indices.filter {
            run.validation.classCounts[$0] < Self.fewestToMeasure
        }
    }

    private typealias Predictions = (validation: RowPredictions, test: RowPredictions?)

    private static func predictions(_ head: Parameters, _ run: PreparedRun) throws -> Predictions {
        let decider = Decider.head(head)
        return (
            try decider.predictions(run.validation.features, run),
            try run.test.map { try decider.predictions($0.features, run) }
        )
    }

    /// What the objective won on each split, with the interval that a bootstrap over rows gives.
    private static func change(
        from old: Predictions, to new: Predictions, _ run: PreparedRun
    ) throws -> BaselineReport.Comparison {
        func interval(_ data: LabeledFeatures, _ new: RowPredictions, _ old: RowPredictions) throws
            -> PairedBootstrap.Interval
        {
            try PairedBootstrap(labels: data.labels, classes: run.classes, seed: run.job.seed)
                .interval(new, over: old, of: run.objective.form, loop: .threads(BlockLoop.cores))
        }
        return BaselineReport.Comparison(
            validation: try interval(run.validation, new.validation, old.validation),
            test: try run.test.map { try interval($0, new.test!, old.test!) })
    }
}
