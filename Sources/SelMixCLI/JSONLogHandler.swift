import Common
import Foundation
import Logging
import Runtime

/// Logs on standard error, one JSON object a line: `time`, `level`, `label`, `message`, and `fields` where there are any.
struct JSONLogHandler: LogHandler {
    let label: String
    var logLevel = Logger.Level.info
    var metadata = Logger.Metadata()
    var metadataProvider: Logger.MetadataProvider?

    private struct Line: Encodable {
        var time: String
        var level: String
        var label: String
        var message: String
        var fields: [String: String]?
    }

    init(label: String) { self.label = label }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(metadataProvider?.get() ?? [:]) { $1 }.merging(event.metadata ?? [:]) { $1 }
        Self.write(
            level: event.level.rawValue, label: label, message: event.message.description,
            fields: all.mapValues { "\($0)" })
    }

    static func write(level: String, label: String, message: String, fields: [String: String]) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let line = Line(
            time: LogTime.now, level: level, label: label, message: message, fields: fields.isEmpty ? nil : fields)
        guard let data = try? encoder.encode(line) else { preconditionFailure("texts that are no JSON") }
        // In one piece, so that lines of several threads stay whole.
        StandardError.line(String(decoding: data, as: UTF8.self).printableJSON)
    }
}
