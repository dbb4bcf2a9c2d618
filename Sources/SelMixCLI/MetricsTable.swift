import Foundation
import Runtime
import SelMix

/// Metrics as a table for people.
enum MetricsTable {
    static let rows: [(title: String, objective: String?, value: @Sendable (Metrics) -> Double)] = [
        ("accuracy", nil, { $0.accuracy }),
        ("mean recall", "mean-recall", { $0.meanRecall }),
        ("min recall", "min-recall", { $0.minRecall }),
        ("g-mean", "g-mean", { $0.gMean }),
        ("h-mean", "h-mean", { $0.hMean }),
        ("head recall", nil, { $0.headRecall }),
        ("tail recall", nil, { $0.tailRecall }),
        ("min coverage", nil, { $0.minCoverage }),
    ]

    /// Before and after, on each split; the objective's own row is marked.
    static func text(_ report: RunReport, marking objective: String) -> String {
        let hasTest = report.before.test != nil && report.after.test != nil
        var lines = ["                     validation" + (hasTest ? "                     test" : "")]
        lines.append(
            "                before   after  change" + (hasTest ? "      before   after  change" : ""))
        for row in rows {
            let mark = row.objective == objective ? "*" : " "
            var line = "\(mark) \(row.title)".padding(toLength: 16, withPad: " ", startingAt: 0)
            line += cells(row.value(report.before.validation), row.value(report.after.validation))
            if let before = report.before.test, let after = report.after.test {
                line += "      " + cells(row.value(before), row.value(after))
            }
            lines.append(line)
        }
        return lines.joined(separator: "\n")
    }

    /// What else was tried, a line a method: the objective on validation rows that were not tuned on, then metrics on test
    /// where there is one. `>` marks the head that was written, `!` a method that this run is behind beyond chance.
    static func text(_ baselines: [BaselineReport], marking objective: String) -> String {
        let onTest = baselines.allSatisfy { $0.test != nil }
        let columns = rows.filter { $0.title != "head recall" && $0.title != "tail recall" }
        let widest = baselines.map { name(of: $0).count }.max() ?? 0
        let title =
            "".padding(toLength: widest + 4, withPad: " ", startingAt: 0) + "validation   "
            + columns.map { ($0.objective == objective ? "*" : " ") + $0.title }.joined(separator: " ")
        let lines = baselines.map { line in
            let behind = [line.selmixLess?.validation, line.selmixLess?.test].contains { ($0?.high ?? 0) < 0 }
            let metrics = onTest ? line.test! : line.validation
            return (line.written ? "> " : behind ? "! " : "  ")
                + name(of: line).padding(toLength: widest + 2, withPad: " ", startingAt: 0)
                + String(format: "%.4f     ", line.objective)
                + columns.map { column in
                    String(format: "%.4f", column.value(metrics))
                        .padding(toLength: column.title.count + 1, withPad: " ", startingAt: 0)
                }.joined(separator: " ")
        }
        let note =
            "validation: \(objective) of rows that were not tuned on; the other columns are of the "
            + "\(onTest ? "test" : "validation") split"
        return ([title] + lines + ["", note]).joined(separator: "\n")
    }

    private static func name(of line: BaselineReport) -> String {
        line.title + (line.setting.map { " (\($0))" } ?? "")
    }

    /// Metrics of one head.
    static func text(_ splits: [(name: String, metrics: Metrics)]) -> String {
        let title =
            String(repeating: " ", count: 14)
            + splits.map { $0.name.padding(toLength: 12, withPad: " ", startingAt: 0) }.joined()
        return
            ([title]
            + rows.map { row in
                row.title.padding(toLength: 14, withPad: " ", startingAt: 0)
                    + splits.map { String(format: "%.4f      ", row.value($0.metrics)) }.joined()
            }).joined(separator: "\n")
    }

    private static func cells(_ before: Double, _ after: Double) -> String {
        String(format: "%.4f  %.4f %+7.4f", before, after, after - before)
    }
}
