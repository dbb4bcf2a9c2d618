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
        print("")
        print("head    \(directory)/head.safetensors")
        print("report  \(directory)/report.html")
    }
}

enum JSONText {
    static func of(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}
