import Common
import Foundation
import SelMix
import Training

/// Runs all baselines of a job and gathers what the report compares.
struct BaselineSuite {
    let run: PreparedRun
    /// Where the baselines' heads and runs go, each in a folder of its name.
    let directory: String
    /// Outcomes that other runs of a sweep have left.
    let cache: BaselineCache
    /// Trains one job on the cluster that SelMix ran on.
    let train: (Job) async throws -> RunReport
    /// Reports which baseline is being computed.
    let announce: (String) -> Void

    private var loop: BlockLoop { .threads(BlockLoop.cores) }

    /// - Parameter selmix: the report of the run itself, which is the last line of the comparison.
    func callAsFunction(comparedWith selmix: RunReport) async throws -> [BaselineReport] {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let postHoc = try PostHocBaselines(run, loop: loop)
        let own = try predictions(of: run.job.output)
        var reports: [BaselineReport] = []
        for baseline in Baseline.allCases where baseline.applies(to: run.objective, classes: run.classes) {
            let (outcome, isNew) = try await cache.outcome(baseline, run) {
                announce("baseline: \(baseline.title)")
                return switch baseline.source {
                case .coordinator: try postHoc.outcome(baseline)
                case .cluster: try await trained(baseline)
                }
            }
            if baseline.source == .coordinator || !isNew {
                try outcome.decider.write(to: directory + "/" + baseline.rawValue)
            }
            reports.append(try line(outcome, comparedWith: own))
        }
        let title = run.job.selmix.policy == .selmix ? "SelMix" : "this run (\(run.job.selmix.policy.rawValue))"
        reports.append(
            BaselineReport(
                name: run.job.selmix.policy.rawValue, title: title, setting: "round \(selmix.bestRound)",
                objective: value(own.validation, run.validation),
                objectiveOnTest: own.test.map { value($0, run.test!) },
                validation: selmix.after.validation, test: selmix.after.test, written: true, source: "cluster"))
        return reports
    }

    private typealias Predictions = (validation: RowPredictions, test: RowPredictions?, head: Parameters)

    /// What the head that a run wrote says; of validation rows, what the head says that they are held out from.
    private func predictions(of output: String) throws -> Predictions {
        let path = output + "/" + RunDirectory.Name.head
        let head = try PreparedRun.head(
            HeadFile.references(path), catalog: TensorCatalog())
        let decider = Decider.head(head)
        let heads =
            run.folds.folds == 1
            ? [head] : try FoldsFile(output + "/" + RunDirectory.Name.folds).heads
        return (
            try run.outOfFold(heads),
            try run.test.map { try decider.predictions($0.features, run) }, head
        )
    }

    private func trained(_ baseline: Baseline) async throws -> BaselineOutcome {
        guard let job = try baseline.job(run, directory: directory) else {
            preconditionFailure("\(baseline) is not trained")
        }
        let report = try await train(job)
        let made = try predictions(of: job.output)
        return BaselineOutcome(
            baseline: baseline, setting: "round \(report.bestRound)", validation: made.validation, test: made.test,
            decider: .head(made.head))
    }

    private func value(_ predictions: RowPredictions, _ data: LabeledFeatures) -> Double {
        run.objective.value(ConfusionStatistics(predictions.counts(labels: data.labels, classes: run.classes)))
    }

    private func line(_ outcome: BaselineOutcome, comparedWith own: Predictions) throws -> BaselineReport {
        func metrics(_ said: RowPredictions, _ data: LabeledFeatures) -> Metrics {
            run.metrics(said.counts(labels: data.labels, classes: run.classes))
        }
        func interval(_ other: RowPredictions, _ ours: RowPredictions, _ data: LabeledFeatures) throws
            -> PairedBootstrap.Interval
        {
            try PairedBootstrap(labels: data.labels, classes: run.classes, seed: run.job.seed)
                .interval(ours, over: other, of: run.objective.form, loop: loop)
        }
        let test = run.test.flatMap { data in outcome.test.map { (said: $0, data: data) } }
        return BaselineReport(
            name: outcome.baseline.rawValue, title: outcome.baseline.title, setting: outcome.setting,
            objective: value(outcome.validation, run.validation),
            objectiveOnTest: test.map { value($0.said, $0.data) },
            validation: metrics(outcome.validation, run.validation),
            test: test.map { metrics($0.said, $0.data) }, written: false,
            source: outcome.baseline.source == .cluster ? "cluster" : "coordinator",
            selmixLess: .init(
                validation: try interval(outcome.validation, own.validation, run.validation),
                test: try test.map { try interval($0.said, own.test!, $0.data) }))
    }
}
