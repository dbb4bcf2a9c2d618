import ArgumentParser
import Foundation
import Logging
import Runtime
import Synchronization

extension LogFormat: ExpressibleByArgument {}

/// How a long-running command logs.
struct LogOptions: ParsableArguments {
    @Option(help: "How to write to standard error: text, or json (an object a line, for machines to read).")
    var logFormat = LogFormat.text

    /// - Parameter fields: told with every line of JSON.
    func logger(_ label: String, fields: [String: String] = [:]) -> Logger {
        LogSetup.logger(label, logFormat, fields: fields)
    }

    /// How progress is shown beside such a log.
    func display(quiet: Bool, _ log: Logger) -> ProgressDisplay.Style {
        logFormat == .json && !quiet ? .log(log) : .automatic(quiet: quiet)
    }
}

enum LogSetup {
    /// Whether the error that ends this process is told as JSON.
    static let isJSON = Atomic(false)

    /// A log on standard error: what people should know, as JSON also what happens; more with the environment variable SELMIX_LOG
    /// (debug, info).
    static func logger(_ label: String, _ format: LogFormat = .text, fields: [String: String] = [:]) -> Logger {
        isJSON.store(format == .json, ordering: .relaxed)
        LoggingSystem.bootstrap { label -> any LogHandler in
            if format == .json { return JSONLogHandler(label: label) }
            return TextLogHandler(label: label)
        }
        var logger = Logger(label: label)
        if format == .json {
            for (key, value) in fields { logger[metadataKey: key] = "\(value)" }
        }
        let wanted = ProcessInfo.processInfo.environment["SELMIX_LOG"].flatMap { Logger.Level(rawValue: $0) }
        logger.logLevel = wanted ?? (format == .json ? .info : .notice)
        return logger
    }
}
