import Common
import Coordination
import Foundation
import Runtime

/// A run and its workers as lines for people.
enum StatusTable {
    /// What they say comes from other machines, so it is printed escaped.
    static func text(_ run: RunStatus, _ workers: WorkersStatus) -> [String] {
        header(run) + [""] + table(workers.workers)
    }

    static func header(_ run: RunStatus) -> [String] {
        var lines = [
            "\(run.name): \(run.health.rawValue), \(run.state.rawValue)" + (run.reason.map { " (\($0))" } ?? "")
        ]
        var progress = "round \(run.round)/\(run.rounds), step \(run.step)/\(run.steps)"
        if let speed = run.samplesPerSecond { progress += ", \(Int(saturating: speed)) samples/s" }
        progress += ", \(Self.time(run.elapsedSeconds)) so far"
        if let left = run.leftSeconds, !run.state.isOver { progress += ", \(Self.time(left)) left" }
        lines.append(progress)
        if let now = run.objective, let before = run.objectiveBefore, let best = run.objectiveBest {
            lines.append(
                String(format: "%@ %.4f (at first %.4f, best %.4f", run.objectiveName, now, before, best)
                    + (run.bestRound.map { " in round \($0))" } ?? ")"))
        }
        lines += run.problems.map { "! \($0)" }
        return lines.map(\.printable)
    }

    /// Those that are gone come last, and only once for each name.
    static func table(_ workers: [WorkerStatus]) -> [String] {
        let titles = ["worker", "state", "for", "shard", "x median", "cpu", "memory", "samples/s", "reason"]
        var seen = Set<String>()
        let rows = workers.filter { seen.insert($0.name).inserted || $0.state.isHere }.map { row($0).map(\.printable) }
        guard !rows.isEmpty else { return ["no worker yet"] }
        let widths = titles.indices.map { column in ([titles] + rows).map { $0[column].count }.max() ?? 0 }
        return ([titles] + rows).map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                let space = String(repeating: " ", count: widths[column] - cell.count)
                // Figures to the right.
                line += (2...7).contains(column) ? space + cell : cell + space
                line += "  "
            }
            return line.replacing(/\s+$/, with: "")
        }
    }

    private static func row(_ worker: WorkerStatus) -> [String] {
        let telemetry = worker.state.isHere ? worker.telemetry : nil
        return [
            worker.name, worker.state.rawValue, since(worker.since),
            worker.shardSeconds.map { String(format: "%.2f ms", $0 * 1000) } ?? "-",
            worker.stragglerScore.map { String(format: "%.1f", $0) } ?? "-",
            telemetry.map { String(format: "%.0f %%", $0.cpu * 100) } ?? "-",
            telemetry.map { "\($0.memoryBytes >> 20) MiB" } ?? "-",
            telemetry?.samplesPerSecond.map { "\(Int(saturating: $0))" } ?? "-", worker.reason,
        ]
    }

    private static func since(_ text: String) -> String {
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        guard let then = try? style.parse(text) else { return "-" }
        return time(max(0, Date().timeIntervalSince(then)))
    }

    /// "3 s", "2 min 10 s", "1 h 5 min".
    static func time(_ seconds: Double) -> String { Duration.saturated(seconds: seconds).short }
}
