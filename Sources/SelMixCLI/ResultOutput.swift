import Common
import Foundation
import Runtime
import SelMix

/// The end of a run on standard output: one JSON object, or a table of before and after.
enum ResultOutput {
    static func show(_ report: RunReport, directory: String, options: OutputOptions) throws {
        if options.json {
            print(try JSONText.of(report))
            return
        }
        print(
            String(
                format: "%@: %d rounds in %.1f s with %d worker%@, %.0f samples/s; best round %d", report.name,
                report.rounds, report.seconds, report.workers, report.workers == 1 ? "" : "s", report.samplesPerSecond,
                report.bestRound))
        print("")
        print(MetricsTable.text(report, marking: report.objective))
        if let luck = luck(report) {
            print("")
            print(luck)
        }
        if !report.baselines.isEmpty {
            print("")
            print(MetricsTable.text(report.baselines, marking: report.objective))
            if let verdict = report.verdict { print(verdict.description) }
        }
        for warning in report.warnings ?? [] {
            print("")
            print("warning: \(warning)")
        }
        for quarantined in report.quarantined {
            print("")
            print(
                "\(quarantined.worker) (\(quarantined.host)) computed wrongly and was quarantined: \(quarantined.reason)"
                    .printable
            )
        }
        print("")
        let path = shownPath(directory)
        print("head    \(path)/head.safetensors")
        print("report  \(path)/report.html")
        excuse(savedIn: path)
    }

    /// A summary that could not be printed is no reason to call a run failed: what it came to is in files.
    static func excuse(savedIn path: String) {
        guard let failure = StandardOutput.takeFailure() else { return }
        StandardError.line("warning: \(failure.error.message); what the summary would say is in \(path)")
    }

    /// Who lost, what the objective won and how much of that may be chance, and what is hardly measured.
    private static func luck(_ report: RunReport) -> String? {
        guard let changes = report.classChanges, let change = report.objectiveChange else { return nil }
        let split = change.test == nil ? "validation" : "test"
        var lines = ["\(split): \(changes.description)"]
        lines[0] += "; \(report.objective) \((change.test ?? change.validation).description)"
        if let scarce = report.scarceClasses, let first = scarce.first {
            lines.append(
                "\(scarce.count) of \(report.classes) classes have fewer than \(RunReport.fewestToMeasure) validation rows"
                    + " (the first is class \(first)): their recalls are hardly measured")
        }
        return lines.joined(separator: "\n")
    }

    /// A path as a person would type it: without `..`, and from the working directory where it lies below that.
    static func shownPath(_ path: String) -> String {
        let whole = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        let here = FileManager.default.currentDirectoryPath + "/"
        return whole.hasPrefix(here) ? String(whole.dropFirst(here.count)) : whole
    }
}

enum JSONText {
    static func of(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        return String(decoding: try encoder.encode(value), as: UTF8.self).printableJSON
    }
}
