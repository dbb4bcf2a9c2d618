import Foundation

/// Hosts as tables for people.
public enum HostTable {
    /// What is wrong where, a line a problem and one a hint.
    static func problems(_ statuses: [HostStatus]) -> String {
        let width = max(4, statuses.map(\.host.count).max() ?? 0)
        func row(_ host: String, _ text: String) -> String {
            host.padding(toLength: width, withPad: " ", startingAt: 0) + "  " + text + "\n"
        }
        var text = row("host", "what is wrong")
        for status in statuses {
            var name = status.host
            for problem in status.problems {
                text += row(name, problem.reason)
                if let hint = problem.hint { text += row("", "  " + hint) }
                name = ""
            }
        }
        return text
    }

    /// Everything that is known of all hosts.
    public static func text(_ statuses: [HostStatus]) -> String {
        let titles = ["host", "workers", "cores", "selmix", "oneDNN", "instructions", "clock", ""]
        let rows = statuses.map { status in
            [
                status.host, "\(status.workers)", status.cores.map(String.init) ?? "-", status.version ?? "-",
                status.matrixLibrary ?? "-", status.instructionSet ?? "-",
                status.clockSeconds.map { String(format: "%+.1f s", $0) } ?? "-",
                ((status.problems.isEmpty ? ["ok"] : status.problems.map(\.reason)) + status.notes).joined(
                    separator: "; "),
            ]
        }
        let widths = titles.indices.map { column in ([titles] + rows).map { $0[column].count }.max()! }
        return ([titles] + rows).map { row in
            zip(row, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }.joined(separator: "  ")
                .trimmingCharacters(in: .whitespaces)
        }.joined(separator: "\n")
    }
}
