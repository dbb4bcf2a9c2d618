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
        rejections: RejectionCounts
    ) throws -> RunReport? {
        let facts = RunReport.Facts(
            outcome: result.converged ? "converged" : outcome.name, runID: runID, started: started,
            seconds: Date().timeIntervalSince(started), workers: progress.mostWorkers,
            samplesPerSecond: progress.samplesPerSecond(at: SystemClock.now), rejections: rejections,
            quarantined: progress.quarantined)
        guard let report = try RunReport(run, result, facts) else { return nil }
        try HeadFile.write(
            result.bestHead, objective: run.job.objective.name,
            trainedOn: run.folds.folds > 1 ? run.validation : nil, to: directory.file(RunDirectory.Name.head))
        if run.folds.folds > 1 {
            try FoldsFile(heads: result.bestHeads, plan: run.folds, validation: run.validation)
                .write(to: directory.file(RunDirectory.Name.folds))
        }
        try write(report, result)
        return report
    }

    /// The report as data and as a page.
    func write(_ report: RunReport, _ result: RunResult) throws {
        try directory.write(JSONEncoder.report.encode(report) + [UInt8(ascii: "\n")], to: RunDirectory.Name.report)
        try directory.write(ReportPage.render(report, result).utf8, to: RunDirectory.Name.page)
    }
}
