import Logging

enum LogSetup {
    /// A log on standard error: warnings and worse, more with the environment variable SELMIX_LOG (debug, info).
    static func logger(_ label: String, environment: [String: String]) -> Logger {
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        var logger = Logger(label: label)
        logger.logLevel = environment["SELMIX_LOG"].flatMap { Logger.Level(rawValue: $0) } ?? .warning
        return logger
    }
}
