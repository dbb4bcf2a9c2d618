/// How a process writes to standard error.
public enum LogFormat: String, Sendable, CaseIterable {
    case text
    /// One JSON object a line.
    case json
}

/// The time of a line of a log.
public enum LogTime {
    public static var now: String { Timestamp.now }
}
