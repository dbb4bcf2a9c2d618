import Common
import Foundation
import SelMix
import Training

/// Runs all baselines of a job and gathers what the report compares.
struct BaselineSuite {
    let run: PreparedRun
    /// Where the baselines' own runs go.
    let directory: String
    /// Trains one job on the cluster that SelMix ran on.
    let train: (Job) async throws -> RunReport
    /// Tells which baseline is being computed.
    let announce: (String) -> Void

    /// - Parameter selmix: the report of the run itself, which is the last line of the comparison.
    func callAsFunction(comparedWith selmix: RunReport) async throws -> [BaselineReport] {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        var reports: [BaselineReport] = []
        for baseline in Baseline.allCases {
            if let candidates = baseline.candidates(run) {
                reports.append(try best(of: candidates, for: baseline))
            } else if let job = try baseline.job(run, directory: directory) {
                announce("baseline: \(baseline.title)")
                reports.append(
                    line(try await train(job), name: baseline.rawValue, title: baseline.title, written: false))
            }
        }
        let title = run.job.selmix.policy == .selmix ? "SelMix" : "this run (\(run.job.selmix.policy.rawValue))"
        reports.append(line(selmix, name: run.job.selmix.policy.rawValue, title: title, written: true))
        return reports
    }

    private func best(
        of candidates: [(setting: String?, head: Parameters)], for baseline: Baseline
    ) throws -> BaselineReport {
        var best: (objective: Double, hMean: Double, setting: String?, head: Parameters, metrics: Metrics)?
        for (setting, head) in candidates {
            let counts = try run.evaluate(head, on: run.validation)
            let (value, metrics) = (run.objective.value(ConfusionStatistics(counts)), run.metrics(counts))
            if best.map({ (value, metrics.hMean) > ($0.objective, $0.hMean) }) ?? true {
                best = (value, metrics.hMean, setting, head, metrics)
            }
        }
        guard let best else { preconditionFailure("no candidate of \(baseline)") }
        return BaselineReport(
            name: baseline.rawValue, title: baseline.title, setting: best.setting, objective: best.objective,
            validation: best.metrics, test: try run.test.map { run.metrics(try run.evaluate(best.head, on: $0)) },
            written: false)
    }

    private func line(_ report: RunReport, name: String, title: String, written: Bool) -> BaselineReport {
        BaselineReport(
            name: name, title: title, setting: "round \(report.bestRound)",
            objective: report.history.first { $0.round == report.bestRound }?.objective ?? 0,
            validation: report.after.validation, test: report.after.test, written: written)
    }
}
