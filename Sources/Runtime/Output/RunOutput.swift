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
        _ result: RunResult, outcome: Outcome, runID: RunID, started: Date, progress: RunProgress
    ) throws -> RunReport? {
        guard let before = result.countsBefore, let after = result.countsAfter else { return nil }
        try writeHead(result.bestHead)
        let report = RunReport(
            version: Version.current, runID: runID.description, name: run.job.name,
            objective: run.job.objective.name, policy: run.job.selmix.policy.rawValue, outcome: outcome.name,
            started: started, seconds: Date().timeIntervalSince(started), workers: progress.mostWorkers,
            rounds: result.history.count - 1, roundsPlanned: run.job.selmix.rounds,
            stepsPerRound: run.job.selmix.stepsPerRound, bestRound: result.bestRound, classes: run.classes,
            featureDimension: run.dimension, shards: run.job.cluster.shards, batch: run.job.batch,
            precision: run.job.cluster.precision.rawValue, seed: run.job.seed, instructionSet: run.instructionSet,
            configurationDigest: run.configurationDigest.description,
            weightsDigest: result.weights.digest.hexadecimal, headDigest: result.bestHead.digest.hexadecimal,
            samplesPerSecond: progress.samplesPerSecond(at: SystemClock.now), trainCounts: run.trainCounts,
            headClasses: run.split.head, before: try scores(run.head, validation: before),
            after: try scores(result.bestHead, validation: after), history: result.history)
        try directory.write(JSONEncoder.report.encode(report) + [UInt8(ascii: "\n")], to: RunDirectory.Name.report)
        try directory.write(ReportPage.render(report, result).utf8, to: RunDirectory.Name.page)
        return report
    }

    private func writeHead(_ head: Parameters) throws {
        try SafetensorsWriter.write(
            head.layout.entries.map {
                TensorContent(
                    name: $0.name, dataType: .float32, shape: $0.shape,
                    bytes: UnsafeRawBufferPointer(head.values(of: $0)))
            },
            metadata: ["format": "pt", "selmix": Version.current, "objective": run.job.objective.name],
            to: directory.file(RunDirectory.Name.head))
    }

    private func scores(_ head: Parameters, validation: ConfusionCounts) throws -> RunReport.Scores {
        RunReport.Scores(
            validation: Metrics(validation, split: run.split),
            test: try run.test.map { Metrics(try run.evaluate(head, on: $0), split: run.split) })
    }
}
