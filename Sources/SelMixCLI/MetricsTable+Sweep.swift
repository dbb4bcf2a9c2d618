import Foundation
import Runtime

extension MetricsTable {
    /// The runs of a sweep, a line each: the varied settings, the objective on validation, and metrics on test where there
    /// is one. `>` marks the best on validation.
    static func text(_ sweep: SweepReport) -> String {
        let onTest = sweep.runs.allSatisfy { $0.validation == nil || $0.test != nil }
        let metrics = rows.filter { $0.title != "head recall" && $0.title != "tail recall" }
        let compares = sweep.runs.contains { $0.bestBaseline != nil }
        let titles =
            [""] + sweep.keys + ["validation", "best round"] + metrics.map(\.title)
            + (compares ? ["best of the others", "this run less that, on \(onTest ? "test" : "validation")"] : [])
        let cells = sweep.runs.map { run -> [String] in
            let scores = onTest ? run.test : run.validation
            return [run.best ? ">" : run.isFinished ? "" : "!"] + sweep.keys.map { run.settings[$0] ?? "" }
                + [run.value.map(figure) ?? "-", run.bestRound.map(String.init) ?? "-"]
                + metrics.map { metric in scores.map { figure(metric.value($0)) } ?? "-" }
                + (compares ? comparison(run.bestBaseline, onTest: onTest) : [])
        }
        let widths = titles.indices.map { column in ([titles] + cells).map { $0[column].count }.max() ?? 0 }
        let lines = ([titles] + cells).map { line in
            zip(line, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }.joined(separator: "  ")
                .replacing(/\s+$/, with: "")
        }
        let objectives = Set(sweep.runs.map(\.objective)).count
        let notes = [
            "validation: the objective's value; the other metrics are those on \(onTest ? "test" : "validation")",
            "> best on validation" + (objectives > 1 ? " of the runs with its objective" : ""),
        ]
        let unfinished = sweep.runs.filter { !$0.isFinished }.map { "! \($0.outcome)" }
        return (lines + [""] + notes + unfinished).joined(separator: "\n")
    }

    private static func comparison(_ verdict: BaselineVerdict?, onTest: Bool) -> [String] {
        guard let verdict else { return ["-", "-"] }
        let interval = onTest ? verdict.selmixLess.test : verdict.selmixLess.validation
        return [verdict.title, interval?.description ?? "-"]
    }

    private static func figure(_ value: Double) -> String { String(format: "%.4f", value) }
}
