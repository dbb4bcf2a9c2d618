/// How a worker process ended.
public struct WorkerEnd: Sendable, Equatable, Codable {
    public enum Cause: Sendable, Equatable, Codable {
        case exited(Int32)
        case signaled(Int32)
        case notStarted
    }

    public var cause: Cause
    /// What it said last that tells why, if anything.
    public var complaint: String?

    public init(_ cause: Cause, complaint: String? = nil) {
        self.cause = cause
        self.complaint = complaint
    }

    /// Let go by the coordinator, or drained.
    public var isPeaceful: Bool { cause == .exited(0) }

    /// Another start would end the same way: a wrong command line, or data that are not what the job says.
    public var isFinal: Bool { cause == .exited(2) || cause == .exited(3) }

    /// Such as "was ended by signal 9 (SIGKILL)".
    public var told: String {
        switch (cause, complaint) {
        case (.notStarted, let complaint): "could not be started" + (complaint.map { " (\($0))" } ?? "")
        case (_, let complaint?): "failed (\(complaint))"
        case (.exited(let status), nil): "ended with status \(status)"
        case (.signaled(let number), nil):
            "was ended by signal \(number)" + (Self.signalNames[number].map { " (\($0))" } ?? "")
        }
    }

    /// Such as "node1-2 was ended by signal 9 (SIGKILL)".
    public func told(of name: String) -> String { "\(name) \(told)" }

    /// Linux' numbers of those that end a worker in practice.
    private static let signalNames: [Int32: String] = [
        1: "SIGHUP", 2: "SIGINT", 4: "SIGILL", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE", 9: "SIGKILL", 11: "SIGSEGV",
        15: "SIGTERM",
    ]
}
