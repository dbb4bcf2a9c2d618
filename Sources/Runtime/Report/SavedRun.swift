import Common
import Coordination
import Foundation
import SelMix
import Training

/// A run as its output directory has it: finished, ended before its time, killed, or still at work.
///
/// Matrices are in no file of a run. They are made again from the data and the newest checkpoint, by the validation that
/// came after it, which gives the same bytes as then.
public struct SavedRun {
    /// The output directory.
    public let directory: String
    let info: RunDirectory.Info

    /// - Throws: when the directory holds no run.
    public init(_ directory: String) throws {
        self.directory = directory
        info = try RunLog.info(run: directory)
    }

    /// What report.json says; for a run without one, what its files tell so far.
    public func report() throws -> RunReport {
        if let written = try written() { return written }
        let (run, result) = try replayed()
        return try report(run, result)
    }

    /// report.html, made again.
    public func page() throws -> String {
        let (run, result) = try replayed()
        let report: RunReport
        if let written = try written() {
            guard written.headDigest == result.bestHead.digest.hexadecimal else {
                throw SelMixError(
                    .invalidInput, "the newest checkpoint in \(directory) is not the one that report.json came from",
                    hint: "bring back the `checkpoints` of the run; to compare what runs came to, report.json is enough"
                )
            }
            report = written
        } else {
            report = try self.report(run, result)
        }
        return try ReportPage.render(report, result)
    }

    private func written() throws -> RunReport? {
        let path = directory + "/" + RunDirectory.Name.report
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        do {
            return try decoder.decode(RunReport.self, from: data)
        } catch {
            throw SelMixError(.invalidInput, "\(path) is no report, or one of another version", cause: "\(error)")
        }
    }

    /// The result as of the newest checkpoint and the validation behind it.
    private func replayed() throws -> (PreparedRun, RunResult) {
        let run = try PreparedRun(info.job)
        guard run.configurationDigest.description == info.configurationDigest else {
            throw SelMixError(
                .invalidInput, "the data, the head or the processor are not those that \(directory) was run with",
                hint: "bring back the files that its run.json names")
        }
        let newest = CheckpointStore(path: directory + "/checkpoints").newest(layout: run.layout)
        if newest.found == nil, let refused = newest.refused.first { throw refused.within(directory) }
        let engine = try TrainingEngine(run, resuming: newest.found?.1)
        let round = newest.found?.1.nextRound ?? RoundIndex(0)
        _ = try engine.select(
            round, sums: ValidationSums(computing: run, heads: engine.heads),
            isLast: round.rawValue >= run.job.selmix.rounds)
        return (run, try RunResult(engine))
    }

    private func report(_ run: PreparedRun, _ result: RunResult) throws -> RunReport {
        let log = try RunLog(run: directory)
        let facts = RunReport.Facts(
            outcome: "unfinished", runID: info.runID, started: log.started ?? Date(), seconds: log.seconds,
            workers: log.mostWorkers, samplesPerSecond: log.stepsPerSecond * Double(run.job.batch),
            rejections: RejectionCounts(),
            quarantined: log.quarantined)
        guard let report = try RunReport(run, result, facts) else { preconditionFailure("a validation without counts") }
        return report
    }
}
