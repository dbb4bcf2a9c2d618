import Simulation

/// What is printed about finished simulations.
enum Summary {
    static func verdict(_ report: Simulation.Report, canary: Canary?) -> String {
        guard let violation = report.violation else {
            return "seed \(report.seed) is right: \(report.statistics.events) events, fingerprint \(report.fingerprint)"
        }
        let defect = canary.map { " --canary \($0.rawValue)" } ?? ""
        return """
            seed \(report.seed) FAILED: \(violation)
                replay: scripts/simulate --seed \(report.seed) --trace\(defect)
            """
    }

    /// The last lines of a run's story.
    static func end(of seed: UInt64, canary: Canary?, lines count: Int) -> String {
        var lines: [String] = []
        _ = Simulation.run(seed: seed, canary: canary) { line in
            lines.append(line)
            if lines.count > 10 * count { lines.removeFirst(lines.count - count) }
        }
        return (["", "How seed \(seed) ended"] + lines.suffix(count)).joined(separator: "\n")
    }

    static func table(_ result: Sweep.Result, took time: Duration) -> String {
        let statistics = result.statistics
        let seconds = Double(time.components.seconds) + Double(time.components.attoseconds) * 1e-18
        let speed = Int(Double(statistics.runs) / max(seconds, 1e-9))
        let tenths = (seconds * 10).rounded() / 10
        let recovery = statistics.slowestRecovery
        var lines = ["", "How runs ended"]
        lines += rows(statistics.ends.map { ($0.key, $0.value) })
        lines += ["", "What went wrong"]
        lines += rows(Trouble.allCases.map { ($0.rawValue, statistics.troubles[$0] ?? 0) }, sorted: false)
        lines += ["", "What the coordinators did"]
        lines += rows(statistics.answers.map { ($0.key, $0.value) })
        lines += [
            "",
            "slowest recovery: \(Int(recovery.failureTimeouts.rounded())) failure time-outs (seed \(recovery.seed))",
            "\(statistics.runs) seeds, \(statistics.events) events in \(tenths) s: \(speed) seeds/s",
            result.failures.isEmpty ? "no violations" : "\(result.failures.count) seeds FAILED",
        ]
        return lines.joined(separator: "\n")
    }

    private static func rows(_ entries: [(name: String, count: Int)], sorted: Bool = true) -> [String] {
        (sorted ? entries.sorted { $0.name < $1.name } : entries).map { name, count in
            let number = "\(count)"
            return String(repeating: " ", count: max(1, 12 - number.utf8.count)) + number + "  " + name
        }
    }
}
