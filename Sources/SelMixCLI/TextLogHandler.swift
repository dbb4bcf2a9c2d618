import Common
import Logging
import Runtime

/// Logs on standard error, a line an entry: time, level, label, message, and what else is known of it.
struct TextLogHandler: LogHandler {
    let label: String
    var logLevel = Logger.Level.info
    var metadata = Logger.Metadata()
    var metadataProvider: Logger.MetadataProvider?

    init(label: String) { self.label = label }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(metadataProvider?.get() ?? [:]) { $1 }.merging(event.metadata ?? [:]) { $1 }
        let fields = all.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        // Of what other machines have said nothing may begin a line or move a cursor.
        let line = "\(LogTime.now) \(event.level.rawValue) \(label):\(fields) \(event.message)"
        StandardError.line(line.printable)
    }
}
