import Common
import Coordination
import Foundation
import SelMix
import Training

/// Writes what a run leaves: the best head, report.json and report.html.
struct RunOutput {
    let directory: RunDirectory
    let run: PreparedRun

    /// - Returns: the report; nil when the run ended before its first validation, so that there is nothing to report.
    func write(
        _ result: RunResult, outcome: Outcome, runID: RunID, started: Date, progress: RunProgress,
        rejectedMessages: Int
    ) throws -> RunReport? {
        guard let before = result.countsBefore, let after = result.countsAfter else { return nil }
        try HeadFile.write(
            result.bestHead, objective: run.job.objective.name, to: directory.file(RunDirectory.Name.head))
        let report = RunReport(
            version: Version.current, runID: runID.description, name: run.job.name,
            objective: run.job.objective.name, policy: run.job.selmix.policy.rawValue,
            outcome: result.converged ? "converged" : outcome.name,
            started: started, seconds: Date().timeIntervalSince(started), workers: progress.mostWorkers,
            rounds: result.history.count - 1, roundsPlanned: run.job.selmix.rounds,
            stepsPerRound: run.job.selmix.stepsPerRound, bestRound: result.bestRound, classes: run.classes,
            featureDimension: run.dimension, shards: run.job.cluster.shards, batch: run.job.batch,
            precision: run.job.cluster.precision.rawValue, seed: run.job.seed, instructionSet: run.instructionSet,
            configurationDigest: run.configurationDigest.description,
            weightsDigest: result.weights.digest.hexadecimal, headDigest: result.bestHead.digest.hexadecimal,
            samplesPerSecond: progress.samplesPerSecond(at: SystemClock.now), trainCounts: run.trainCounts,
            pseudoLabelCounts: result.pseudoLabelCounts,
            headClasses: run.split.head, before: try scores(run.head, validation: before),
            after: try scores(result.bestHead, validation: after), history: result.history,
            rejectedMessages: rejectedMessages)
        try write(report, result)
        return report
    }

    /// The report as data and as a page.
    func write(_ report: RunReport, _ result: RunResult) throws {
        try directory.write(JSONEncoder.report.encode(report) + [UInt8(ascii: "\n")], to: RunDirectory.Name.report)
        try directory.write(ReportPage.render(report, result).utf8, to: RunDirectory.Name.page)
    }

    private func scores(_ head: Parameters, validation: ConfusionCounts) throws -> RunReport.Scores {
        RunReport.Scores(
            validation: run.metrics(validation),
            test: try run.test.map { run.metrics(try run.evaluate(head, on: $0)) })
    }
}
