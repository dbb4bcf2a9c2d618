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

    /// What else was tried, a line a method, on test where there is one.
    static func text(_ baselines: [BaselineReport], marking objective: String) -> String {
        let onTest = baselines.allSatisfy { $0.test != nil }
        let columns = rows.filter { $0.title != "head recall" && $0.title != "tail recall" }
        let title =
            "\(onTest ? "test" : "validation") split".padding(toLength: 46, withPad: " ", startingAt: 0)
            + columns.map { ($0.objective == objective ? "*" : " ") + $0.title }.joined(separator: " ")
        let lines = baselines.map { line in
            let name = (line.written ? "> " : "  ") + line.title + (line.setting.map { " (\($0))" } ?? "")
            let metrics = onTest ? line.test! : line.validation
            return name.padding(toLength: 46, withPad: " ", startingAt: 0)
                + columns.map { column in
                    String(format: "%.4f", column.value(metrics))
                        .padding(toLength: column.title.count + 1, withPad: " ", startingAt: 0)
                }.joined(separator: " ")
        }
        return ([title] + lines).joined(separator: "\n")
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
